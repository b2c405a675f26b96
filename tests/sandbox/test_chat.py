"""What the scripted models say, and how it streams."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from relai_tui.sandbox.script import answer, tokens
from relai_tui.sandbox.server import Sandbox
from tests.sandbox.conftest import Speak, chat

WEATHER = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}


async def stream(client: httpx.AsyncClient, body: dict[str, Any]) -> list[dict[str, Any]]:
    """The chunks of a stream that ended with [DONE]."""
    answer = await client.post("/chat/completions", json=body | {"stream": True})
    assert answer.status_code == 200, answer.text
    data = [line.removeprefix("data: ") for line in answer.text.split("\n") if line.startswith("data: ")]
    assert data[-1] == "[DONE]"
    return [json.loads(one) for one in data[:-1]]


def text(chunks: list[dict[str, Any]], field: str = "content") -> str:
    return "".join(choice["delta"].get(field) or "" for chunk in chunks for choice in chunk["choices"])


def finish(chunks: list[dict[str, Any]]) -> list[str]:
    reasons = (choice.get("finish_reason") for chunk in chunks for choice in chunk["choices"])
    return [reason for reason in reasons if reason]


@pytest.mark.parametrize("prompt", ["hello", "markdown", "unicode", "hostile", "big table", "fence 50", "say nothing"])
async def test_a_stream_says_the_same_as_one_piece(speak: Speak, prompt: str) -> None:
    client = speak(2)
    whole = (await client.post("/chat/completions", json=chat(prompt))).json()
    chunks = await stream(client, chat(prompt, stream_options={"include_usage": True}))
    assert text(chunks) == whole["choices"][0]["message"]["content"]
    assert finish(chunks) == [whole["choices"][0]["finish_reason"]] == ["stop"]
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"] == whole["usage"]
    assert sum(1 for chunk in chunks if text([chunk])) == whole["usage"]["completion_tokens"]


@pytest.mark.parametrize(
    "sample", ["", "a", "  two\n\nlines\t", "日本語とemoji 👩‍💻!", "\x1b[31m\x9b\u202e{}[]", "x" * 50]
)
def test_tokens_are_the_text(sample: str) -> None:
    assert "".join(tokens(sample)) == sample


async def test_hostile_answers_are_hostile(speak: Speak) -> None:
    said = text(await stream(speak(1), chat("something hostile, please")))
    for attack in ("\x1b]52;", "\x9b", "\u202e", "[@click=app.quit]x[/]", "javascript:", "\x07", "\x00"):
        assert attack in said


@pytest.mark.parametrize(("prompt", "field"), [("think hard", "reasoning_content"), ("a reasoning field", "reasoning")])
async def test_reasoning_comes_before_the_answer(speak: Speak, prompt: str, field: str) -> None:
    chunks = await stream(speak(1), chat(prompt))
    assert "scripted model does not think" in text(chunks, field)
    kinds = [name for chunk in chunks for name, value in chunk["choices"][0]["delta"].items() if value]
    assert kinds[0] == "role"
    assert kinds[1:] == sorted(kinds[1:], key=[field, "content"].index)
    assert set(kinds[1:]) == {field, "content"}
    whole = (await speak(1).post("/chat/completions", json=chat(prompt))).json()["choices"][0]["message"]
    assert whole[field] == text(chunks, field)


async def test_a_tool_is_called_and_its_result_told(speak: Speak) -> None:
    client = speak(2)
    asked = chat("What is the weather in paris?", tools=[WEATHER])
    chunks = await stream(client, asked)
    pieces = [call for chunk in chunks for call in chunk["choices"][0]["delta"].get("tool_calls", ())]
    assert pieces[0]["function"]["name"] == "get_weather"
    assert len(pieces) > 3
    assert json.loads("".join(piece["function"]["arguments"] for piece in pieces)) == {"city": "Paris"}
    assert finish(chunks) == ["tool_calls"]
    whole = (await client.post("/chat/completions", json=asked)).json()["choices"][0]
    assert whole["message"]["content"] is None
    asked["messages"] += [whole["message"], {"role": "tool", "tool_call_id": pieces[0]["id"], "content": '{"c": 21}'}]
    assert '{"c": 21}' in text(await stream(client, asked))
    assert finish(await stream(client, chat("tell me a joke", tools=[WEATHER]))) == ["stop"]


async def test_max_tokens_cuts(speak: Speak) -> None:
    for limit in ("max_tokens", "max_completion_tokens"):
        cut = (await speak(2).post("/chat/completions", json=chat("markdown", **{limit: 7}))).json()
        assert cut["choices"][0]["finish_reason"] == "length"
        assert cut["usage"]["completion_tokens"] == 7
    thought = (await speak(2).post("/chat/completions", json=chat("think", max_tokens=5))).json()["choices"][0]
    assert thought["message"]["content"] == ""
    assert thought["finish_reason"] == "length"
    assert finish(await stream(speak(2), chat("filtered"))) == ["content_filter"]


async def test_a_long_answer_is_as_long_as_asked_and_quick(speak: Speak) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    chunks = await stream(speak(2), chat("long 32,000", stream_options={"include_usage": True}))
    assert chunks[-1]["usage"]["completion_tokens"] == 32_000
    assert loop.time() - started < 5, "measured 0.3 s where this was written, JSON parsing included"


async def test_the_pace_is_kept_and_may_be_asked_for(sandbox: Sandbox, speak: Speak) -> None:
    loop = asyncio.get_running_loop()
    sandbox.tokens_per_second = 1
    started = loop.time()
    chunks = await stream(speak(2), chat("long 40 at 100/s"))
    assert 0.38 < loop.time() - started < 5
    assert text(chunks)
    started = loop.time()
    await stream(speak(2), chat("long 400 at 0/s"))
    assert loop.time() - started < 5


def test_the_usual_answer_quotes_the_prompt_and_varies() -> None:
    prompts = [f"Question number {number} about gardens" for number in range(12)]
    said = ["".join(answer([{"role": "user", "content": one}], [], model="m").content) for one in prompts]
    assert all(prompt in reply for prompt, reply in zip(prompts, said, strict=True))
    assert len({reply.replace(prompt, "") for prompt, reply in zip(prompts, said, strict=True)}) >= 3
    braces = answer([{"role": "user", "content": "{quote} {0} {x!r}"}], [], model="m").content
    assert "{quote} {0} {x!r}" in "".join(braces)
    parts = [{"type": "text", "text": "echo: in parts"}]
    assert "".join(answer([{"role": "user", "content": parts}], [], model="m").content) == "in parts"


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"model": ""}, "model"),
        ({"model": None}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"tools": {}}, "tools"),
        ({"tools": [{"type": "function"}]}, "tools[0]"),
        ({"user": 7}, "user"),
    ],
)
async def test_a_wrong_request_is_refused_unpaid(sandbox: Sandbox, speak: Speak, wrong: Any, param: str) -> None:
    answer = await speak(2).post("/chat/completions", json=chat("hi") | wrong)
    assert answer.status_code == 400
    assert answer.json()["error"] | {"message": ""} == {
        "message": "",
        "type": "invalid_request_error",
        "code": "bad_request",
        "param": param,
    }
    assert sandbox.account.credits_micro == 4_500_000


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b"\xff", b"[" * 100_000, b'{"a": NaN}', b'{"a": 1e999}'])
async def test_a_body_that_is_no_object(sandbox: Sandbox, speak: Speak, body: bytes) -> None:
    answer = await speak(2).post("/chat/completions", content=body)
    assert answer.status_code == 400
    assert (await speak(None, control=True).get(f"{sandbox.origin}/__sandbox/requests")).status_code == 200


@pytest.mark.parametrize("flag", [b"true", b"false"])
async def test_half_a_surrogate_pair_is_survived(sandbox: Sandbox, speak: Speak, flag: bytes) -> None:
    half = b'{"model": "smart", "messages": [{"role": "user", "content": "half \\ud83d of it"}], "stream": %s}' % flag
    answer = await speak(2).post("/chat/completions", content=half)
    assert "half" in answer.text
    unknown = await speak(2).post("/chat/completions", content=half.replace(b"smart", b"\\udc00"))
    assert unknown.status_code == 404
    assert (await speak(None, control=True).get(f"{sandbox.origin}/__sandbox/requests")).status_code == 200
