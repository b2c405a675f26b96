"""A history with bytes flipped inside: it is set aside once, its name is told, and the chat goes on."""

import random
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relai_tui.conversation import DraftText
from relai_tui.sandbox.server import Sandbox
from relai_tui.store import opening
from relai_tui.store.database import Store, StoreBroken
from relai_tui.text import clean
from tests.commands_shell import Shell
from tests.store.making import ask, new_conversation


async def make_history(path: Path, conversations: int = 4, turns: int = 3) -> bytes:
    """A history of real size for a test: several pages of each table, with a search index."""
    async with await Store.open(path) as store:
        for number in range(conversations):
            conversation, last = await new_conversation(store), None
            for turn in range(turns):
                last = await ask(store, conversation, f"Frage {number} {turn} nach Zürich", "ä" * 900, parent=last)
        await store.conversations.recent(search="frage")
        await store.conversations.save_draft(None, DraftText(clean("a draft: ünsent")))
        await store.ledger.add_reading("default", "eu", 4_500_000, 1.0, "balance")
    return path.read_bytes()


async def use(path: Path) -> tuple[str, int]:
    """What a person does with it: list, read, search, send. The notice, and how many conversations there were."""
    async with await Store.open(path) as store:
        found = await store.conversations.recent()
        for conversation in found:
            await store.conversations.branch(conversation.id)
            await store.conversations.page(conversation.id)
        await store.conversations.recent(search="frag zür")
        await store.conversations.prompts(search="frage")
        await store.conversations.latest()
        await store.conversations.draft(None)
        await store.ledger.last_reading("default")
        await ask(store, await new_conversation(store), "Are you still there?", "Yes.")
        assert not store.read_only
        return store.notice or "", len(found)


Damage = Callable[[Path], None]


def bytes_to(change: Callable[[bytes], bytes]) -> Damage:
    def damage(path: Path) -> None:
        before = path.read_bytes()
        path.write_bytes(change(before))
        assert path.read_bytes() != before

    return damage


def replaced(before: bytes, after: bytes) -> Damage:
    return bytes_to(lambda whole: whole.replace(before, after))


def sql(*statements: str) -> Damage:
    def damage(path: Path) -> None:
        db = sqlite3.connect(path)
        db.execute("PRAGMA writable_schema = ON")
        for statement in statements:
            assert db.execute(statement).rowcount > 0
        db.commit()
        db.close()

    return damage


