"""Answers of servers, proxies and networks that are not what was asked for: cause and next step, on each call."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing

import pytest

from relai_tui.api.client import Client
from relai_tui.api.deltas import Delta, TextDelta
from relai_tui.api.errors import NotFound, NotOffered, Redirected, RelaiError, ServerFault, UnreadableAnswer
from relai_tui.api.request import ChatRequest, Message
from tests.api.conftest import Connect
from tests.api.raw_server import Asked, Line, RawServer, replies

HELLO = ChatRequest("smart", (Message("user", "Hello"),))


async def streamed(client: Client) -> list[Delta]:
    async with aclosing(client.stream_chat(HELLO)) as deltas:
        return [delta async for delta in deltas]


READS: dict[str, Callable[[Client], Awaitable[object]]] = {
    "balance": lambda client: client.balance(),
    "models": lambda client: client.models(),
    "keys": lambda client: client.keys(),
    "usage": lambda client: client.usage(),
    "ledger": lambda client: client.ledger(),
    "chat": lambda client: client.chat(HELLO),
    "stream": streamed,
}
on_each_call = pytest.mark.parametrize("name", READS)
LOGIN = "<!DOCTYPE html>\n<html><head><title>Sign in to the network</title></head>\n\n<body>…</body></html>"


async def trouble_of(name: str, client: Client) -> RelaiError:
    with pytest.raises(RelaiError) as caught:
        await READS[name](client)
    return caught.value


@on_each_call
@pytest.mark.parametrize("kind", ["text/html", "Text/HTML; charset=utf-8", "application/json", "text/event-stream", ""])
async def test_a_login_page_is_named(kind: str, name: str, server: RawServer, connect: Connect) -> None:
    server.answers = [replies(200, LOGIN, **({"content_type": kind} if kind else {}))]
    error = await trouble_of(name, connect())
    assert isinstance(error, UnreadableAnswer)
    assert "web page" in error.message
    assert "Sign in" in error.message
    assert len(server.asked) == 1


@on_each_call
@pytest.mark.parametrize("status", [204, 205])
async def test_an_answer_with_nothing_in_it_is_named(
    status: int, name: str, server: RawServer, connect: Connect
) -> None:
    server.answers = [replies(status, b"")]
    error = await trouble_of(name, connect())
    assert isinstance(error, UnreadableAnswer)
    assert "nothing in it" in error.message
    assert "base URL" in error.message


@on_each_call
async def test_a_server_that_does_not_speak_http_is_named(name: str, server: RawServer, connect: Connect) -> None:
    async def garbage(_: Asked, line: Line) -> None:
        await line.send(b"\x00\x01SSH-2.0-OpenSSH_9.6\r\nhello\r\n\r\n")

    server.answers = [garbage]
    error = await trouble_of(name, connect())
    assert isinstance(error, UnreadableAnswer)
    assert "HTTP" in error.message
    assert "port" in error.message
    assert len(server.asked) == 1


@on_each_call
async def test_giant_headers_are_named(name: str, server: RawServer, connect: Connect) -> None:
    async def giant(_: Asked, line: Line) -> None:
        await line.send(b"HTTP/1.1 200 OK\r\nX-Giant: " + b"x" * 500_000 + b"\r\n\r\n")

    server.answers = [giant]
    error = await trouble_of(name, connect())
    assert isinstance(error, UnreadableAnswer)
    assert "headers" in error.message
    assert len(server.asked) == 1


@on_each_call
@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("https://127.0.0.1:8443/v1/x", "https://127.0.0.1:8443"),
        ("http://127.0.0.1:1/v1", "http://127.0.0.1:1"),
        ("https://evil.example/v1", "https://evil.example"),
        ("//evil.example/", "http://evil.example"),
        ("https://[::1]:9/", "https://[::1]:9"),
        ("/v2/somewhere", "another path, /v2/somewhere"),
        ("elsewhere", "another path, /elsewhere"),
        ("", "without a readable target"),
        ("http://[::1", "without a readable target"),
        ("http://host:99999/", "without a readable target"),
    ],
)
async def test_the_target_of_a_redirect_is_told_as_far_as_it_differs(
    location: str, told: str, name: str, server: RawServer, connect: Connect
) -> None:
    server.answers = [replies(307, b"", location=location)]
    error = await trouble_of(name, connect())
    assert isinstance(error, Redirected)
    assert told in error.message
    assert "base URL" in error.message
    assert len(server.asked) == 1


@on_each_call
@pytest.mark.parametrize("status", [500, 502, 503, 529])
@pytest.mark.parametrize(("wait", "told"), [("86400", "24 h"), ("600", "10 min"), ("259200", "3 days")])
async def test_a_long_wait_is_named_and_not_waited_for(
    status: int, wait: str, told: str, name: str, server: RawServer, connect: Connect, waits: list[float]
) -> None:
    server.answers = [replies(status, "<html><title>503</title></html>", retry_after=wait)]
    error = await trouble_of(name, connect())
    assert isinstance(error, ServerFault)
    assert told in error.message
    assert waits == []


@pytest.mark.parametrize(
    ("name", "words"),
    [("balance", "a balance"), ("keys", "API keys"), ("usage", "usage records"), ("ledger", "a ledger"),
     ("models", "a list of models")],
)  # fmt: skip
@pytest.mark.parametrize("status", [404, 405, 501])
async def test_a_route_the_server_lacks_is_named(
    status: int, name: str, words: str, server: RawServer, connect: Connect
) -> None:
    server.answers = [replies(status, "<html>Not Found</html>")]
    error = await trouble_of(name, connect())
    assert isinstance(error, NotOffered)
    assert f"does not offer {words}" in error.message


@pytest.mark.parametrize("name", ["chat", "stream"])
async def test_a_server_without_a_chat_is_told_so(name: str, server: RawServer, connect: Connect) -> None:
    server.answers = [replies(404, {"detail": "Not Found"})]
    error = await trouble_of(name, connect())
    assert type(error) is NotFound
    assert "does not offer chat" in error.message
    assert "base URL" in error.message


async def test_a_key_that_is_not_there_is_not_a_missing_route(server: RawServer, connect: Connect) -> None:
    server.answers = [replies(404, {"error": {"message": "No such key."}})]
    with pytest.raises(NotFound, match="no such thing"):
        await connect().revoke_key("k1")


@pytest.mark.parametrize("kind", ["text/plain", "text/event-stream", ""])
async def test_a_whole_answer_under_another_name_is_an_answer(kind: str, server: RawServer, connect: Connect) -> None:
    whole = '{"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}'
    server.answers = [replies(200, whole, **({"content_type": kind} if kind else {}))]
    assert [delta.text for delta in await streamed(connect()) if isinstance(delta, TextDelta)] == ["Hi"]


@pytest.mark.parametrize("kind", ["text/plain", "text/event-stream", "application/json"])
async def test_an_error_under_another_name_is_an_error(kind: str, server: RawServer, connect: Connect) -> None:
    server.answers = [replies(200, '{"error": {"message": "the reason", "code": 502}}', content_type=kind)]
    error = await trouble_of("stream", connect())
    assert isinstance(error, ServerFault)
    assert "the reason" in error.message


async def test_an_error_in_a_list_is_read(server: RawServer, connect: Connect) -> None:
    server.answers = [replies(400, [{"error": {"message": "the reason"}}])]
    assert "the reason" in (await trouble_of("stream", connect())).message


@pytest.mark.parametrize(("status", "words"), [(407, "HTTPS_PROXY"), (511, "Sign in"), (431, "headers")])
async def test_what_stands_in_between_is_named(status: int, words: str, server: RawServer, connect: Connect) -> None:
    server.answers = [replies(status, LOGIN)]
    assert words in (await trouble_of("balance", connect())).message
