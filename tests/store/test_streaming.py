"""An answer on its way to disk: checkpoints, kills, cancelled workers, writers that died."""

import asyncio
import signal
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from relai_tui.conversation import DraftText, Turn, TurnState
from relai_tui.store.database import Store
from relai_tui.text import clean, clean_line
from tests.store.conftest import Clock
from tests.store.making import answer, ask, new_conversation, prompt
from tests.store.test_opening import ENVIRONMENT


async def begin(store: Store) -> Turn:
    conversation = await new_conversation(store)
    asked = prompt(conversation, "Tell me everything")
    await store.conversations.add_turn(asked)
    streaming = answer(conversation, asked)
    await store.conversations.add_turn(streaming)
    return streaming


async def only(store: Store, conversation_id: str) -> Turn:
    return (await store.conversations.branch(conversation_id))[-1]


async def test_what_was_checkpointed_is_there_and_is_still_streaming(store: Store) -> None:
    growing = streaming = await begin(store)
    for length in (5, 5, 900, 40_000):
        growing = replace(
            streaming,
            text=clean("".join(f"{n} " for n in range(length))),
            reasoning=clean("hm " * length),
            model_answered=clean_line("claude"),
        )
        await store.conversations.checkpoint(growing)
        assert await only(store, streaming.conversation_id) == growing
    finished = replace(growing, text=clean(growing.text + "the end"), state=TurnState.COMPLETE)
    await store.conversations.finish_turn(finished)
    assert await only(store, streaming.conversation_id) == finished
    assert await store._database.read("SELECT * FROM piece") == []


async def test_a_checkpoint_writes_what_is_new_and_not_all_again(store: Store, path: Path) -> None:
    streaming = await begin(store)
    writer = store._database._writer
    await writer.execute("PRAGMA wal_autocheckpoint = 0")

    async def written_by(work: Turn) -> int:
        before = path.with_name("relai.db-wal").stat().st_size
        await store.conversations.checkpoint(work)
        return path.with_name("relai.db-wal").stat().st_size - before

    text = "word " * 200_000
    first = await written_by(replace(streaming, text=clean(text)))
    more = await written_by(replace(streaming, text=clean(text + "and a little more")))
    assert first > 1_000_000
    assert more < 50_000


async def test_a_late_checkpoint_does_not_reopen_a_finished_answer(store: Store) -> None:
    streaming = await begin(store)
    finished = replace(streaming, text=clean("Done."), state=TurnState.STOPPED)
    await store.conversations.finish_turn(finished)
    await store.conversations.checkpoint(replace(streaming, text=clean("Done. And more?")))
    assert await only(store, streaming.conversation_id) == finished


async def test_finishing_keeps_an_answer_that_was_never_begun(store: Store) -> None:
    conversation = await new_conversation(store)
    asked = prompt(conversation, "Quick?")
    await store.conversations.add_turn(asked)
    await store.conversations.finish_turn(answer(conversation, asked, "Yes.", TurnState.COMPLETE))
    assert (await only(store, conversation.id)).text == "Yes."


async def test_a_cancelled_worker_still_gets_its_last_write(path: Path) -> None:
    store = await Store.open(path)
    streaming = await begin(store)
    started = asyncio.Event()

    async def worker() -> None:
        try:
            started.set()
            await asyncio.Event().wait()
        finally:
            await store.conversations.finish_turn(replace(streaming, text=clean("kept"), state=TurnState.STOPPED))

    task = asyncio.create_task(worker())
    await started.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()  # as Textual does when the program ends
    with pytest.raises(asyncio.CancelledError):
        await task
    await store.close()
    async with await Store.open(path) as store:
        kept = await only(store, streaming.conversation_id)
    assert (kept.text, kept.state) == ("kept", TurnState.STOPPED)


async def test_closing_waits_for_every_write_also_when_it_is_cancelled_itself(path: Path) -> None:
    store = await Store.open(path)
    conversation = await new_conversation(store)
    writes = [asyncio.create_task(ask(store, conversation, f"Question {n}")) for n in range(20)]
    drafts = [
        asyncio.create_task(store.conversations.save_draft(None, DraftText(clean(f"draft {n}")))) for n in range(20)
    ]
    await asyncio.sleep(0)
    for draft in drafts:
        draft.cancel()
    await asyncio.gather(*writes)
    closing = asyncio.create_task(store.close())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.gather(closing, *drafts, return_exceptions=True)
    await store.close()
    async with await Store.open(path) as store:
        assert await store.conversations.draft(None) == DraftText(clean("draft 19"))
        found = await store.conversations.get(conversation.id)
        assert found
        assert found.turns == 40


