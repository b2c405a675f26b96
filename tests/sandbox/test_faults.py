"""Each way in which the sandbox can be told to misbehave, seen from the other end of the socket."""

import asyncio
import json
import zlib
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from relai_tui.sandbox import faults
from relai_tui.sandbox.faults import Fault
from relai_tui.sandbox.server import Sandbox
from tests.sandbox.conftest import Clock, Speak, chat

LONG = chat("long 50", stream=True)


async def body(client: httpx.AsyncClient, fault: Fault, sandbox: Sandbox, asked: dict[str, Any] = LONG) -> bytes:
    """What a stream sends under a fault, to its clean end."""
    sandbox.faults.add(fault, times=1)
    answer = await client.post("/chat/completions", json=asked)
    assert answer.status_code == 200
    return answer.content


async def until_broken(client: httpx.AsyncClient, how: tuple[type[Exception], ...], silence: float = 20) -> bytes:
    """What a stream sends before it breaks off in one of these ways, or is silent for so many seconds."""
    came = bytearray()

    async def read() -> None:
        async with client.stream("POST", "/chat/completions", json=LONG, timeout=silence) as answer:
            async for piece in answer.aiter_bytes():
                came.extend(piece)

    with pytest.raises(how):
        await read()
    return bytes(came)


async def test_it_misbehaves_as_often_as_told_and_only_there(sandbox: Sandbox, speak: Speak) -> None:
    client = speak(2)
    sandbox.faults.add(faults.html(502), times=2, path="/keys", method="GET")
    statuses = [(await client.get(path)).status_code for path in ("/balance", "/keys", "/keys", "/keys")]
    assert statuses == [200, 502, 502, 200]
    assert (await client.post("/keys", json={"name": "x"})).status_code == 201
    sandbox.faults.add(faults.error(500, "database_error"))
    assert [(await client.get("/balance")).status_code for _ in range(3)] == [500, 500, 500]
    sandbox.faults.clear()
    assert (await client.get("/balance")).status_code == 200
    assert len(sandbox.faults.met) == 5


@pytest.mark.parametrize(
    ("fault", "kind", "text"),
    [
        (faults.error(503, "home_region_unreachable"), "application/json", '"home_region_unreachable"'),
        (faults.detail(), "application/json", '"detail"'),
        (faults.answer(500, {"error": "text"}), "application/json", '{"error": "text"}'),
        (faults.html(), "text/html", "<h1>502 Bad Gateway</h1>"),
        (faults.answer(500), None, ""),
    ],
)
async def test_errors_of_every_shape(sandbox: Sandbox, speak: Speak, fault: Fault, kind: str, text: str) -> None:
    sandbox.faults.add(fault)
    answer = await speak(1).get("/balance")
    assert answer.status_code == fault.status
    assert text in answer.text
    assert (answer.headers.get("Content-Type") or "").split(";")[0] == (kind or "")


async def test_retry_after_in_both_forms(sandbox: Sandbox, speak: Speak) -> None:
    client = speak(1)
    sandbox.faults.add(faults.answer(429, retry_after=2.5), times=1)
    assert (await client.get("/balance")).headers["Retry-After"] == "2.5"
    sandbox.faults.clock_skew = 3600
    sandbox.faults.add(faults.answer(503, retry_date_in=30), times=1)
    headers = (await client.get("/balance")).headers
    ahead = parsedate_to_datetime(headers["Retry-After"]) - parsedate_to_datetime(headers["Date"])
    assert ahead.total_seconds() == 30
    sandbox.faults.add(faults.error(429, "rate_limit_exceeded", retry_after=7), times=1)
    assert (await client.get("/balance")).json()["error"]["retry_after"] == 7


async def test_a_redirect_elsewhere(sandbox: Sandbox, speak: Speak) -> None:
    sandbox.faults.add(faults.redirect("http://other.example/v1/keys"))
    answer = await speak(1).get("/keys")
    assert (answer.status_code, answer.headers["Location"]) == (307, "http://other.example/v1/keys")


