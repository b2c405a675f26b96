"""The routes that steer the sandbox: for programs that were given its token, never for a web page."""

import pytest

from relai_tui.sandbox.server import Sandbox
from tests.sandbox.conftest import Speak

FAULT = {"status": 418, "body": "tea"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://localhost:3000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example:80"},
        {"Host": "127.0.0.1.evil.example:80"},
        {"Host": "localhost.evil.example:80"},
        {"Host": "127.0.0.1"},
    ],
)
@pytest.mark.parametrize("route", ["faults", "requests"])
async def test_a_web_page_cannot_steer_it(headers: dict[str, str], route: str, sandbox: Sandbox, speak: Speak) -> None:
    client, place = speak(2, control=True), f"{sandbox.origin}/__sandbox/{route}"
    sandbox.requests.clear()
    await client.get("/models")
    answers = [
        await client.post(place, json=FAULT, headers=headers),
        await client.post(place, content='{"status": 418}', headers={**headers, "Content-Type": "text/plain"}),
        await client.get(place, headers=headers),
        await client.delete(place, headers=headers),
        await client.options(place, headers=headers),
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert sandbox.faults.listed() == []
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize("token", [None, "", "wrong", "ü"])
async def test_a_program_needs_the_token(token: str | None, sandbox: Sandbox, speak: Speak) -> None:
    headers = [] if token is None else [(b"X-Sandbox-Token", token.encode())]
    answer = await speak(2).post(f"{sandbox.origin}/__sandbox/faults", json=FAULT, headers=headers)
    assert answer.status_code == 401
    assert sandbox.faults.listed() == []


async def test_a_program_with_the_token_may_steer_it(sandbox: Sandbox, speak: Speak) -> None:
    answer = await speak(None, control=True).post(f"{sandbox.origin}/__sandbox/faults", json=FAULT)
    assert answer.status_code == 200
    assert (await speak(2).get("/models")).status_code == 418


async def test_each_sandbox_has_a_token_of_its_own(sandbox: Sandbox) -> None:
    assert Sandbox().control_token != sandbox.control_token
