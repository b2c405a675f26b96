"""A canary for a key: whatever fails, it is in no text an error, a log or a traceback could show."""

import asyncio
import io
import logging
import traceback
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import pytest
from pydantic import SecretStr
from rich.console import Console
from rich.traceback import Traceback

from relai_tui.api.client import Client
from relai_tui.api.errors import RelaiError
from relai_tui.api.request import ChatRequest, Message
from relai_tui.api.timeouts import Timeouts
from tests.api.conftest import Connect
from tests.api.raw_server import (
    KEY,
    Answer,
    RawServer,
    cuts,
    event,
    replies,
    stalls,
    streams,
    streams_then_cuts,
    streams_then_stalls,
)

HELLO = ChatRequest("smart", (Message("user", "Hello"),))
SHORT = Timeouts(connect=1.0, first_byte=0.1, silence=0.1, whole_answer=0.1)
CANARY = "CANARY"
Ask = Callable[[Client], Awaitable[None]]


def shown(error: BaseException) -> str:
    """Everything of an error that some tool would print, locals of its frames included."""
    frames = error.__traceback__
    while frames is not None and "/tests/" in frames.tb_frame.f_code.co_filename:  # they know the canary
        frames = frames.tb_next
    assert frames is not None
    told = [str(error), repr(error), repr(error.__dict__)]
    told += traceback.TracebackException(type(error), error, frames, capture_locals=True).format(chain=True)
    console = Console(file=io.StringIO(), width=400)
    console.print(Traceback.from_exception(type(error), error, frames, show_locals=True, locals_max_string=10_000))
    assert isinstance(console.file, io.StringIO)
    return "".join([*told, console.file.getvalue()])


def chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    current: BaseException | None = error
    while current is not None:
        found.append(current)
        current = current.__cause__ or current.__context__
    return found


async def stream(client: Client) -> None:
    async with aclosing(client.stream_chat(HELLO)) as deltas:
        async for _ in deltas:
            pass


async def create(client: Client) -> None:
    await client.create_key("Ci", 60)


async def read(client: Client) -> None:
    await client.balance()


async def trouble_of(asking: Awaitable[None]) -> RelaiError | None:
    try:
        await asking
    except RelaiError as error:
        return error
    return None


ECHO = {"error": {"message": f"bad key {KEY}", "code": f"bad {KEY}", "param": KEY, "type": KEY}}


@pytest.mark.parametrize(
    "answer",
    [
        cuts,
        stalls,
        replies(200, KEY.encode() + b" is no JSON"),
        replies(200, b"[" * 100_000 + KEY.encode()),
        replies(401, ECHO),
        replies(400, f"<html><title>{KEY}</title></html>".encode()),
        replies(500, KEY.encode()),
        replies(429, ECHO, retry_after="500"),
        replies(302, location=f"https://{KEY}.example/{KEY}"),
        replies(200, ECHO),
        streams(event("x"), b'data: {"error":{"message":"' + KEY.encode() + b'"}}\n\n'),
        streams(b"data: " + KEY.encode() + b"\n\n"),
        streams_then_cuts(event("x")),
        streams_then_stalls(event("x")),
    ],
)
@pytest.mark.parametrize("ask", [stream, create, read])
async def test_the_key_is_in_nothing_an_error_shows(
    ask: Ask,
    answer: Answer,
    server: RawServer,
    connect: Connect,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server.answers = [answer]
    caplog.set_level(logging.DEBUG)
    error = await trouble_of(ask(connect(timeouts=SHORT)))
    if error is not None:
        assert CANARY not in shown(error)
        assert all(isinstance(link, RelaiError) for link in chain(error))
    assert CANARY in server.asked[0].headers["authorization"]
    assert CANARY not in caplog.text
    assert [record for record in caplog.records if record.name.startswith(("httpx", "httpcore"))] == []


async def test_a_foreign_key_that_is_echoed_is_masked(server: RawServer, connect: Connect) -> None:
    key = "sk-proj-CANARY-0123456789"
    server.answers = [replies(401, {"error": {"message": f"Incorrect API key provided: {key}."}})]
    with pytest.raises(RelaiError) as caught:
        await connect(key=key).balance()
    assert CANARY not in shown(caught.value)


async def test_a_stop_shows_no_key_either(server: RawServer, connect: Connect) -> None:
    server.answers = [streams_then_stalls(event("x"))]
    reading = asyncio.create_task(stream(connect()))
    while not server.asked:
        await asyncio.sleep(0.01)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await reading
    assert CANARY not in str(caught.value) + repr(caught.value)


def test_the_repr_of_a_client_shows_no_key() -> None:
    client = Client(None, SecretStr(KEY))
    assert CANARY not in repr(client) + repr(vars(client))
