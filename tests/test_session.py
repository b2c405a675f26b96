"""The life of a prompt over the real sandbox and a real file: kept before it is sent, and kept however it ends."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from relai_tui.api.client import Client
from relai_tui.api.deltas import Delta, Finished, TextDelta, Waiting
from relai_tui.api.errors import InsufficientBalance, Interrupted, ServerFault
from relai_tui.api.keys import read_key
from relai_tui.api.request import ChatRequest
from relai_tui.balance.watch import BalanceWatch
from relai_tui.conversation import CostBasis, Role, Turn, TurnState
from relai_tui.sandbox.faults import cut, error
from relai_tui.sandbox.server import Sandbox
from relai_tui.session import ChatSession, Reply
from relai_tui.store.database import Store
from relai_tui.text import clean, clean_line


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(tokens_per_second=0) as running:
        yield running


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with await Store.open(tmp_path / "relai.db") as opened:
        yield opened


@pytest.fixture
async def session(sandbox: Sandbox, store: Store) -> AsyncIterator[ChatSession]:
    async with Client(sandbox.base_url, read_key(sandbox.keys[2])) as client:
        conversation = await store.conversations.create(model=clean_line("smart"))
        yield ChatSession(client, store, conversation)


async def ask(session: ChatSession, text: str) -> Reply:
    reply = await session.begin(text)
    async with aclosing(reply.deltas()) as deltas:
        async for _ in deltas:
            pass
    return reply


async def kept(session: ChatSession) -> tuple[Turn, ...]:
    return (await session.store.conversations.page(session.conversation.id))[0]


async def test_a_prompt_and_its_answer_are_kept_with_what_is_known_of_them(session: ChatSession) -> None:
    reply = await ask(session, "Say something short.")
    prompt, answer = await kept(session)
    assert (prompt.role, prompt.text, prompt.state) == (Role.USER, "Say something short.", TurnState.COMPLETE)
    assert answer == reply.answer
    assert answer.state is TurnState.COMPLETE
    assert answer.text
    assert answer.finish_reason == "stop"
    assert answer.model_asked == "smart"
    assert answer.model_answered
    assert answer.model_answered != "smart"
    assert answer.figures.completion_tokens
    assert answer.figures.first_token_seconds is not None


async def test_nothing_is_sent_before_the_prompt_is_on_disk_and_nothing_at_all_without_deltas(
    session: ChatSession, sandbox: Sandbox
) -> None:
    await session.begin("Do not send me yet.")
    assert [turn.text for turn in await kept(session)] == ["Do not send me yet.", ""]
    assert not [request for request in sandbox.requests if request.path.endswith("/chat/completions")]


async def test_the_conversation_so_far_goes_along(session: ChatSession) -> None:
    first = await ask(session, "My name is Ada.")
    second = await session.begin("What is my name?")
    said = [(message.role, message.content) for message in second._request.messages]
    assert said == [("user", "My name is Ada."), ("assistant", first.answer.text), ("user", "What is my name?")]


async def test_a_stop_keeps_what_came_and_says_so(session: ChatSession, sandbox: Sandbox) -> None:
    reply = await session.begin("very long 4000 at 200/s")
    async with aclosing(reply.deltas()) as deltas:
        async for delta in deltas:
            if isinstance(delta, TextDelta):
                break
    _, answer = await kept(session)
    assert answer.state is TurnState.STOPPED
    assert answer.text
    assert answer.text == reply.answer.text


async def test_a_cancelled_worker_keeps_what_came_too(session: ChatSession) -> None:
    reply, begun = await session.begin("very long 4000 at 200/s"), asyncio.Event()

    async def work() -> None:
        async with aclosing(reply.deltas()) as deltas:
            async for delta in deltas:
                if isinstance(delta, TextDelta):
                    begun.set()

    task = asyncio.create_task(work())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    _, answer = await kept(session)
    assert answer.state is TurnState.STOPPED
    assert answer.text


async def test_a_cut_connection_is_an_interruption_never_a_whole_answer(session: ChatSession, sandbox: Sandbox) -> None:
    sandbox.faults.add(cut(20))
    reply = await ask(session, "long")
    _, answer = await kept(session)
    assert isinstance(reply.trouble, Interrupted)
    assert answer.state is TurnState.INTERRUPTED
    assert answer.text
    assert answer.error


async def test_a_refusal_is_kept_as_a_status_and_never_as_text(session: ChatSession, sandbox: Sandbox) -> None:
    sandbox.account.set_credits(1)
    reply = await ask(session, "long")
    _, answer = await kept(session)
    assert isinstance(reply.trouble, InsufficientBalance)
    assert answer.state is TurnState.FAILED
    assert answer.text == ""
    assert answer.error == reply.trouble.message
    sandbox.account.set_credits(1_000_000)
    again = await session.begin("And now?")
    assert [message.content for message in again._request.messages] == ["long", "And now?"]


async def test_what_an_answer_cost_is_exact_where_the_server_tells(sandbox: Sandbox, store: Store) -> None:
    async with Client(sandbox.base_url, read_key(sandbox.keys[2])) as client:
        await expect_cost(client, store, sandbox, CostBasis.EXACT)


async def test_what_an_answer_cost_is_measured_where_the_server_does_not_tell(sandbox: Sandbox, store: Store) -> None:
    async with Client(sandbox.base_url, read_key(sandbox.keys[1])) as client:
        await expect_cost(client, store, sandbox, CostBasis.MEASURED)


async def expect_cost(client: Client, store: Store, sandbox: Sandbox, basis: CostBasis) -> None:
    watch = BalanceWatch(client.balance, settling=(0.0, 0.05))
    conversation = await store.conversations.create(model=clean_line("smart"))
    session = ChatSession(client, store, conversation, watch=watch, profile="test")
    first = asyncio.Event()

    async def follow() -> None:
        async for _ in watch.readings():
            first.set()

    following = asyncio.create_task(follow())
    await first.wait()
    before = sandbox.account.credits_micro
    reply = await ask(session, "long")
    turns = [turn async for turn in session.settle(reply)]
    following.cancel()
    figures = turns[-1].figures
    assert (figures.cost_micro, figures.cost_basis) == (before - sandbox.account.credits_micro, basis)
    assert figures.cost_micro
    assert (await kept(session))[-1].figures == figures
    assert await store.ledger.conversation_cost(conversation.id) == (figures.cost_micro, 0)


KILLED = """
import asyncio, sys
from contextlib import aclosing
from pathlib import Path
from relai_tui.api.client import Client
from relai_tui.api.keys import read_key
from relai_tui.session import ChatSession
from relai_tui.store.database import Store
from relai_tui.text import clean_line