DAMAGE = {
    "a text that is no UTF-8": replaced("Frage 2 1 nach Zürich".encode(), b"Frage 2 1 nach Z\xff\xfericL"),
    "a title that is no UTF-8": sql("UPDATE conversation SET title = CAST(x'ff80' AS TEXT)"),
    "a draft of bytes": sql("UPDATE draft SET text = x'00ff'"),
    "a branch that ends in bytes": sql("UPDATE conversation SET leaf_id = x'00ff'"),
    "an amount that is a text": sql("UPDATE reading SET micro = 'four'"),
    "a time that is a text": sql("UPDATE turn SET created_at = 'soon' WHERE number = 3"),
    "a migration with another name": sql("UPDATE migration SET name = 'keys_and' WHERE name = 'keys_and_rotations'"),
    "a migration that is no UTF-8": sql("UPDATE migration SET name = CAST(x'ff' AS TEXT) WHERE name LIKE 'keys%'"),
    "a column with another name": replaced(b"created_at REAL", b"creeted_at REAL"),
    "a column that is no UTF-8": replaced(b"created_at REAL", b"cre\xff\xfeed_at REAL"),
    "a table with another name": sql(
        "UPDATE sqlite_master SET name = 'drift', tbl_name = 'drift', sql = replace(sql, 'draft', 'drift')"
        " WHERE name = 'draft'",
        "UPDATE sqlite_master SET tbl_name = 'drift' WHERE tbl_name = 'draft'",
    ),
    "an index that lacks an entry": sql(
        "UPDATE sqlite_master SET sql = replace(sql, '(parent_id)', '(parent_id) WHERE number > 3')"
        " WHERE name = 'turn_parent'"
    ),
    "a search index of rubbish": sql("UPDATE turn_search_data SET block = x'ffffffffffff'"),
    "a header that forbids writing": bytes_to(lambda whole: whole[:18] + b"\x09" + whole[19:]),
    "half a file": bytes_to(lambda whole: whole[: len(whole) // 2]),
    "half a page": bytes_to(lambda whole: whole[:2_000]),
}


@pytest.mark.parametrize("damage", DAMAGE)
async def test_damage_is_set_aside_once_and_the_chat_goes_on(path: Path, damage: str) -> None:
    await make_history(path)
    DAMAGE[damage](path)
    broken = path.read_bytes()
    notice, _ = await use(path)
    (aside,) = path.parent.glob("relai.broken-*.db")
    assert aside.name in notice
    assert aside.read_bytes() == broken
    assert await use(path) != ("", 0)
    assert [file.name for file in path.parent.glob("relai.broken-*.db")] == [aside.name]
    async with await Store.open(path) as store:
        assert store.notice is None


async def test_what_can_be_read_of_a_damaged_history_is_saved(path: Path) -> None:
    await make_history(path)
    DAMAGE["a text that is no UTF-8"](path)
    async with await Store.open(path) as store:
        assert store.notice
        assert "24 of its messages could be read" in store.notice
        found = await store.conversations.recent()
        texts = [turn.text for each in found for turn in await store.conversations.branch(each.id)]
        assert len(found) == 4
        assert len(texts) == 24
        assert sum(text.startswith("Frage") for text in texts) == 12
        assert [text for text in texts if "\ufffd" in text] == ["Frage 2 1 nach Z\ufffd\ufffdricL"]
        assert await store.conversations.draft(None) == DraftText(clean("a draft: ünsent"))
        assert await store.ledger.last_reading("default") is not None
        assert len(await store.conversations.recent(search="frage 3")) == 1


async def test_one_bad_page_loses_what_lies_on_it_and_no_more(path: Path) -> None:
    whole = bytearray(await make_history(path, conversations=20))
    page = whole.rindex(b"Frage 10 0 nach") // 4_096
    whole[page * 4_096 : (page + 1) * 4_096] = b"\xa5" * 4_096
    path.write_bytes(whole)
    async with await Store.open(path) as store:
        assert store.notice
        found = await store.conversations.recent(limit=100)
        saved = [len(await store.conversations.branch(each.id)) for each in found]
    assert sum(saved) >= 100
    assert sum(saved) < 120


async def test_turns_whose_conversation_is_lost_get_one_of_their_own(path: Path) -> None:
    await make_history(path)
    sql("DELETE FROM conversation WHERE rowid = 2")(path)
    DAMAGE["a draft of bytes"](path)
    async with await Store.open(path) as store:
        found = {str(each.title): each for each in await store.conversations.recent()}
        assert len(found) == 4
        lost = found["Saved from a damaged history"]
        assert lost.turns == len(await store.conversations.branch(lost.id)) == 6


async def test_a_large_history_is_looked_through_at_the_start_after_damage_was_met(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_history(path)
    DAMAGE["a text that is no UTF-8"](path)
    monkeypatch.setattr(opening, "CHECKED_WHOLE", 0)
    async with await Store.open(path) as store:
        assert store.notice is None
        with pytest.raises(StoreBroken, match="next start"):
            await store.conversations.prompts(search="nach")
    async with await Store.open(path) as store:
        assert store.notice
        assert "relai.broken-" in store.notice
        assert len(await store.conversations.prompts(search="nach")) == 12


async def test_damage_of_a_large_history_that_a_start_meets_is_mended_by_that_start(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_history(path)
    DAMAGE["a column that is no UTF-8"](path)
    monkeypatch.setattr(opening, "CHECKED_WHOLE", 0)
    notice, _ = await use(path)
    assert "set aside as relai.broken-" in notice
    assert (await use(path))[0] == ""


async def test_an_empty_file_is_a_history_that_was_not_begun(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    assert await use(path) == ("", 0)
    assert await use(path) == ("", 1)


async def test_an_emptied_history_whose_log_is_left_is_not_thrown_away(path: Path) -> None:
    await make_history(path)
    path.write_bytes(b"")
    log = path.with_name("relai.db-wal")
    log.write_bytes(b"the last that was written")
    notice, _ = await use(path)
    (aside,) = path.parent.glob("relai.broken-*.db-wal")
    assert aside.read_bytes() == b"the last that was written"
    assert aside.name.removesuffix("-wal") in notice


@pytest.mark.parametrize("size", [0, 10, 31, 32, 5_000, None])
async def test_a_log_of_rubbish_or_half_a_log_costs_at_most_what_was_last(path: Path, size: int | None) -> None:
    async with await Store.open(path) as store:
        await ask(store, await new_conversation(store), "In the file")
        await store._database._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        await ask(store, await new_conversation(store), "In the log")
        whole, log = path.read_bytes(), path.with_name("relai.db-wal").read_bytes()
    path.write_bytes(whole)
    cut = bytearray(log if size is None else log[:size])
    if size is None:
        cut[len(cut) // 2] ^= 0xFF
    path.with_name("relai.db-wal").write_bytes(cut)
    async with await Store.open(path) as store:
        assert "In the file" in [each.title for each in await store.conversations.recent()]
    await use(path)


_WHOLE: list[bytes] = []


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), flips=st.sampled_from([1, 2, 10, 100]), near=st.sampled_from([100, 8_192, 2**20]))
async def test_bytes_flipped_anywhere_never_keep_one_from_chatting(seed: int, flips: int, near: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "relai" / "relai.db"
        path.parent.mkdir()
        if not _WHOLE:
            _WHOLE.append(await make_history(path))
        numbers, whole = random.Random(seed), bytearray(_WHOLE[0])
        for _ in range(flips):
            whole[numbers.randrange(min(near, len(whole)))] = numbers.choice([0, 255, numbers.randrange(256)])
        path.write_bytes(whole)
        await use(path)
        notice, found = await use(path)
        assert notice == ""
        assert found > 0


async def test_ask_tells_of_a_damaged_history_once_and_is_answered(tmp_path: Path) -> None:
    path = tmp_path / "data" / "relai.db"
    await make_history(path)
    DAMAGE["a column that is no UTF-8"](path)
    async with Sandbox(tokens_per_second=0) as sandbox:
        shell = Shell(sandbox, tmp_path)
        for told in (True, False):
            ended = await shell.run("ask", "Are you still there?")
            assert ended.code == 0
            assert ended.out
            assert ("set aside as relai.broken-" in ended.err) is told
            assert "Traceback" not in ended.err
