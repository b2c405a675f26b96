"""Conversations: kept, found, branched, deleted and restored."""

import asyncio
import logging
import os
import platform
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from relai_tui.conversation import NO_DRAFT, CostBasis, DraftText, Figures, Role, ToolCall, Turn, TurnState
from relai_tui.store.database import Missing, Store, StoreBusy
from relai_tui.store.search import Search
from relai_tui.text import CleanText, clean, clean_line
from tests.store.conftest import Clock
from tests.store.making import MODEL, answer, ask, new_conversation, prompt


async def test_everything_a_turn_knows_comes_back(store: Store) -> None:
    conversation = await new_conversation(store)
    asked = prompt(conversation, "Weather in Bern?")
    await store.conversations.add_turn(asked)
    told = replace(
        answer(conversation, asked, "Let me look.\n\tIndented.", TurnState.FAILED),
        reasoning=clean("Which Bern?\nSwitzerland."),
        tool_calls=(ToolCall(clean_line("call_1"), clean_line("weather"), clean('{"city": "Bern", "note": "\\"')),),
        error=clean_line("The server refused."),
        finish_reason=clean_line("tool_calls"),
        model_answered=clean_line("claude-sonnet-4.6"),
        figures=Figures(12, 34, 0.5, 2.25, 1_234_567, CostBasis.EXACT),
    )
    await store.conversations.add_turn(told)
    assert await store.conversations.branch(conversation.id) == (asked, told)


async def test_a_conversation_knows_its_settings(store: Store) -> None:
    made = await store.conversations.create(
        model=MODEL, system=clean("Be brief."), region=clean_line("eu"), title=clean_line("Plans")
    )
    assert await store.conversations.get(made.id) == made
    await store.conversations.set_model(made.id, clean_line("fast"))
    await store.conversations.set_system(made.id, clean("Be long.\nVery."))
    await store.conversations.rename(made.id, "Other\nplans\x1b[2J")
    found = await store.conversations.get(made.id)
    assert found
    assert (found.model, found.system, found.title) == ("fast", "Be long.\nVery.", "Other plans␛[2J")


async def test_the_first_prompt_gives_the_title_and_later_ones_do_not(store: Store) -> None:
    conversation = await new_conversation(store)
    last = await ask(store, conversation, "\n  Tell me about " + "very " * 30 + "\nlong things")
    await ask(store, conversation, "And now something else", parent=last)
    found = await store.conversations.get(conversation.id)
    assert found
    assert found.title.startswith("Tell me about very very")
    assert len(found.title) == 60
    named = await store.conversations.create(model=MODEL, title=clean_line("Mine"))
    await ask(store, named, "Not a title")
    assert [each.title for each in await store.conversations.recent(limit=1)] == ["Mine"]


async def test_the_latest_is_the_one_last_used_that_has_turns(store: Store, clock: Clock) -> None:
    assert await store.conversations.latest() is None
    first, second = await new_conversation(store), await new_conversation(store)
    await ask(store, first, "one")
    clock.now += 1
    await ask(store, second, "two")
    clock.now += 1
    await new_conversation(store)
    latest = await store.conversations.latest()
    assert latest
    assert latest.id == second.id
    clock.now += 1
    await ask(store, first, "again")
    latest = await store.conversations.latest()
    assert latest
    assert latest.id == first.id
    assert (latest.turns, latest.updated_at) == (4, clock.now)


async def test_recent_pages_through_all_newest_first(store: Store, clock: Clock) -> None:
    made = []
    for _ in range(7):
        clock.now += 1
        made.append((await new_conversation(store)).id)
    pages = [await store.conversations.recent(limit=3, offset=offset) for offset in (0, 3, 6)]
    assert [found.id for page in pages for found in page] == made[::-1]
    assert await store.conversations.count() == 7