async def test_a_small_body_that_unpacks_to_much(sandbox: Sandbox, speak: Speak) -> None:
    sandbox.faults.add(faults.gzip_bomb(8))
    async with speak(1).stream("GET", "/models") as answer:
        packed = b"".join([piece async for piece in answer.aiter_raw()])
    assert len(packed) < 100_000
    unpacked = zlib.decompress(packed, wbits=31)
    assert len(unpacked) > 8 * 1024 * 1024
    assert json.loads(unpacked) == {"object": "list", "data": []}


@pytest.mark.parametrize("figure", ['"4.5"', "4.5", "null", "NaN", "1e400", "-5", "12345678901234567890123"])
async def test_odd_balances(sandbox: Sandbox, speak: Speak, figure: str) -> None:
    sandbox.faults.add(faults.balance(figure))
    assert f'"credits_micro": {figure},' in (await speak(1).get("/balance")).text


async def test_fields_are_added_dropped_and_emptied(sandbox: Sandbox, speak: Speak) -> None:
    sandbox.faults.add(
        Fault(path="/keys", set_fields={"keys.*.last_used_at": None, "next": "x"}, drop_fields=("keys.*.name",))
    )
    answer = (await speak(2).get("/keys")).json()
    assert answer["next"] == "x"
    assert [(key["last_used_at"], "name" in key) for key in answer["keys"]] == [(None, False)]


