"""Opening the history: fresh, old, newer, broken, foreign, unwritable, and by two programs at once."""

import asyncio
import gc
import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
import textwrap
import warnings
from pathlib import Path

import pytest

from relai_tui.conversation import Conversation, DraftText
from relai_tui.store.conversations import Conversations
from relai_tui.store.database import ReadOnly, Store, StoreBroken, StoreClosed, StoreUnavailable
from relai_tui.text import CleanText
from tests.store.conftest import Clock
from tests.store.making import ask, new_conversation, prompt

ENVIRONMENT = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(Path(__file__).parents[2])}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_a_fresh_history_is_for_its_owner_only(store: Store, path: Path) -> None:
    await ask(store, await new_conversation(store), "Hello")
    assert mode(path.parent) == 0o700
    assert {file.name: oct(mode(file)) for file in path.parent.iterdir()} == dict.fromkeys(
        ("relai.db", "relai.db-wal", "relai.db-shm", "relai.db.lock"), "0o600"
    )
    assert store.notice is None
    assert not store.read_only


async def test_a_history_others_could_read_is_closed_to_them(path: Path) -> None:
    await (await Store.open(path)).close()
    path.parent.chmod(0o755)
    path.chmod(0o644)
    await (await Store.open(path)).close()
    assert (mode(path.parent), mode(path)) == (0o700, 0o600)


async def test_the_history_survives_closing(path: Path) -> None:
    async with await Store.open(path) as store:
        conversation = await new_conversation(store)
        await ask(store, conversation, "Why is the sky blue?", "Rayleigh scattering.")
    async with await Store.open(path) as store:
        turns = await store.conversations.branch(conversation.id)
    assert [turn.text for turn in turns] == ["Why is the sky blue?", "Rayleigh scattering."]


async def test_it_is_in_wal_mode_with_foreign_keys(store: Store, path: Path) -> None:
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()
    (row,) = await store._database.read("PRAGMA foreign_keys")
    assert row[0] == 1
    (row,) = await store._database._writer.execute_fetchall("PRAGMA synchronous")
    assert row[0] == 1
    (row,) = await store._database._writer.execute_fetchall("PRAGMA busy_timeout")
    assert row[0] == 5_000


async def test_two_programs_open_one_fresh_file_at_once(path: Path) -> None:
    program = textwrap.dedent("""
        import asyncio, sys
        from pathlib import Path
        from relai_tui.store.database import Store
        from relai_tui.text import clean_line, clean, CleanText
        async def main():
            print("ready", flush=True)
            sys.stdin.readline()
            async with await Store.open(Path(sys.argv[1])) as store:
                await store.conversations.create(model=clean_line("smart"))
                print(store.notice, store.read_only, flush=True)
        asyncio.run(main())
    """)
    programs = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            program,
            str(path),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=ENVIRONMENT,
        )
        for _ in range(3)
    ]
    for process in programs:
        assert process.stdout
        assert await process.stdout.readline() == b"ready\n"
    results = await asyncio.gather(*(process.communicate(b"go\n") for process in programs))
    assert results == [(b"None False\n", b"")] * 3
    async with await Store.open(path) as store:
        assert await store.conversations.count() == 3


async def test_two_windows_see_each_others_turns(path: Path) -> None:
    async with await Store.open(path) as one, await Store.open(path) as other:
        conversation = await new_conversation(one)
        last = await ask(one, conversation, "From the first window")
        await ask(other, conversation, "From the second window", parent=last)
        assert [turn.text for turn in await one.conversations.branch(conversation.id)][2] == "From the second window"
        await asyncio.gather(*(ask(window, conversation, f"{n}") for n in range(20) for window in (one, other)))
        found = await one.conversations.get(conversation.id)
    assert found
    assert found.turns == 4 + 80


@pytest.mark.parametrize(
    "broken", [b"This was never a database." * 100, b"SQLite format 3\0" + b"\xff" * 9_000], ids=["text", "rubbish"]
)
async def test_a_broken_file_is_set_aside_and_kept(path: Path, broken: bytes, clock: Clock) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(broken)
    async with await Store.open(path, clock=clock) as store:
        assert await store.conversations.count() == 0
        await ask(store, await new_conversation(store), "It works")
        notice = store.notice
    aside = path.with_name("relai.broken-20270115-080000.db")
    assert aside.read_bytes() == broken
    assert notice
    assert aside.name in notice
    assert not store.read_only


async def test_what_was_set_aside_is_never_overwritten(path: Path, clock: Clock) -> None:
    path.parent.mkdir(parents=True)
    for broken in (b"first" * 500, b"second" * 500, b"third" * 500):
        path.write_bytes(broken)
        await (await Store.open(path, clock=clock)).close()
        for beside in path.parent.glob("relai.db-*"):
            beside.unlink()
    kept = {file.read_bytes()[:5] for file in path.parent.glob("relai.broken-*.db")}
    assert kept == {b"first", b"secon", b"third"}