@pytest.mark.parametrize("by_index", [True, False], ids=["fts5", "without fts5"])
@pytest.mark.parametrize(
    ("typed", "finds"),
    [
        ("rayl", ["sky"]),
        ("RAYLEIGH scat", ["sky"]),
        ("scatter rayleigh", ["sky"]),
        ("über", ["umlaut"]),
        ("ÜBER", ["umlaut"]),
        ("c++", ["code"]),
        ("世界", ["chinese"]),
        ('"', ["quotes"]),
        ('say "hel', ["quotes"]),
        ("AND OR NOT", ["operators"]),
        ("NEAR(a b, 2)", ["operators"]),
        ("100%", ["percent"]),
        ("foo_bar", ["underscore"]),
        ("text : *", []),
        ("'; DROP TABLE turn; --", []),
        ("rayleigh nowhere", []),
        ("sky", ["sky"]),
        ("   ", ["underscore", "percent", "operators", "quotes", "chinese", "code", "umlaut", "sky"]),
    ],
)
async def test_search_takes_what_is_typed_as_text(
    store: Store, clock: Clock, by_index: bool, typed: str, finds: list[str]
) -> None:
    if not by_index:
        store._database.searchable = False
    for title, text in {
        "sky": "It is Rayleigh scattering.",
        "umlaut": "Ein Überblick",
        "code": "Write it in C++ please",
        "chinese": "你好世界再见",
        "quotes": 'They say "hello" and leave',
        "operators": "this AND that OR NOT NEAR(a b, 2) those",
        "percent": "a 100% sure thing",
        "underscore": "call foo_bar now",
    }.items():
        clock.now += 1
        conversation = await store.conversations.create(model=MODEL, title=clean_line(title))
        await ask(store, conversation, "A question", text)
    assert [found.title for found in await store.conversations.recent(search=typed)] == finds


@pytest.mark.parametrize(
    "typed", ['"', 'a"b', '"a" OR "b"', "a*", "^a", "a:b", "NEAR(a b)", "-a", "{a b}: c", "(a", "\\", 'a""b']
)
async def test_nothing_typed_is_an_error_to_the_index(store: Store, typed: str) -> None:
    conversation = await new_conversation(store)
    await ask(store, conversation, f"before {typed} after")
    assert len(await store.conversations.recent(search=typed)) == 1
    wanted = Search.typed(typed)
    if wanted.match:  # what the index is asked; `recent` would hide its complaint by looking through the texts
        assert len(await store.conversations._found(wanted, 10, 0, indexed=True)) == 1


async def test_a_search_shows_where_it_found_its_words(store: Store) -> None:
    conversation = await new_conversation(store)
    await ask(
        store, conversation, "Tell me a story", "Once upon a time " * 40 + "a dragon ate the moon. " + "The end. " * 40
    )
    (found,) = await store.conversations.recent(search="drag")
    assert found.excerpt
    assert "a dragon ate the moon" in found.excerpt
    assert len(found.excerpt) <= 125
    (found,) = await store.conversations.recent()
    assert found.excerpt is None


async def test_a_search_finds_what_was_said_just_now_and_what_was_changed(store: Store) -> None:
    conversation = await new_conversation(store)
    asked = prompt(conversation, "Hello")
    await store.conversations.add_turn(asked)
    streaming = answer(conversation, asked)
    await store.conversations.add_turn(streaming)
    await store.conversations.finish_turn(replace(streaming, text=clean("partial zebra"), state=TurnState.INTERRUPTED))
    assert len(await store.conversations.recent(search="zebra")) == 1
    await store.conversations.finish_turn(replace(streaming, text=clean("whole giraffe"), state=TurnState.COMPLETE))
    assert await store.conversations.recent(search="zebra") == ()
    assert len(await store.conversations.recent(search="giraffe")) == 1


