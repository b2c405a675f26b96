"""The official `openai` SDK, unchanged, against the sandbox."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import openai
import pytest

from relai_tui.sandbox import faults
from relai_tui.sandbox.faults import Fault
from relai_tui.sandbox.server import Sandbox

ASK: dict[str, object] = {"model": "smart", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture(params=[1, 2])
async def client(sandbox: Sandbox, request: pytest.FixtureRequest) -> AsyncIterator[openai.AsyncOpenAI]:
    key = sandbox.keys[request.param]
    async with openai.AsyncOpenAI(base_url=sandbox.base_url, api_key=key, max_retries=0) as made:
        yield made


async def test_one_piece(client: openai.AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(
        model="smart", messages=[{"role": "user", "content": "who are you?"}], temperature=0.5, max_tokens=500
    )
    assert answer.model == "claude-sonnet-4.6"
    assert "sandbox" in (answer.choices[0].message.content or "")
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


async def test_a_stream(client: openai.AsyncOpenAI) -> None:
    chunks = [
        chunk
        async for chunk in await client.chat.completions.create(
            model="fast",
            messages=[{"role": "user", "content": "unicode"}],
            stream=True,
            stream_options={"include_usage": True},
        )
    ]
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert "日本語" in said
    assert "👩‍💻" in said
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 100


async def test_tools(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model="smart",
        messages=[{"role": "user", "content": "the weather in oslo"}],
        tools=[
            {
                "type": "function",
                "function": {
                    "name": "get_weather",
                    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
                },
            }
        ],
        stream=True,
    )
    calls = [call async for chunk in stream for call in chunk.choices[0].delta.tool_calls or ()]
    arguments = "".join(call.function.arguments or "" for call in calls if call.function)
    assert json.loads(arguments) == {"city": "Oslo"}


async def test_models(client: openai.AsyncOpenAI) -> None:
    models = [model async for model in client.models.list()]
    assert ("claude-opus-4.7", "anthropic") in [(model.id, model.owned_by) for model in models]


def _poor(sandbox: Sandbox) -> None:
    sandbox.account.set_credits(0)


def _revoked(sandbox: Sandbox) -> None:
    for key in sandbox.account.keys:
        sandbox.account.revoke(key.id)


def _failing(fault: Fault) -> Callable[[Sandbox], None]:
    def arrange(sandbox: Sandbox) -> None:
        sandbox.faults.add(fault)

    return arrange


@pytest.mark.parametrize(
    ("arrange", "kind", "status", "code", "model"),
    [
        (lambda _: None, openai.NotFoundError, 404, "model_not_found", "gpt-9"),
        (lambda _: None, openai.BadRequestError, 400, "model_not_available_in_region", "llama-4-maverick"),
        (_poor, openai.APIStatusError, 402, "insufficient_balance", "smart"),
        (_revoked, openai.AuthenticationError, 401, "invalid_api_key", "smart"),
        (_failing(faults.error(403, "region_mismatch")), openai.PermissionDeniedError, 403, "region_mismatch", "smart"),
        (
            _failing(faults.error(429, "rate_limit_exceeded")),
            openai.RateLimitError,
            429,
            "rate_limit_exceeded",
            "smart",
        ),
        (_failing(faults.error(500, "internal_error")), openai.InternalServerError, 500, "internal_error", "smart"),
    ],
)
async def test_errors_have_their_classes(
    sandbox: Sandbox,
    client: openai.AsyncOpenAI,
    arrange: Callable[[Sandbox], None],
    kind: type[openai.APIStatusError],
    status: int,
    code: str,
    model: str,
) -> None:
    arrange(sandbox)
    with pytest.raises(kind) as caught:
        await client.chat.completions.create(model=model, messages=[{"role": "user", "content": "hello"}])
    assert (caught.value.status_code, caught.value.code) == (status, code)


async def test_its_way_to_any_route_reaches_the_money(sandbox: Sandbox) -> None:
    async with openai.AsyncOpenAI(base_url=sandbox.base_url, api_key=sandbox.keys[2], max_retries=0) as client:
        await client.chat.completions.create(model="fast", messages=[{"role": "user", "content": "hi"}])
        balance: Any = await client.get("/balance", cast_to=object)
        usage: Any = await client.get("/usage", cast_to=object, options={"params": {"limit": 1, "model": "claude-*"}})
        ledger: Any = await client.get("/billing/ledger", cast_to=object)
        changed: Any = await client.patch("/balance", cast_to=object, body={"auto_recharge": True})
    (event,) = usage["events"]
    assert (
        balance["credits_micro"]
        == 4_500_000 - event["cost_micro"]
        == sum(row["delta_micro"] for row in ledger["entries"])
    )
    assert ledger["entries"][0]["reference"] == event["request_id"]
    assert changed["auto_recharge"] is True
    async with openai.AsyncOpenAI(base_url=sandbox.base_url, api_key=sandbox.keys[1], max_retries=0) as client:
        assert set(await client.get("/balance", cast_to=dict[str, Any])) == {"credits_micro", "credits_dollars"}
        with pytest.raises(openai.NotFoundError):
            await client.get("/usage", cast_to=object)


async def test_it_waits_as_the_sandbox_says_and_tries_again(sandbox: Sandbox) -> None:
    sandbox.faults.add(faults.answer(503, retry_after=0.01), times=2)
    async with openai.AsyncOpenAI(base_url=sandbox.base_url, api_key=sandbox.keys[1]) as client:
        assert (await client.models.list()).data
    assert [asked.status for asked in sandbox.requests] == [503, 503, 200]


async def test_a_cut_stream_and_an_error_in_one(sandbox: Sandbox, client: openai.AsyncOpenAI) -> None:
    async def read() -> None:
        async for _ in await client.chat.completions.create(
            model="smart", messages=[{"role": "user", "content": "long 100"}], stream=True
        ):
            pass

    sandbox.faults.add(faults.stream_error(after=3), times=1)
    with pytest.raises(openai.APIError, match="upstream"):
        await read()
    sandbox.faults.add(faults.cut(after=3), times=1)
    with pytest.raises(Exception, match=r"incomplete chunked read|Connection error"):
        await read()
