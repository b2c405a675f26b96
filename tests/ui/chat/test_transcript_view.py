"""Where the view is: following, scrolling, older turns, other sizes, bounds."""

import asyncio
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from textual import events

from relai_tui.text import clean
from relai_tui.ui.chat.transcript import Transcript
from tests.ui.chat.documents import DOCUMENTS
from tests.ui.chat.scene import answered, asked, dialogue, everything_drawn, scene, streaming

# -- where the view is


async def test_the_view_follows_until_the_reader_scrolls() -> None:
    async with scene(60, 12) as it:
        it.view.begin(streaming("a"))
        for index in range(40):
            it.view.feed("a", clean(f"{index}. line\n"))
        await it.until(lambda: "  39. line" in it.rows)
        assert it.view.following
        await it.pilot.press("pageup")
        assert not it.view.following
        before = it.rows
        for index in range(40, 80):
            it.view.feed("a", clean(f"{index}. line\n"))
        await it.until(lambda: it.view.virtual_size.height > 80)
        assert it.rows[:-1] == before[:-1]
        assert "↓ new" in it.rows[-1]
        it.view.action_scroll_end()
        await it.pilot.pause()
        assert it.view.following
        assert "↓ new" not in it.rows[-1]
        assert [told.following for told in it.told(Transcript.FollowingChanged)] == [False, True]
        it.view.feed("a", clean("80. line\n"))
        await it.until(lambda: "  80. line" in it.rows)


async def test_a_click_on_the_chip_goes_to_the_newest_line() -> None:
    async with scene(60, 12) as it:
        it.view.show(dialogue(20), older=False)
        await it.settled()
        it.view.action_page_up()
        it.view.add(asked("new", "the newest"))
        await it.until(lambda: "↓ new" in it.rows[-1])
        await it.pilot.click(Transcript, offset=(it.rows[-1].index("↓"), 11))
        await it.settled()
        assert it.view.following
        assert "▌ the newest" in it.rows


async def test_the_wheel_scrolls() -> None:
    async with scene(60, 12) as it:
        it.view.show(dialogue(20), older=False)
        await it.settled()
        bottom = it.view.scroll_offset.y
        it.view._on_mouse_scroll_up(wheel(it.view))
        await it.settled()
        assert it.view.scroll_offset.y < bottom
        assert not it.view.following


def wheel(view: Transcript) -> Any:
    return events.MouseScrollUp(view, 1, 1, 0, -1, 0, False, False, False, 1, 1)


async def test_a_long_history_is_drawn_where_it_is_looked_at() -> None:
    async with scene(80, 24) as it:
        it.view.show(dialogue(1_000), older=True)
        await it.settled()
        assert it.view.following
        assert any("turn 999 says" in row for row in it.rows)
        opened = [entry for entry in it.view._timeline.entries if entry.opened]
        assert len(opened) < 40
        assert not it.told(Transcript.OlderWanted)
        await it.pilot.press("g")
        await it.settled()
        assert it.rows[1].startswith("┃ turn 0 says")
        assert len([entry for entry in it.view._timeline.entries if entry.opened]) < 80


async def test_paging_through_history_skips_and_repeats_nothing() -> None:
    turns = [asked(f"t{i}", f"start {i}\n" + "\n".join(f"row {i}.{j}" for j in range(i % 9))) for i in range(60)]
    async with scene(60, 15) as it:
        it.view.show(turns, older=False)
        await it.settled()
        seen = it.rows
        while it.view.scroll_offset.y > 0:
            before = it.rows
            it.view.action_page_up()
            rows = it.rows  # at once: nothing undrawn is ever seen
            overlap = next(n for n in range(15) if rows[n:] == before[: 15 - n])
            seen = rows[:overlap] + seen
            await it.settled()
        wanted = [line for each in turns for line in ["", *("▌ " + row for row in each.text.rstrip("\n").split("\n"))]]
        assert seen == wanted


async def test_older_turns_come_in_above_and_nothing_moves() -> None:
    turns = dialogue(60)
    async with scene(60, 15) as it:
        it.view.show(turns[40:], older=True)
        await it.settled()
        it.view.action_scroll_home()
        await it.settled()
        assert len(it.told(Transcript.OlderWanted)) == 1
        before = it.rows
        it.view.prepend(turns[20:40], older=True)
        assert it.rows == before
        await it.settled()
        assert it.rows == before
        assert it.view.first_turn_id == "t20"
        it.view.action_scroll_home()
        await it.settled()
        assert len(it.told(Transcript.OlderWanted)) == 2
        it.view.prepend(turns[:20], older=False)
        it.view.action_scroll_home()
        await it.settled()
        assert len(it.told(Transcript.OlderWanted)) == 2
        assert it.rows[1].startswith("▌ turn 0 says")