async def test_a_page_is_the_end_of_the_branch_and_older_ones_follow(store: Store) -> None:
    conversation = await new_conversation(store)
    last: Turn | None = None
    for number in range(5):
        last = await ask(store, conversation, f"Question {number}", f"Answer {number}", last)
    turns, older = await store.conversations.page(conversation.id, limit=4)
    assert [turn.text for turn in turns] == ["Question 3", "Answer 3", "Question 4", "Answer 4"]
    assert older
    turns, older = await store.conversations.page(conversation.id, before=turns[0].id, limit=4)
    assert [turn.text for turn in turns] == ["Question 1", "Answer 1", "Question 2", "Answer 2"]
    assert older
    turns, older = await store.conversations.page(conversation.id, before=turns[0].id, limit=4)
    assert [turn.text for turn in turns] == ["Question 0", "Answer 0"]
    assert not older
    assert await store.conversations.page(conversation.id, before=turns[0].id) == ((), False)
    assert await store.conversations.page("no such conversation") == ((), False)


async def test_a_page_costs_the_same_however_long_the_history_is(store: Store, path: Path) -> None:
    short, long = await new_conversation(store), await new_conversation(store)
    _fill(path, short.id, 200)
    _fill(path, long.id, 10_000)

    async def steps(conversation_id: str) -> int:
        counted = 0

        def count() -> int:
            nonlocal counted
            counted += 1
            return 0

        reader = store._database._reader
        assert reader
        await reader.set_progress_handler(count, 10)
        turns, older = await store.conversations.page(conversation_id, limit=50)
        await reader.set_progress_handler(lambda: None, 0)
        assert len(turns) == 50
        assert older
        return counted

    assert await steps(long.id) <= await steps(short.id) * 1.1
    assert len(await store.conversations.branch(long.id)) == 10_000


def _fill(path: Path, conversation_id: str, count: int) -> None:
    with sqlite3.connect(path) as db:
        db.executemany(
            "INSERT INTO turn (id, conversation_id, parent_id, role, state, created_at, text)"
            " VALUES (?, ?, ?, 'user', 'complete', 1.0, 'Some text')",
            (
                (f"{conversation_id}{number}", conversation_id, f"{conversation_id}{number - 1}" if number else None)
                for number in range(count)
            ),
        )
        last = f"{conversation_id}{count - 1}"
        db.execute("UPDATE conversation SET leaf_id = ?, turns = ? WHERE id = ?", (last, count, conversation_id))
    db.close()


async def test_regenerating_and_editing_make_branches(store: Store) -> None:
    conversation = await new_conversation(store)
    first = await ask(store, conversation, "Name a colour", "Red")
    assert first.parent_id
    again = answer(conversation, replace(first, id=first.parent_id), "Blue", TurnState.COMPLETE)
    await store.conversations.add_turn(again)
    follow_up = await ask(store, conversation, "And a darker one?", "Navy", again)
    assert await store.conversations.siblings(first.id) == (first.id, again.id)
    assert await store.conversations.siblings(follow_up.id) == (follow_up.id,)
    assert [turn.text for turn in await store.conversations.branch(conversation.id)] == [
        "Name a colour",
        "Blue",
        "And a darker one?",
        "Navy",
    ]
    await store.conversations.select_leaf(conversation.id, first.id)
    assert [turn.text for turn in await store.conversations.branch(conversation.id)] == ["Name a colour", "Red"]
    assert await store.conversations.newest_leaf(again.id) == follow_up.id
    turns, _ = await store.conversations.page(conversation.id, leaf=again.id)
    assert [turn.text for turn in turns] == ["Name a colour", "Blue"]
    await store.conversations.select_leaf(conversation.id, None)
    assert await store.conversations.page(conversation.id) == ((), False)
    edited = prompt(conversation, "Name a shape")
    await store.conversations.add_turn(edited)
    assert await store.conversations.siblings(edited.id) == (first.parent_id, edited.id)


