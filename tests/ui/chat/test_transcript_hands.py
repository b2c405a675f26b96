"""The cursor and the mouse: stepping, selecting, copying, links."""

from textual.geometry import Region
from textual.selection import Selection

from relai_tui.text import clean
from relai_tui.ui.chat.transcript import Transcript
from tests.ui.chat.scene import FIGURES, Scene, answered, asked, dialogue, scene, streaming

# -- the cursor


async def test_the_cursor_steps_from_turn_to_turn() -> None:
    async with scene() as it:
        it.view.show([asked("a", "one"), answered("b", "two"), asked("c", "three")], older=False)
        await it.settled()
        await it.pilot.press("k")
        assert it.view.highlighted == "c"
        assert "┃ three" in it.rows
        assert it.view.selected_source() == "three"
        await it.pilot.press("k", "k", "k")
        assert it.view.highlighted == "a"
        await it.pilot.press("j")
        assert it.view.selected_source() == "two"
        assert [told.turn_id for told in it.told(Transcript.Highlighted)] == ["c", "b", "a", "b"]
        it.view.highlighted = None
        assert it.view.selected_source() is None
        assert it.view.last_answer_source() == "two"


async def test_the_cursor_brings_its_turn_into_view() -> None:
    async with scene(60, 15) as it:
        it.view.show(dialogue(40), older=False)
        await it.settled()
        for index in range(39, 20, -1):
            await it.pilot.press("k")
            assert it.view.highlighted == f"t{index}"
            assert any(f"turn {index} says" in row for row in it.rows)


async def test_code_blocks_one_after_the_other() -> None:
    text = "Look:\n\n```py\none = 1\n```\n\n" + "words " * 400 + "\n\n- item\n\n  ```\n  two\n  ```\n"
    async with scene(60, 15) as it:
        it.view.show([answered("a", text), asked("b", "thanks")], older=False)
        await it.settled()
        await it.pilot.press("u")
        assert it.view.highlighted == "a"
        assert it.view.selected_source() == "one = 1\n"
        assert any(row.startswith("█ ▏one = 1") for row in it.rows)
        await it.pilot.press("u")
        assert it.view.selected_source() == "two\n"
        assert any(row.startswith("█   ▏two") for row in it.rows)
        await it.pilot.resize_terminal(40, 15)
        await it.settled()
        await it.pilot.press("u", "u")
        assert any(row.startswith("█   ▏two") for row in it.rows)
        await it.pilot.press("u")
        assert it.view.selected_source() == "one = 1\n"
        await it.pilot.press("j")
        assert it.view.selected_source() == "thanks"


# -- the mouse


async def test_a_link_is_told_of_and_never_written_for_the_terminal() -> None:
    async with scene() as it:
        it.view.show([answered("a", "go [there](https://a.example/x) or [not](vscode://y)")], older=False)
        await it.settled()
        row = it.row_of("go there")
        await it.pilot.click(Transcript, offset=(6, row))
        assert [told.href for told in it.told(Transcript.LinkActivated)] == ["https://a.example/x"]
        await it.pilot.click(Transcript, offset=(40, row))
        assert len(it.told(Transcript.LinkActivated)) == 1
        strips = it.view.render_lines(Region(0, 0, 79, 24))
        assert all(style is None or style.link is None for strip in strips for _, style, _ in strip)


async def test_links_by_the_keyboard() -> None:
    text = "[one](https://one.example) and [two](https://two.example)\n\n" + "word\n\n" * 60 + "<https://three.example>"
    async with scene(60, 15) as it:
        it.view.show([answered("a", text)], older=False)
        await it.settled()
        await it.pilot.press("enter")
        assert not it.told(Transcript.LinkActivated)
        for name, shown in (
            ("one", "one (https://one.example) and two"),
            ("two", "one (https://one.example) and two"),
            ("three", "https://three"),
            ("one", "one (https://one.example) and"),
        ):
            await it.pilot.press("l")
            await it.settled()
            assert any(shown in row for row in it.rows)
            await it.pilot.press("enter")
            assert it.told(Transcript.LinkActivated)[-1].href.rstrip("/") == f"https://{name}.example"


async def drag(it: Scene, start: tuple[int, int], end: tuple[int, int]) -> str | None:
    await it.pilot.mouse_down(Transcript, offset=start)
    await it.pilot.hover(Transcript, offset=end)
    await it.pilot.mouse_up(Transcript, offset=end)
    await it.pilot.pause()
    return it.app.screen.get_selected_text()


async def test_what_is_selected_is_copied_as_it_was_meant() -> None:
    text = (
        "A paragraph that wraps because it is long.\n\n* typed with a star\n\n```py\nif x:\n\ty = 1\n```\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |"
    )
    async with scene(34, 24) as it:
        it.view.show([asked("q", "a question\n  indented"), answered("a", text)], older=False)
        await it.settled()
        copied = await drag(it, (2, it.row_of("A paragraph")), (30, it.row_of("│ 1")))
        assert copied == text.replace("```py\n", "").replace("```\n", "")
        copied = await drag(it, (0, it.row_of("a question")), (30, it.row_of("indented")))
        assert copied == "a question\n  indented"


async def test_two_clicks_select_a_word_and_three_the_block() -> None:
    async with scene(40, 12) as it:
        it.view.show([answered("a", "first block\n\nsee src/main.py:12 and 日本 wraps around here")], older=False)
        await it.settled()
        row = it.row_of("src/main.py")
        await it.pilot.click(Transcript, offset=(9, row), times=2)
        assert it.app.screen.get_selected_text() == "src/main.py:12"
        await it.pilot.click(Transcript, offset=(9, row), times=3)
        assert it.app.screen.get_selected_text() == "see src/main.py:12 and 日本 wraps around here"


async def test_a_selection_stays_on_its_words() -> None:
    turns = dialogue(60)
    async with scene(60, 15) as it:
        it.view.show(turns[40:], older=True)
        it.view.begin(streaming("live"))
        await it.until(lambda: "  …" in it.rows)
        it.view.action_scroll_home()
        await it.until(lambda: any("turn 40" in row for row in it.rows))
        await it.pilot.click(Transcript, offset=(8, it.row_of("turn 40")), times=2)
        assert it.app.screen.get_selected_text() == "40"
        it.view.prepend(turns[:40], older=False)
        for index in range(50):
            it.view.feed("live", clean(f"line {index}\n\n"))
            await it.pilot.pause()
        await it.until(lambda: not it.view._due)
        assert it.app.screen.get_selected_text() == "40"
        for _ in range(5):
            it.view.action_page_up()
            await it.pilot.pause()
        assert it.app.screen.get_selected_text() == "40"
        assert it.view.text_selection != Selection(None, None)


async def test_everything_selected() -> None:
    async with scene() as it:
        it.view.show([asked("a", "one"), answered("b", "two", figures=FIGURES)], older=False)
        await it.settled()
        it.view.text_select_all()
        assert it.app.screen.get_selected_text() == "one\n\ntwo"