async def test_damage_in_the_middle_of_a_small_file_is_found_at_the_start(path: Path) -> None:
    async with await Store.open(path) as store:
        conversation = await new_conversation(store)
        for number in range(30):
            await ask(store, conversation, f"Question {number}", "x" * 3_000)
    whole = bytearray(path.read_bytes())
    whole[4096 * 5 : 4096 * 15] = os.urandom(4096 * 10)
    path.write_bytes(whole)
    async with await Store.open(path) as store:
        assert store.notice
        assert "set aside" in store.notice
    assert [file.read_bytes() for file in path.parent.glob("relai.broken-*.db")] == [bytes(whole)]


async def test_damage_met_later_is_said_and_the_next_start_looks_closely(path: Path) -> None:
    async with await Store.open(path) as store:
        conversation = await new_conversation(store)
        for number in range(30):
            await ask(store, conversation, f"Question {number}", "x" * 3_000)
        await store._database._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        whole = path.read_bytes()
        path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
        with pytest.raises(StoreBroken) as caught:
            await store.conversations.prompts(search="nothing like it")
        assert "damaged" in str(caught.value)
        assert path.with_name("relai.db.damaged").exists()
    async with await Store.open(path) as store:
        assert store.notice
    assert not path.with_name("relai.db.damaged").exists()


async def test_somebody_elses_database_is_set_aside_whole(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE bookmarks (url TEXT)")
        db.execute("INSERT INTO bookmarks VALUES ('somewhere')")
    db.close()
    async with await Store.open(path) as store:
        assert store.notice
    (aside,) = path.parent.glob("relai.broken-*.db")
    with sqlite3.connect(aside) as db:
        assert db.execute("SELECT * FROM bookmarks").fetchall() == [("somewhere",)]
    db.close()


async def test_a_newer_history_can_be_read_and_not_written(path: Path) -> None:
    async with await Store.open(path) as store:
        conversation = await new_conversation(store)
        await ask(store, conversation, "Can you still read this?")
    with sqlite3.connect(path) as db:
        db.execute("INSERT INTO migration VALUES ('folders_and_tags', 1.0)")
        db.execute("ALTER TABLE turn ADD COLUMN mood TEXT")
        db.execute("UPDATE turn SET state = 'dreaming', role = 'oracle' WHERE role = 'assistant'")
    db.close()
    before = path.read_bytes()
    async with await Store.open(path) as store:
        assert store.read_only
        assert store.notice
        assert "newer" in store.notice
        asked, told = await store.conversations.branch(conversation.id)
        assert asked.text == "Can you still read this?"
        assert told.state == "interrupted"
        assert [found.id for found in await store.conversations.recent(search="still")] == [conversation.id]
        with pytest.raises(ReadOnly):
            await store.conversations.add_turn(prompt(conversation, "And write?"))
        with pytest.raises(ReadOnly):
            await store.ledger.add_reading("work", "eu", 1, 1.0, "balance")
    assert path.read_bytes() == before


async def test_a_file_in_the_way_of_the_folder_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "relai").write_text("a file, not a folder")
    with pytest.raises(StoreUnavailable, match=r"cannot be kept at .* RELAI_TUI_HOME"):
        await Store.open(tmp_path / "relai" / "relai.db")