async def test_a_failed_write_leaves_nothing_half_done(store: Store) -> None:
    streaming = await begin(store)

    async def half(db: object) -> None:
        await store._database._writer.execute("UPDATE turn SET text = 'half'")
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        await store._database.write(half)
    assert (await only(store, streaming.conversation_id)).text == ""
    await store.conversations.checkpoint(replace(streaming, text=clean("goes on")))
    assert (await only(store, streaming.conversation_id)).text == "goes on"


PROGRAM = textwrap.dedent("""
    import asyncio, sys
    from dataclasses import replace
    from pathlib import Path
    from relai_tui.store.database import Store
    from relai_tui.text import clean
    from tests.store.test_streaming import begin
    async def main():
        store = await Store.open(Path(sys.argv[1]))
        streaming = await begin(store)
        print(streaming.conversation_id, flush=True)
        text = ""
        for number in range(1_000_000):
            text += f"{number} "
            await store.conversations.checkpoint(replace(streaming, text=clean(text)))
            print(number, flush=True)
            if len(sys.argv) > 2:
                await asyncio.to_thread(sys.stdin.readline)
    asyncio.run(main())
""")


@pytest.mark.skipif(sys.platform == "win32", reason="kills with a signal")
@pytest.mark.parametrize("acknowledged", [1, 30, 200])
async def test_a_kill_in_mid_checkpoint_loses_nothing_that_was_acknowledged(path: Path, acknowledged: int) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, str(path), stdout=asyncio.subprocess.PIPE, env=ENVIRONMENT
    )
    assert process.stdout
    conversation_id = (await process.stdout.readline()).decode().strip()
    last = -1
    for _ in range(acknowledged):
        last = int(await process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    rest = (await process.stdout.read()).split()
    await process.wait()
    last = int(rest[-1]) if rest and int(rest[-1]) > last else last
    async with await Store.open(path) as store:
        asked, told = await store.conversations.branch(conversation_id)
        assert store.notice is None
        assert asked.text == "Tell me everything"
        assert told.state is TurnState.INTERRUPTED
        assert told.text.startswith("".join(f"{n} " for n in range(last + 1)))
        assert len(await store.conversations.recent(search=f"{last}")) == 1
        # It was written back: what was in pieces is whole now.
        rows = await store._database.read("SELECT state, text FROM turn WHERE id = ?", (told.id,))
        assert tuple(rows[0]) == ("interrupted", told.text)


@pytest.mark.skipif(sys.platform == "win32", reason="kills with a signal")
async def test_an_answer_of_another_living_window_goes_on_streaming_here(path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        str(path),
        "step by step",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=ENVIRONMENT,
    )
    assert process.stdout
    assert process.stdin
    conversation_id = (await process.stdout.readline()).decode().strip()
    await process.stdout.readline()
    async with await Store.open(path) as store:
        seen = await only(store, conversation_id)
        assert (seen.text, seen.state) == ("0 ", TurnState.STREAMING)
        process.stdin.write(b"\n")
        await process.stdout.readline()
        assert (await only(store, conversation_id)).text == "0 1 "
        process.kill()
        await process.communicate()
        seen = await only(store, conversation_id)
        assert (seen.text, seen.state) == ("0 1 ", TurnState.INTERRUPTED)


async def test_a_writer_that_fell_silent_is_taken_for_dead_and_may_come_back(store: Store, clock: Clock) -> None:
    streaming = await begin(store)
    await store.conversations.checkpoint(replace(streaming, text=clean("before the lid closed")))
    clock.now += 119
    assert (await only(store, streaming.conversation_id)).state is TurnState.STREAMING
    clock.now += 2
    assert (await only(store, streaming.conversation_id)).state is TurnState.INTERRUPTED
    assert len(await store.conversations.recent(search="lid")) == 1
    longer = replace(streaming, text=clean("before the lid closed and after"))
    await store.conversations.checkpoint(longer)
    assert await only(store, streaming.conversation_id) == longer
    finished = replace(longer, text=clean("before the lid opened"), state=TurnState.COMPLETE)
    await store.conversations.finish_turn(finished)
    assert await only(store, streaming.conversation_id) == finished
    assert await store.conversations.recent(search="closed") == ()
    assert len(await store.conversations.recent(search="opened")) == 1


async def test_another_machines_writer_is_judged_by_its_silence_only(store: Store, clock: Clock) -> None:
    streaming = await begin(store)
    await store._database._writer.execute("UPDATE turn SET writer = 'elsewhere:999999999'")
    assert (await only(store, streaming.conversation_id)).state is TurnState.STREAMING
    clock.now += 121
    assert (await only(store, streaming.conversation_id)).state is TurnState.INTERRUPTED