async def main():
    store = await Store.open(Path(sys.argv[1]))
    conversation = await store.conversations.create(model=clean_line("smart"))
    session = ChatSession(Client(sys.argv[2], read_key(sys.argv[3])), store, conversation)
    reply = await session.begin("very long 4000 at 100/s")
    async with aclosing(reply.deltas()) as deltas:
        async for delta in deltas:
            print(len(reply.answer.text), flush=True)

asyncio.run(main())
"""


async def test_kill_dash_nine_in_mid_stream_loses_at_most_a_second(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "killed.db"
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, str(path), sandbox.base_url, sandbox.keys[1], stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    seen: list[tuple[float, int]] = []
    loop = asyncio.get_running_loop()
    while not seen or loop.time() - seen[0][0] < 2.5:
        length = int(await child.stdout.readline())
        if length:
            seen.append((loop.time(), length))
    child.send_signal(signal.SIGKILL)
    await child.wait()
    late = [length for when, length in seen if when < seen[-1][0] - 1.5]
    async with await Store.open(path) as store:
        conversation = await store.conversations.latest()
        assert conversation is not None
        (prompt, answer), _ = await store.conversations.page(conversation.id)
    assert prompt.text == "very long 4000 at 100/s"
    assert answer.state is TurnState.INTERRUPTED
    assert len(answer.text) >= late[-1] > 0


async def test_a_server_fault_before_the_first_byte_is_tried_again_and_told(
    session: ChatSession, sandbox: Sandbox
) -> None:
    sandbox.faults.add(error(503, "overloaded"), path="/chat/completions", times=1)
    reply = await session.begin("short")
    async with aclosing(reply.deltas()) as deltas:
        seen = [delta async for delta in deltas]
    assert isinstance(seen[0], Waiting)
    assert reply.answer.state is TurnState.COMPLETE


async def test_a_lasting_server_fault_is_a_failed_answer(session: ChatSession, sandbox: Sandbox) -> None:
    sandbox.faults.add(error(500, "internal_error"), path="/chat/completions")
    reply = await ask(session, "short")
    assert isinstance(reply.trouble, ServerFault)
    assert (await kept(session))[-1].state is TurnState.FAILED


async def test_who_stops_after_the_end_has_a_whole_answer(session: ChatSession) -> None:
    reply = await session.begin("echo: one two three")
    async with aclosing(reply.deltas()) as deltas:
        async for delta in deltas:
            if isinstance(delta, Finished):
                break
    assert (reply.answer.state, reply.answer.text) == (TurnState.COMPLETE, "one two three")


async def test_a_defect_of_this_program_is_not_told_as_a_stop(
    session: ChatSession, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_: ChatRequest) -> AsyncIterator[Delta]:
        yield TextDelta(clean("half of"))
        raise ZeroDivisionError

    monkeypatch.setattr(session.client, "stream_chat", fails)
    reply = await session.begin("echo: x")
    with pytest.raises(ZeroDivisionError):
        async with aclosing(reply.deltas()) as deltas:
            assert [delta async for delta in deltas]
    kept = (await store.conversations.page(session.conversation.id))[0][-1]
    assert (kept.state, kept.text) == (TurnState.INTERRUPTED, "half of")