async def test_a_deleted_conversation_can_be_restored_for_thirty_days(path: Path, clock: Clock) -> None:
    async with await Store.open(path, clock=clock) as store:
        kept, gone = await new_conversation(store), await new_conversation(store)
        for conversation in (kept, gone):
            await ask(store, conversation, "A secret plan")
            await store.conversations.save_draft(conversation.id, DraftText(clean("unsent")))
            assert len(await store.conversations.recent(search="secret")) == 1
            await store.conversations.delete(conversation.id)
        assert await store.conversations.get(kept.id) is None
        assert await store.conversations.recent() == ()
        assert await store.conversations.latest() is None
        assert await store.conversations.prompts() == ()
        assert await store.conversations.count() == 0
        clock.now += 29 * 86_400
        await store.conversations.restore(kept.id)
    clock.now += 2 * 86_400
    async with await Store.open(path, clock=clock) as store:
        assert [found.draft.text for found in await store.conversations.recent(search="secret")] == ["unsent"]
        with pytest.raises(Missing):
            await store.conversations.restore(gone.id)
        assert await store.conversations.draft(gone.id) == NO_DRAFT
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT count(*) FROM turn").fetchone() == (2,)
        db.execute("INSERT INTO turn_search (turn_search) VALUES ('integrity-check')")
    db.close()


