"""Requests that are not streamed: bounded in time, and never silent about why they take long."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace

import pytest

from relai_tui.api import deadline
from relai_tui.api.client import Client
from relai_tui.api.deltas import Delta, TextDelta, Waiting
from relai_tui.api.errors import Interrupted, ServerFault, TimedOut
from relai_tui.api.progress import StillWaiting
from relai_tui.api.request import ChatRequest, Message
from relai_tui.api.retry import may_have_happened
from relai_tui.api.timeouts import Timeouts
from tests.api.conftest import Connect
from tests.api.raw_server import Answer, Asked, Line, RawServer, event, head, replies, stalls
from tests.api.test_secrets import shown

HELLO = ChatRequest("smart", (Message("user", "Hello"),))
BOUNDED = Timeouts(total=0.3, whole_answer=0.3)


async def stops_in_the_middle(_: Asked, line: Line) -> None:
    await line.send(head(200, content_type="application/json", content_length="500") + b'{"credits_micro": 45')
    await line.gone.wait()


async def trickles(_: Asked, line: Line) -> None:
    """Send a byte every few milliseconds, for ever."""
    await line.send(head(200, content_type="application/json", content_length="50000") + b'{"credits_micro": 1')
    while not line.gone.is_set():
        await line.send(b" ")
        await asyncio.sleep(0.01)


async def trickles_its_head(_: Asked, line: Line) -> None:
    await line.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not line.gone.is_set():
        await line.send(b"y")
        await asyncio.sleep(0.01)


async def trickles_an_error(_: Asked, line: Line) -> None:
    await line.send(head(503, content_length="50000"))
    while not line.gone.is_set():
        await line.send(b"<")
        await asyncio.sleep(0.01)


async def stream(client: Client, said: list[Delta]) -> None:
    async with aclosing(client.stream_chat(HELLO)) as deltas:
        async for delta in deltas:
            said.append(delta)  # noqa: PERF401 - what came before an error is looked at


CALLS: dict[str, Callable[[Client], Awaitable[object]]] = {
    "balance": lambda client: client.balance(),
    "the poller's balance": lambda client: client.balance(once=True),
    "models": lambda client: client.models(),
    "keys": lambda client: client.keys(),
    "usage": lambda client: client.usage(),
    "ledger": lambda client: client.ledger(),
    "a whole chat": lambda client: client.chat(HELLO),
    "a new key": lambda client: client.create_key("Ci", 60),
    "auto-recharge": lambda client: client.set_auto_recharge(True),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("fault", [stalls, stops_in_the_middle, trickles, trickles_its_head])
async def test_no_request_outlasts_its_total_limit(
    fault: Answer, name: str, server: RawServer, connect: Connect
) -> None:
    server.answers = [fault]
    began = asyncio.get_running_loop().time()
    with pytest.raises(TimedOut, match=r"whole answer within 0\.3 s"):
        await CALLS[name](connect(timeouts=BOUNDED))
    assert asyncio.get_running_loop().time() - began < 2
    assert len(server.asked) == 1
    await asyncio.wait_for(server.lines[0].gone.wait(), 2)


async def test_pages_share_one_limit(server: RawServer, connect: Connect) -> None:
    count = 0

    async def another_page(_: Asked, line: Line) -> None:
        nonlocal count
        count += 1
        await asyncio.sleep(0.05)
        await replies(200, {"keys": [{"id": f"k{count}"}], "has_more": True})(_, line)

    server.answers = [another_page]
    with pytest.raises(TimedOut):
        await connect(timeouts=BOUNDED).keys()
    assert count < 10


async def test_a_change_out_of_time_may_have_happened(server: RawServer, connect: Connect) -> None:
    server.answers = [trickles]
    with pytest.raises(TimedOut) as caught:
        await connect(timeouts=BOUNDED).create_key("Ci", 60)
    assert may_have_happened(caught.value)


async def test_an_error_that_trickles_is_told_in_time(server: RawServer, connect: Connect) -> None:
    server.answers = [trickles_an_error]
    quick = replace(BOUNDED, error_body=0.1)
    with pytest.raises(ServerFault):
        await connect(timeouts=quick).balance(once=True)
    with pytest.raises(ServerFault):
        await stream(connect(timeouts=quick), [])


async def test_a_stream_of_signs_of_life_alone_ends(server: RawServer, connect: Connect) -> None:
    async def keeps_alive(_: Asked, line: Line) -> None:
        await line.send(head(200, content_type="text/event-stream", connection="close") + event("kept"))
        while not line.gone.is_set():
            await line.send(b": keep-alive\n\ndata: null\n\n")
            await asyncio.sleep(0.01)

    server.answers = [keeps_alive]
    said: list[Delta] = []
    with pytest.raises(Interrupted, match="said nothing"):
        await stream(connect(timeouts=BOUNDED), said)
    assert [delta.text for delta in said if isinstance(delta, TextDelta)] == ["kept"]
    await asyncio.wait_for(server.lines[0].gone.wait(), 2)


@pytest.mark.parametrize("name", CALLS)
async def test_the_key_is_in_nothing_that_running_out_of_time_shows(
    name: str, server: RawServer, connect: Connect
) -> None:
    server.answers = [trickles]
    with pytest.raises(TimedOut) as caught:
        await CALLS[name](connect(timeouts=BOUNDED))
    assert "CANARY" not in shown(caught.value)


async def test_announced_waits_do_not_use_up_the_limit(server: RawServer, connect: Connect) -> None:
    told: list[Waiting | StillWaiting] = []
    server.answers = [replies(429, retry_after="1"), replies(200, {"credits_micro": 7})]
    client = connect(timeouts=BOUNDED, observer=told.append, sleep=lambda _: asyncio.sleep(0.6))
    assert (await client.balance()).credits_micro == 7
    assert [type(progress) for progress in told] == [Waiting]
    assert told[0].seconds == 1.0


@pytest.mark.parametrize("name", [name for name in CALLS if name != "the poller's balance"])
async def test_an_observer_hears_that_nothing_came_yet(
    name: str, server: RawServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline, "STILL_WAITING", 0.05)
    told: list[Waiting | StillWaiting] = []
    server.answers = [stalls]
    with pytest.raises(TimedOut):
        await CALLS[name](connect(timeouts=BOUNDED, observer=told.append))
    assert [type(progress) for progress in told] == [StillWaiting]


async def test_an_observer_hears_nothing_of_a_quick_answer(server: RawServer, connect: Connect) -> None:
    told: list[Waiting | StillWaiting] = []
    server.answers = [replies(200, {"credits_micro": 7})]
    client = connect(observer=told.append)
    for _ in range(3):
        await client.balance()
    assert told == []


@pytest.mark.parametrize(
    "name", [name for name in CALLS if name not in ("a new key", "auto-recharge", "the poller's balance")]
)
async def test_an_observer_hears_of_every_rate_limit(name: str, server: RawServer, connect: Connect) -> None:
    told: list[Waiting | StillWaiting] = []
    good = {
        "credits_micro": 1,
        "data": [],
        "keys": [],
        "entries": [],
        "choices": [{"message": {"content": "x"}, "finish_reason": "stop"}],
    }
    server.answers = [replies(429, retry_after="20"), replies(200, good)]
    await CALLS[name](connect(observer=told.append))
    assert [(type(progress), progress.seconds) for progress in told] == [(Waiting, 20.0)]