async def test_the_answer_to_a_new_key_is_lost(sandbox: Sandbox, speak: Speak) -> None:
    client = speak(1)
    sandbox.faults.add(faults.lost_answer(), method="POST", path="/keys", times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        await client.post("/keys", json={"name": "closed"})
    sandbox.faults.add(faults.lost_answer("error"), method="POST", path="/keys", times=1)
    assert (await client.post("/keys", json={"name": "failed"})).status_code == 500
    sandbox.faults.add(faults.no_secret(), times=1)
    assert "key" not in (await client.post("/keys", json={"name": "untold"})).json()
    names = [key["name"] for key in (await client.get("/keys")).json()["keys"]]
    assert names == ["Sandbox edition 1", "closed", "failed", "untold"]
    sandbox.faults.add(faults.hang_up(), times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        await client.post("/keys", json={"name": "never"})
    assert len((await client.get("/keys")).json()["keys"]) == 4
    assert [asked.status for asked in sandbox.requests.of("POST", "/keys")] == [0, 500, 200, 0]


async def test_a_revoked_key_works_on_for_a_while(sandbox: Sandbox, clock: Clock, speak: Speak) -> None:
    sandbox.faults.revocation_lag = 30
    key = sandbox.account.mint("late")
    client = speak(key=key.secret)
    sandbox.account.revoke(key.id)
    clock.now += 29
    assert (await client.get("/balance")).status_code == 200
    clock.now += 1
    assert (await client.get("/balance")).status_code == 401


async def test_a_delay_ends_with_the_client(sandbox: Sandbox, speak: Speak) -> None:
    loop = asyncio.get_running_loop()
    sandbox.faults.add(faults.delay(0.05), times=1)
    started = loop.time()
    assert (await speak(2).get("/balance")).status_code == 200
    assert loop.time() - started >= 0.05
    sandbox.faults.add(faults.delay(3600), times=1)
    with pytest.raises(httpx.ReadTimeout):
        await speak(2).post("/keys", json={"name": "impatient"}, timeout=0.05)
    async with asyncio.timeout(10):
        while sandbox.requests[-1].status is None:
            await asyncio.sleep(0.005)
    assert sandbox.requests[-1].status == 499
    assert len(sandbox.account.keys) == 2


@pytest.mark.parametrize("reset", [False, True])
async def test_a_stream_is_cut(sandbox: Sandbox, speak: Speak, reset: bool) -> None:
    sandbox.faults.add(faults.cut(after=5, reset=reset), times=1)
    came = await until_broken(speak(2), (httpx.ReadError,) if reset else (httpx.RemoteProtocolError,))
    assert reset or came.count(b'"content"') == 6, "the role, and five tokens"
    assert b"[DONE]" not in came


async def test_a_stream_stalls(sandbox: Sandbox, speak: Speak) -> None:
    sandbox.faults.add(faults.stall(after=3), times=1)
    came = await until_broken(speak(2), (httpx.ReadTimeout,), silence=0.2)
    assert came.count(b'"content"') == 4


async def test_a_stream_ends_too_early(sandbox: Sandbox, speak: Speak) -> None:
    client = speak(2)
    early = await body(client, faults.early_end(2), sandbox)
    assert early.count(b"data: ") == 3
    assert b"[DONE]" not in early
    assert b'"finish_reason": "' not in early
    assert await body(client, faults.empty_stream(), sandbox) == b""
    unfinished = await body(client, Fault(no_finish=True), sandbox)
    assert b'"finish_reason": "' not in unfinished
    assert unfinished.endswith(b"data: [DONE]\n\n")
    undone = await body(client, Fault(no_done=True), sandbox)
    assert b'"finish_reason": "length"' not in undone
    assert b'"finish_reason": "stop"' in undone
    assert b"[DONE]" not in undone


async def test_a_stream_with_rubbish_in_it(sandbox: Sandbox, speak: Speak) -> None:
    client = speak(2)
    good = await body(client, Fault(lean=True), sandbox)
    assert b'"index"' not in good
    assert b'"model"' not in good
    for fault, mark in (
        (faults.garbage(), b"\xff\xfe not an event\n"),
        (faults.bad_json(), b'"half\n\n'),
        (faults.odd_deltas(), b'"choices": null'),
        (faults.huge_event(2), b"x" * (2 * 1024 * 1024)),
        (faults.raw(b'data: {"a": "\\ud800"}\n\n', after=4), b"\\ud800"),
        (Fault(keep_alive_every=10), b"\n\n: keep-alive\n\n"),
    ):
        came = await body(client, fault, sandbox)
        assert mark in came
        assert came.endswith(b"data: [DONE]\n\n")
    broken = await body(client, faults.stream_error(after=3), sandbox)
    assert broken.index(b'"upstream_error"') > 0
    assert b"[DONE]" not in broken
    assert broken.count(b'"content"') == 4


async def test_odd_framing(sandbox: Sandbox, speak: Speak) -> None:
    client = speak(2)
    assert (await body(client, Fault(bom=True), sandbox)).startswith(b"\xef\xbb\xbfdata: ")
    for line_end in ("\r", "\r\n"):
        came = await body(client, Fault(line_end=line_end), sandbox)
        assert came.endswith(f"data: [DONE]{line_end}{line_end}".encode())
        assert came.replace(line_end.encode(), b"").isascii()
        assert b"\n" not in came.replace(line_end.encode(), b"")
    usage = await body(
        client, Fault(usage_with_choices=True), sandbox, LONG | {"stream_options": {"include_usage": True}}
    )
    assert b'"choices": [{"index": 0, "delta": {}, "finish_reason": null}], "usage"' in usage
    pieces = await body(client, Fault(write_size=7), sandbox, chat("unicode", stream=True))
    assert pieces.endswith(b"data: [DONE]\n\n")
    assert "日本語" in pieces.decode()
    sandbox.faults.add(Fault(content_type="text/event-stream; charset=windows-1252"), times=1)
    answer = await client.post("/chat/completions", json=LONG)
    assert answer.headers["Content-Type"] == "text/event-stream; charset=windows-1252"


async def test_faults_are_set_over_http_too(sandbox: Sandbox, speak: Speak) -> None:
    client = speak(1, control=True)
    control = f"{sandbox.origin}/__sandbox/faults"
    wanted = {"preset": "error", "status": 429, "code": "rate_limit_exceeded", "retry_after": 1, "times": 1}
    set_ = await client.post(control, json=wanted)
    assert [one["left"] for one in set_.json()["faults"]] == [1]
    assert (await client.get("/balance")).status_code == 429
    await client.post(control, json={"status": 418, "body": "tea", "path": "/mod*", "revocation_lag": 5})
    assert (await client.get("/models")).status_code == 418
    assert (await client.get("/balance")).status_code == 200
    assert sandbox.faults.revocation_lag == 5
    await client.delete(control)
    assert (await client.get("/models")).status_code == 200
    for wrong in (
        '{"preset": "earthquake"}',
        '{"colour": 1}',
        '{"warning_form": "loud"}',
        "[]",
        '{"preset": "cut"}',
        "{",
    ):
        assert (await client.post(control, content=wrong)).status_code == 400, wrong
    assert (await client.get(control)).json() == {"faults": []}