async def test_a_folder_in_the_way_of_the_file_is_told_in_words(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(StoreUnavailable):
        await Store.open(path)
    assert path.is_dir()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a folder that even root may not write")
async def test_a_folder_that_cannot_be_written_is_told_in_words() -> None:
    with pytest.raises(StoreUnavailable, match="Check the folder"):
        await Store.open(Path("/proc/relai-tui/relai.db"))


async def test_without_a_disk_it_works_in_memory() -> None:
    async with await Store.in_memory() as store:
        conversation = await new_conversation(store)
        await asyncio.gather(*(ask(store, conversation, f"Question {n}") for n in range(10)))
        assert len(await store.conversations.recent(search="question 7")) == 1
        await store.ledger.add_reading("work", "eu", 5, 1.0, "balance")
        assert await store.ledger.last_reading("work")


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
async def test_a_full_disk_is_told_in_words_and_what_was_kept_stays(path: Path) -> None:
    program = textwrap.dedent("""
        import asyncio, resource, sys
        from pathlib import Path
        from relai_tui.store.database import DiskFull, Store
        from tests.store.making import ask, new_conversation
        async def main():
            store = await Store.open(Path(sys.argv[1]))
            conversation = await new_conversation(store)
            await ask(store, conversation, "Kept")
            resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
            try:
                await ask(store, conversation, "x" * 1_000_000)
            except DiskFull as full:
                print(full)
            print(len(await store.conversations.branch(conversation.id)))
            await store.close()
        asyncio.run(main())
    """)
    ran = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, env=ENVIRONMENT, timeout=30
    )
    assert "disk" in ran.stdout, ran.stderr
    async with await Store.open(path) as store:
        assert store.notice is None
        (found,) = await store.conversations.recent()
        assert found.title == "Kept"
        assert found.turns == 2


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
def test_a_disk_that_was_full_from_the_start_is_told_in_words(path: Path) -> None:
    program = textwrap.dedent("""
        import asyncio, resource, sys
        from pathlib import Path
        from relai_tui.store.database import Store, StoreUnavailable
        async def main():
            resource.setrlimit(resource.RLIMIT_FSIZE, (8_192, resource.RLIM_INFINITY))
            try:
                await Store.open(Path(sys.argv[1]))
            except StoreUnavailable as unavailable:
                print(unavailable)
            async with await Store.in_memory() as store:
                print(await store.conversations.count())
        asyncio.run(main())
    """)
    ran = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, env=ENVIRONMENT, timeout=30
    )
    assert ran.stdout.startswith("The disk "), ran.stderr
    assert ran.stdout.endswith("\n0\n")
    assert ran.stderr == ""


async def test_an_opening_that_is_given_up_leaves_nothing_open(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began = asyncio.Event()
    latest = Conversations.latest

    async def noted(conversations: Conversations) -> Conversation | None:
        began.set()
        return await latest(conversations)

    monkeypatch.setattr(Conversations, "latest", noted)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        opening = asyncio.create_task(Store.open(path))
        await began.wait()
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        del opening
        gc.collect()
    assert [str(each.message) for each in caught if each.category is ResourceWarning] == []


async def test_a_closed_store_says_so(path: Path) -> None:
    store = await Store.open(path)
    await store.close()
    await store.close()
    with pytest.raises(StoreClosed):
        await store.conversations.count()
    with pytest.raises(StoreClosed):
        await store.conversations.save_draft(None, DraftText(CleanText("text")))


@pytest.mark.parametrize("ending", ["return", "raise SystemExit(0)", "raise ValueError('a crash')"])
def test_a_store_that_nobody_closed_does_not_keep_the_program_from_ending(path: Path, ending: str) -> None:
    program = textwrap.dedent(f"""
        import asyncio, sys
        from pathlib import Path
        from relai_tui.store.database import Store
        from relai_tui.text import clean_line
        async def main():
            store = await Store.open(Path(sys.argv[1]))
            await store.conversations.create(model=clean_line("smart"))
            {ending}
        asyncio.run(main())
    """)
    ran = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, env=ENVIRONMENT, timeout=10)
    assert ran.returncode == ("ValueError" in ending)


async def test_importing_the_store_is_light() -> None:
    program = (
        "import sys, relai_tui.store.database as d;"
        "print([m for m in ('sqlite3', 'aiosqlite', 'textual', 'httpx', 'pydantic', 'keyring') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=ENVIRONMENT)
    assert ran.stdout == "[]\n", ran.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="needs Unix permissions")
@pytest.mark.parametrize("closed_folder", [False, True])
async def test_a_history_that_may_not_be_written_can_still_be_read(closed_folder: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        path = home / "relai.db"
        async with await Store.open(path) as store:
            await ask(store, await new_conversation(store), "Written before")
        program = textwrap.dedent("""
            import asyncio, os, sys
            from pathlib import Path
            from relai_tui.store.database import ReadOnly, Store
            from relai_tui.text import clean_line
            async def main():
                if os.geteuid() == 0:
                    os.setuid(65534)
                async with await Store.open(Path(sys.argv[1])) as store:
                    print(store.read_only, [found.title for found in await store.conversations.recent()], store.notice)
                    try:
                        await store.conversations.create(model=clean_line("smart"))
                    except ReadOnly:
                        print("refused")
            import relai_tui.store.database, aiosqlite, sqlite3
            asyncio.run(main())
        """)
        if not closed_folder and os.geteuid() == 0:
            os.chown(home, 65534, 65534)
        home.chmod(0o555 if closed_folder else 0o700)
        path.chmod(0o444)
        path.with_name("relai.db.lock").chmod(0o666)
        ran = subprocess.run(
            [sys.executable, "-c", program, str(path)], capture_output=True, text=True, env=ENVIRONMENT, timeout=30
        )
        home.chmod(0o700)
    assert ran.stdout.startswith("True ['Written before'] The history at"), ran.stderr
    assert ran.stdout.endswith("refused\n")
