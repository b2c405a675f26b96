"""What the client says to a server, and what it makes of the answers."""

import asyncio
import json
from contextlib import aclosing

import pytest

from relai_tui import __version__
from relai_tui.api.client import Client
from relai_tui.api.deltas import Delta, TextDelta, TokensUsed
from relai_tui.api.errors import (
    NotFound,
    NotOffered,
    RefusedToSend,
    RelaiError,
    UnreadableAnswer,
)
from relai_tui.api.request import ChatRequest, Message
from relai_tui.conversation import Role, ToolCall
from relai_tui.text import CleanText
from tests.api.conftest import Connect
from tests.api.raw_server import DONE, FINISH, KEY, Answer, Line, RawServer, event, head, replies, streams
from tests.api.said import answering, finished, said, warned

HELLO = ChatRequest("smart", (Message(Role.USER, "Hello"),))


async def answer_of(client: Client, request: ChatRequest = HELLO) -> list[Delta]:
    async with aclosing(client.stream_chat(request)) as deltas:
        return [delta async for delta in deltas]


async def test_a_streamed_answer(server: RawServer, connect: Connect) -> None:
    usage = b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n'
    server.answers = [streams(event("Hel") + event("lo"), FINISH, usage, DONE)]
    deltas = await answer_of(connect())
    assert "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)) == "Hello"
    assert deltas[-2:] == [TokensUsed(1, 2), finished("stop")]
    asked = server.asked[0]
    assert (asked.method, asked.path) == ("POST", "/v1/chat/completions")
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.headers["user-agent"] == f"relai-tui/{__version__}"
    assert asked.headers["accept-encoding"] == "identity"
    assert "x-relai-region" not in asked.headers
    assert asked.json == {
        "model": "smart",
        "messages": [{"role": "user", "content": "Hello"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_everything_that_may_be_asked_is_sent_and_nothing_else(server: RawServer, connect: Connect) -> None:
    server.answers = [replies(200, {"choices": []})]
    call = ToolCall(CleanText("c1"), CleanText("f"), CleanText("{}"))
    request = ChatRequest(
        "fast",
        (Message("assistant", "", (call,)), Message("tool", "42", tool_call_id="c1")),
        temperature=0.0,
        max_tokens=9,
        system="Be brief.",
        user="u1",
        tools=({"type": "function", "function": {"name": "f"}},),
    )
    await connect().chat(request)
    sent = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert server.asked[0].json == {
        "model": "fast",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "assistant", "content": "", "tool_calls": [sent]},
            {"role": "tool", "content": "42", "tool_call_id": "c1"},
        ],
        "temperature": 0.0,
        "max_tokens": 9,
        "user": "u1",
        "tools": [{"type": "function", "function": {"name": "f"}}],
    }


async def test_the_head_of_the_answer_names_the_model_and_the_alias(server: RawServer, connect: Connect) -> None:
    server.answers = [streams(event("x"), DONE, x_relai_model="claude-sonnet-4.6", x_relai_alias="smart")]
    assert (await answer_of(connect()))[0] == answering("claude-sonnet-4.6", "smart")


async def test_a_key_of_edition_2_tells_the_region(server: RawServer, connect: Connect) -> None:
    server.answers = [replies(200, {"data": []})]
    key = "relai_sk_gbl_us_live_ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    await connect(key=key).models()
    await connect(key=key, region="eu").models()
    assert [asked.headers["x-relai-region"] for asked in server.asked] == ["us", "eu"]


async def test_a_server_without_keys_is_asked_without_one(server: RawServer, connect: Connect) -> None:
    server.answers = [streams(event("x"), DONE)]
    await answer_of(connect(key=None))
    assert "authorization" not in server.asked[0].headers


async def test_connections_are_used_again_also_after_a_stream(server: RawServer, connect: Connect) -> None:
    server.answers = [streams(event("x"), DONE), replies(200, {"credits_micro": 1})]
    client = connect()
    await answer_of(client)
    await client.balance()
    await client.balance()
    assert len(server.lines) == 1


async def test_a_server_that_does_not_stream_answers_all_the_same(server: RawServer, connect: Connect) -> None:
    relai = {"warnings": [{"code": "c", "message": "m", "period": "daily", "percent": 0.85}]}
    whole = {"model": "m", "choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}], "relai": relai}
    server.answers = [replies(200, json.dumps(whole), content_type="Application/JSON; charset=utf-8")]
    assert await answer_of(connect()) == [answering("m"), said("Hi"), warned("c", "m", "daily", 0.85), finished("stop")]


async def test_a_whole_completion(server: RawServer, connect: Connect) -> None:
    message = {
        "content": "Hi\x1b",
        "reasoning_content": "hm",
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    }
    whole = {
        "model": "claude",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2},
    }
    server.answers = [replies(200, whole, x_relai_alias="smart")]
    completion = await connect().chat(HELLO)
    assert (completion.text, completion.reasoning, completion.finish_reason) == ("Hi␛", "hm", "tool_calls")
    assert (completion.model, completion.alias) == ("claude", "smart")
    assert (completion.prompt_tokens, completion.completion_tokens) == (1, 2)
    assert [call.name for call in completion.tool_calls] == ["f"]


@pytest.mark.parametrize("status", [400, 422])
async def test_a_server_that_does_not_know_stream_options_is_asked_without(
    status: int, server: RawServer, connect: Connect, waits: list[float]
) -> None:
    detail = [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]
    refused = {"detail": detail} if status == 422 else {"error": {"message": "unknown field stream_options"}}
    server.answers = [replies(status, refused), streams(event("x"), DONE), streams(event("y"), DONE)]
    client = connect()
    assert (await answer_of(client))[0] == said("x")
    assert (await answer_of(client))[0] == said("y")
    assert ["stream_options" in asked.json for asked in server.asked] == [True, False, False]
    assert waits == []


async def test_models_keep_the_servers_order(server: RawServer, connect: Connect) -> None:
    server.answers = [replies(200, {"object": "list", "data": [{"id": "b", "owned_by": "x"}, {"id": "a"}, {}]})]
    assert [(model.id, model.owned_by) for model in await connect().models()] == [("b", "x"), ("a", None)]


async def test_the_balance_in_an_answer_that_is_packed(server: RawServer, connect: Connect) -> None:
    import gzip
    import zlib

    body = b'{"credits_micro": 4500000, "credits_dollars": 4.50}'
    raw = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    server.answers = [
        replies(200, gzip.compress(body[:9]) + gzip.compress(body[9:]), content_encoding="gzip"),
        replies(200, zlib.compress(body), content_encoding="deflate"),
        replies(200, raw.compress(body) + raw.flush(), content_encoding="deflate"),
        replies(200, b"\xef\xbb\xbf" + body, content_encoding="identity"),
    ]
    client = connect()
    assert [(await client.balance()).credits_micro for _ in range(4)] == [4_500_000] * 4
    assert server.asked[0].headers["accept-encoding"] == "gzip, deflate"


async def test_a_packed_stream_is_read_too(server: RawServer, connect: Connect) -> None:
    import gzip

    server.answers = [streams(gzip.compress(event("packed") + DONE), content_encoding="gzip")]
    assert (await answer_of(connect()))[0] == said("packed")


async def test_all_pages_of_the_keys_are_read(server: RawServer, connect: Connect) -> None:
    server.answers = [
        replies(200, {"keys": [{"id": "k1"}], "has_more": True}),
        replies(200, {"keys": [{"id": "k2"}], "next": "https://evil.example/v9/keys?page=3&limit=1"}),
        replies(200, {"data": [{"id": "k3"}], "next_cursor": "abc"}),
        replies(200, {"keys": [{"id": "k4"}], "has_more": False}),
    ]
    assert [key.id for key in await connect().keys()] == ["k1", "k2", "k3", "k4"]
    assert [asked.path for asked in server.asked] == [
        "/v1/keys",
        "/v1/keys?after=k1",
        "/v1/keys?page=3&limit=1",
        "/v1/keys?cursor=abc",
    ]


async def test_pages_that_never_end_are_left(server: RawServer, connect: Connect) -> None:
    server.answers = [replies(200, {"keys": [{"id": "k1"}], "has_more": True})]
    assert len(await connect().keys()) == 1
    assert len(server.asked) == 2
    endless = [replies(200, {"keys": [{"id": f"k{page}"}], "has_more": True}) for page in range(60)]
    server.asked.clear()
    server.answers = [*endless]
    assert len(await connect().keys()) == 50


async def test_a_key_is_created_and_its_secret_shown_once(server: RawServer, connect: Connect) -> None:
    server.answers = [replies(201, {"id": "k1", "name": "Ci", "key": KEY, "prefix": "rk-eu-CAN"})]
    created = await connect().create_key("Ci", 60, "global")
    assert server.asked[0].json == {"name": "Ci", "rpm_limit": 60, "scope": "global"}
    assert created.secret is not None
    assert created.secret.get_secret_value() == KEY
    assert created.key is not None
    assert created.key.name == "Ci"


async def test_a_creation_without_a_secret_in_the_answer(server: RawServer, connect: Connect) -> None:
    server.answers = [replies(204), replies(200, {"error": {"message": "no more keys", "code": "bad_request"}})]
    client = connect(base_url=None)
    created = await client.create_key("Ci", None)
    assert (created.secret, created.key) == (None, None)
    assert server.asked[0].json == {"name": "Ci"}
    with pytest.raises(NotOffered):
        await client.create_key("Ci", None)


@pytest.mark.parametrize("answer", [replies(204), replies(200, {"revoked": True}), replies(200, b"OK")])
async def test_revoking_a_key(answer: Answer, server: RawServer, connect: Connect) -> None:
    server.answers = [answer]
    await connect().revoke_key("key/1 ?")
    assert (server.asked[0].method, server.asked[0].path) == ("DELETE", "/v1/keys/key%2F1%20%3F")


async def test_revoking_what_is_gone_or_has_no_id(server: RawServer, connect: Connect) -> None:
    server.answers = [replies(404, {"error": {"message": "no such key"}})]
    with pytest.raises(NotFound):
        await connect().revoke_key("k1")
    for nothing in ("", ".", ".."):
        with pytest.raises(RefusedToSend):
            await connect().revoke_key(nothing)
    assert len(server.asked) == 1


async def test_usage_ledger_and_the_automatic_top_up(server: RawServer, connect: Connect) -> None:
    from datetime import UTC, datetime

    server.answers = [
        replies(200, {"total_requests": 1, "events": [{"cost_micro": 3}]}),
        replies(200, {"entries": [{"id": "l1"}], "total": 1}),
        replies(200, {"credits_micro": 5, "auto_recharge": True}),
        replies(204),
    ]
    client = connect()
    usage = await client.usage(start=datetime(2026, 5, 1, tzinfo=UTC), model="*", limit=5)
    assert usage.events[0].cost_micro == 3
    assert (await client.ledger(limit=10, offset=20)).total == 1
    assert (await client.set_auto_recharge(True)).auto_recharge is True
    assert (await client.set_auto_recharge(False)).auto_recharge is False
    assert [(asked.method, asked.path) for asked in server.asked] == [
        ("GET", "/v1/usage?from=2026-05-01T00%3A00%3A00%2B00%3A00&model=%2A&limit=5"),
        ("GET", "/v1/billing/ledger?limit=10&offset=20"),
        ("PATCH", "/v1/balance"),
        ("PATCH", "/v1/balance"),
    ]
    assert [asked.body for asked in server.asked[2:]] == [b'{"auto_recharge":true}', b'{"auto_recharge":false}']


@pytest.mark.parametrize(
    "answer",
    [
        replies(404, b"<html>not here</html>"),
        replies(405),
        replies(501),
        replies(200, {"error": "Unexpected endpoint or method. (GET /v1/balance)"}),
    ],
)
async def test_what_a_server_does_not_have_is_not_an_error(answer: Answer, server: RawServer, connect: Connect) -> None:
    server.answers = [answer]
    client = connect()
    for ask in (client.models, client.balance, client.keys, client.usage, client.ledger):
        with pytest.raises(NotOffered):
            await ask()
    with pytest.raises(NotOffered):
        await client.set_auto_recharge(True)
    assert len(server.asked) == 6


@pytest.mark.parametrize("body", [b"", b"<html>hello</html>", b'{"keys":', b"null", b'{"other":1}', b"[" * 100_000])
async def test_a_yes_without_sense_is_said_to_be_unreadable(body: bytes, server: RawServer, connect: Connect) -> None:
    server.answers = [replies(200, body, content_type="application/json")]
    client = connect()
    with pytest.raises(UnreadableAnswer):
        await client.keys()
    with pytest.raises(UnreadableAnswer):
        await client.chat(HELLO)
    with pytest.raises(UnreadableAnswer):
        await answer_of(client)


async def test_a_closed_client_says_so(server: RawServer, connect: Connect) -> None:
    client = connect()
    await client.aclose()
    await client.aclose()
    with pytest.raises(RelaiError, match="closed"):
        await client.models()
    assert server.asked == []


async def test_the_first_words_come_at_once_and_later_ones_gather(server: RawServer, connect: Connect) -> None:
    """Reading each token of a paced stream by itself would cost three times as much."""
    taken = asyncio.Event()

    async def pace(_asked: object, line: Line) -> None:
        await line.send(head(200, content_type="text/event-stream", connection="close"))
        for number in range(12):  # each is sent when the one before was seen
            await line.send(event(f"{number} "))
            await taken.wait()
            taken.clear()
        for number in range(12, 32):
            await line.send(event(f"{number} "))
            await asyncio.sleep(0.003)  # the server's pace
        await line.send(FINISH + DONE)

    server.answers = [pace]
    takes: list[str] = []
    async with aclosing(connect().stream_chat(HELLO)) as deltas:
        async for delta in deltas:
            if isinstance(delta, TextDelta):
                takes.append(delta.text)
                taken.set()
    assert "".join(takes) == "".join(f"{number} " for number in range(32))
    assert takes[:12] == [f"{number} " for number in range(12)]
    assert len(takes) < 12 + 16, takes