async def test_a_short_page_asks_for_older_ones_at_once() -> None:
    async with scene() as it:
        it.view.show([asked("z", "only one")], older=True)
        await it.settled()
        assert len(it.told(Transcript.OlderWanted)) == 1


async def test_another_width_keeps_the_place() -> None:
    async with scene(100, 20) as it:
        it.view.show(dialogue(200), older=False)
        await it.settled()
        for _ in range(20):
            it.view.action_page_up()
        await it.settled()
        first = next(row for row in it.rows if "turn" in row).split(" says")[0]
        for width in (47, 21, 120):
            await it.pilot.resize_terminal(width, 20)
            await it.settled()
            assert any(first in row for row in it.rows[:8])
            assert len([entry for entry in it.view._timeline.entries if entry.opened]) < 60


async def test_another_width_in_the_middle_of_an_answer() -> None:
    text = DOCUMENTS["mixed"]
    async with scene(100, 20) as it:
        it.view.begin(streaming("a"))
        it.view.feed("a", clean(text[:300]))
        await it.until(lambda: not it.view._due)
        await it.pilot.resize_terminal(50, 20)
        it.view.feed("a", clean(text[300:]))
        it.view.finish(answered("a", text))
        await it.settled()
        await everything_drawn(it)
        live = it.picture
        it.view.show([answered("a", text)], older=False)
        await it.settled()
        await everything_drawn(it)
        assert it.picture == live


async def test_words_that_came_before_there_was_a_width_are_shown_when_there_is_one() -> None:
    async with scene() as it:
        it.view._painter = None  # as before the first layout
        it.view.begin(streaming("a"))
        it.view.feed("a", clean("first words"))
        it.view._fit()
        await it.until(lambda: any("first words" in row for row in it.rows))  # though no more of them come


async def test_hidden_then_shown() -> None:
    async with scene() as it:
        it.view.display = False
        await it.pilot.pause()
        it.view.show([asked("a", "go")], older=False)
        it.view.begin(streaming("b"))
        it.view.feed("b", clean("while nobody looked"))
        it.view.finish(answered("b", "while nobody looked"))
        await it.pilot.pause()
        it.view.display = True
        await it.settled()
        assert "  while nobody looked" in it.rows


async def test_nothing_runs_when_nothing_happens() -> None:
    async with scene() as it:
        it.view.show(dialogue(30), older=False)
        it.view.begin(streaming("a"))
        it.view.feed("a", clean("x"))
        it.view.finish(answered("a", "x"))
        await it.settled()
        assert not it.view._working
        assert not [worker for worker in it.app.workers if worker.is_running]
        assert not it.view._timers


# -- bounds


async def test_memory_is_bounded_however_far_one_scrolls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relai_tui.ui.chat.history.KEPT_LINES", 400)
    async with scene(60, 15) as it:
        it.view.show(dialogue(400), older=False)
        await it.settled()
        heights = []
        for _ in range(120):
            it.view.action_page_up()
            await it.settled()
            heights.append(sum(entry.height for entry in it.view._timeline.entries if entry.opened))
        assert max(heights) < 600
        it.view.action_scroll_end()
        await it.settled()
        assert any("turn 399" in row for row in it.rows)


async def test_a_key_pressed_elsewhere_is_echoed_first_and_never_stops_the_answer() -> None:
    async with scene() as it:
        it.view.begin(streaming("a"))
        for index in range(30):
            it.view.hold()
            it.view.feed("a", clean(f"word{index} "))
            await asyncio.sleep(0.01)
        assert any("word5 word6" in row for row in it.rows)  # keys came all the time, and so did the answer
        await it.until(lambda: any("word29" in row for row in it.rows))
        it.view.finish(replace(answered("a", "".join(f"word{i} " for i in range(30)))))
        await it.settled()


def test_importing_it_imports_neither_parser_nor_lexers() -> None:
    script = (
        "import sys, textual.widgets\nbefore = set(sys.modules)\nimport relai_tui.ui.chat.transcript\n"
        "heavy = {'markdown_it', 'pygments', 'httpx', 'linkify_it'}\n"
        "print([name for name in set(sys.modules) - before if name.split('.')[0] in heavy])"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