async def test_each_window_keeps_the_draft_of_a_new_conversation(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    living, gone = f"{platform.node()}:{os.getppid()}", f"{platform.node()}:999999999"
    for name, text in ((gone, "from a window that crashed"), (living, "from one that is open")):
        monkeypatch.setattr("relai_tui.store.drafts.writer", lambda name=name: name)
        async with await Store.open(path) as store:
            await store.conversations.save_draft(None, DraftText(clean(text), ((0, 4),)))
    monkeypatch.undo()
    async with await Store.open(path) as store:
        await store.conversations.save_draft(None, DraftText(clean("mine")))
        both = DraftText(clean("from a window that crashed\nmine"), ((0, 4),))
        assert await store.conversations.draft(None) == both
        assert await store.conversations.draft(None) == both
    monkeypatch.setattr("relai_tui.store.drafts.writer", lambda: living)
    async with await Store.open(path) as store:
        assert (await store.conversations.draft(None)).text == "from one that is open"


async def test_drafts_belong_to_their_conversation(path: Path) -> None:
    async with await Store.open(path) as store:
        conversation = await new_conversation(store)
        half = DraftText(clean("half a thought\nin two lines"), ((0, 4),))
        await store.conversations.save_draft(None, DraftText(clean("for a new chat")))
        await store.conversations.save_draft(conversation.id, DraftText(CleanText("half \x1b]0;x\x07")))
        await store.conversations.save_draft(conversation.id, half)
    async with await Store.open(path) as store:
        found = await store.conversations.get(conversation.id)
        assert found
        assert found.draft == await store.conversations.draft(conversation.id) == half
        assert await store.conversations.draft(None) == DraftText(clean("for a new chat"))
        await store.conversations.save_draft(None, NO_DRAFT)
        assert await store.conversations.draft(None) == NO_DRAFT


async def test_prompts_are_remembered_once_newest_first(store: Store) -> None:
    conversation = await new_conversation(store)
    for text in ("first", "second", "first", "ein Überblick"):
        await ask(store, conversation, text, "an answer")
    assert await store.conversations.prompts() == ("ein Überblick", "first", "second")
    assert await store.conversations.prompts(limit=1) == ("ein Überblick",)
    assert await store.conversations.prompts(search="über") == ("ein Überblick",)


async def test_what_is_not_there_is_said(store: Store) -> None:
    conversation = await new_conversation(store)
    orphan = prompt(replace(conversation, id="nowhere"), "Hello?")
    conversations = store.conversations
    for work in (
        conversations.add_turn(orphan),
        conversations.checkpoint(orphan),
        conversations.finish_turn(orphan),
        conversations.update_figures("nothing", Figures()),
        conversations.rename("nothing", "x"),
        conversations.delete("nothing"),
        conversations.select_leaf(conversation.id, "nothing"),
        conversations.select_leaf("nothing", None),
        conversations.add_turn(replace(prompt(conversation, "x"), parent_id="nobody")),
    ):
        with pytest.raises(Missing):
            await work
    assert await conversations.get("nothing") is None
    assert await conversations.siblings("nothing") == ()
    found = await conversations.get(conversation.id)
    assert found
    assert found.turns == 0


async def test_figures_that_cannot_be_true_are_not_known(store: Store) -> None:
    conversation = await new_conversation(store)
    told = await ask(store, conversation, "Cost?")
    impossible = Figures(10**30, 5, float("nan"), float("inf"), -(10**40), CostBasis.EXACT)
    await store.conversations.update_figures(told.id, impossible)
    (_, found) = await store.conversations.branch(conversation.id)
    assert found.figures == Figures(None, 5, None, None, None, CostBasis.EXACT)


async def test_a_tampered_file_is_only_text(store: Store, path: Path) -> None:
    conversation = await new_conversation(store)
    told = await ask(store, conversation, "Hello", "safe")
    with sqlite3.connect(path) as db:
        db.execute(
            "UPDATE turn SET text = ?, reasoning = ?, error = ?, model_answered = ?, tool_calls = ?,"
            " prompt_tokens = 'many', seconds = 'long', created_at = 'never', role = 'god' WHERE id = ?",
            (
                "\x1b]52;c;eA==\x07",
                "\u202eevil",
                "\x9b2J\nline",
                b"\xff\xfe",
                '[["a","b\\u001b","c"],["short"],7]',
                told.id,
            ),
        )
        db.execute("UPDATE conversation SET title = CAST(x'1b5bff' AS TEXT), model = x'00ff', region = x'05'")
    db.close()
    (_, found) = await store.conversations.branch(conversation.id)
    assert found.text == "␛]52;c;eA==␇"
    assert found.reasoning == "\u202eevil"
    assert found.error == "‹9B›2J line"
    assert found.role is Role.ASSISTANT
    assert found.figures == Figures()
    assert found.tool_calls == (ToolCall(clean_line("a"), clean_line("b\x1b"), clean("c")),)
    (listed,) = await store.conversations.recent()
    assert listed.title == "␛[\ufffd"
    assert (listed.model, listed.region) == ("", None)


async def test_parents_in_a_circle_come_to_an_end(store: Store, path: Path) -> None:
    conversation = await new_conversation(store)
    told = await ask(store, conversation, "Round and round")
    with sqlite3.connect(path) as db:
        db.execute("UPDATE turn SET parent_id = ? WHERE id = ?", (told.id, told.parent_id))
    db.close()
    assert len(await store.conversations.branch(conversation.id)) == 2
    turns, _ = await store.conversations.page(conversation.id, limit=10)
    assert len(turns) == 10
    assert await store.conversations.newest_leaf(told.id) == told.id


async def test_a_long_search_does_not_hold_up_the_answer_that_streams(store: Store, path: Path) -> None:
    conversation = await new_conversation(store)
    _fill(path, conversation.id, 30_000)
    streaming = replace(prompt(conversation, "x"), id="live", role=Role.ASSISTANT, state=TurnState.STREAMING)
    await store.conversations.add_turn(streaming)
    store._database.searchable = False
    search = asyncio.create_task(store.conversations.recent(search="not to be found anywhere"))
    done_before = 0
    for number in range(5):
        await store.conversations.checkpoint(replace(streaming, text=clean("x" * number)))
        done_before += not search.done()
    assert await search == ()
    assert done_before


async def test_a_window_that_holds_the_file_too_long_is_said(store: Store, path: Path) -> None:
    conversation = await new_conversation(store)
    await store._database._writer.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy, match="another program"):
        await ask(store, conversation, "Hello?")
    assert await store.conversations.branch(conversation.id) == ()
    other.execute("COMMIT")
    other.close()
    await ask(store, conversation, "Hello!")
    assert len(await store.conversations.branch(conversation.id)) == 2


async def test_what_is_said_is_in_no_log(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    conversation = await new_conversation(store)
    await ask(store, conversation, "my canary question", "a canary answer")
    await store.conversations.recent(search="canary")
    assert "canary" not in caplog.text
