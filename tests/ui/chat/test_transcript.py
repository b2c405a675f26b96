"""What a reader of a conversation sees."""

import random

import pytest
from textual.geometry import Region

from relai_tui.conversation import CostBasis, Figures, Role, ToolCall, TurnState
from relai_tui.text import NOTHING, clean, clean_line
from relai_tui.ui.chat.transcript import Transcript
from tests.ui.chat.documents import DOCUMENTS
from tests.ui.chat.scene import FIGURES, answered, asked, everything_drawn, scene, streaming, turn

# -- what is shown


async def test_a_conversation() -> None:
    async with scene(60, 30) as it:
        it.view.show(
            [
                turn("s", Role.SYSTEM, "Be brief."),
                asked("a", "How?\n    like this"),
                answered(
                    "b",
                    "Use **this**.",
                    model_answered=clean_line("claude"),
                    figures=FIGURES,
                    reasoning=clean("let me see"),
                ),
                answered("c", "half", state=TurnState.STOPPED),
                answered("d", "", state=TurnState.FAILED, error=clean_line("402 no credits")),
            ],
            older=False,
        )
        await it.settled()
        assert it.rows[:23] == [
            "",
            "  system prompt",
            "  Be brief.",
            "",
            "▌ How?",
            "▌     like this",
            "",
            "  smart → claude",
            "  ▸ thought · 3 words",
            "",
            "  Use this.",
            "",
            "  1,204 tokens · first 0.4 s · 77/s · $0.004213 measured",
            "",
            "  smart",
            "  half",
            "",
            "  stopped by you",
            "  cost —",
            "",
            "  smart",
            "",
            "  failed: 402 no credits",
        ]


async def test_tool_calls_are_shown_and_never_run() -> None:
    calls = (
        ToolCall(clean_line("1"), clean_line("get_weather"), clean('{"city": "Paris",\n "days": 3}')),
        ToolCall(clean_line("2"), NOTHING, clean("\n".join("cut" for _ in range(40)))),
    )
    async with scene(60, 40) as it:
        it.view.show([answered("a", "I will look.", tool_calls=calls)], older=False)
        await it.settled()
        shown = "\n".join(it.rows)
        assert "⚙ get_weather" in shown
        assert '▏{"city": "Paris",' in shown
        assert "never run here" in shown
        assert "⚙ a function without a name" in shown
        assert "28 more lines; not run" in shown


async def test_an_answer_as_it_comes_and_as_it_stays() -> None:
    text = DOCUMENTS["mixed"]
    async with scene(60, 20) as it:
        it.view.add(asked("a", "go"))
        it.view.begin(streaming("b"))
        await it.until(lambda: "  …" in it.rows)
        for start in range(0, len(text), 9):
            it.view.feed("b", clean(text[start : start + 9]))
            if start % 90 == 0:
                await it.pilot.pause()
        await it.until(lambda: "  The end." in it.rows)
        it.view.finish(answered("b", text, model_answered=clean_line("claude"), figures=FIGURES))
        await it.settled()
        assert "1,204 tokens" in it.rows[-1]
        live = it.picture
        it.view.show(
            [asked("a", "go"), answered("b", text, model_answered=clean_line("claude"), figures=FIGURES)], older=False
        )
        await it.settled()
        assert it.rows[-1].startswith("  1,204 tokens")
        await everything_drawn(it)
        assert it.picture == live


@pytest.mark.parametrize("name", ["nested", "big table", "fences", "references", "long quote", "wide characters"])
async def test_a_stream_looks_like_history(name: str) -> None:
    text = DOCUMENTS[name]
    async with scene(50, 20) as it:
        it.view.begin(streaming("b"))
        source, start = random.Random(3), 0
        while start < len(text):
            size = source.randint(1, 200)
            it.view.feed("b", clean(text[start : start + size]))
            start += size
            await it.pilot.pause()
        it.view.finish(answered("b", text))
        await it.settled()
        await everything_drawn(it)
        live = it.picture
        it.view.show([answered("b", text)], older=False)
        await it.settled()
        await everything_drawn(it)
        assert it.picture == live


async def test_the_session_has_the_last_word_on_the_text() -> None:
    async with scene() as it:
        it.view.begin(streaming("b"))
        it.view.feed("b", clean("what came"))
        it.view.finish(answered("b", "what was **kept**"))
        await it.settled()
        assert "  what was kept" in it.rows


async def test_an_answer_taken_up_half_way() -> None:
    async with scene() as it:
        it.view.show([asked("a", "go")], older=False)
        it.view.begin(answered("b", "Once *upon", state=TurnState.STREAMING))
        it.view.feed("b", clean(" a time*."))
        await it.until(lambda: "  Once upon a time." in it.rows)


async def test_two_answers_at_once() -> None:
    async with scene(60, 40) as it:
        it.view.begin(streaming("a"))
        it.view.begin(streaming("b"))
        for index in range(20):
            it.view.feed("a", clean(f"- left {index}\n"))
            it.view.feed("b", clean(f"- right {index}\n"))
            await it.pilot.pause()
        it.view.finish(answered("a", "".join(f"- left {i}\n" for i in range(20))))
        it.view.finish(answered("b", "".join(f"- right {i}\n" for i in range(20))))
        await it.settled()
        it.view.action_scroll_home()
        await it.settled()
        rows = it.rows
        assert [row for row in rows if "left" in row] == [f"  • left {i}" for i in range(20)]
        assert rows.index("  • left 19") < rows.index("  • right 0")


async def test_words_for_a_conversation_not_shown_any_more_are_passed_over() -> None:
    async with scene() as it:
        it.view.begin(streaming("a"))
        it.view.clear()
        it.view.feed("a", clean("x"))
        it.view.feed_reasoning("a", clean("x"))
        it.view.finish(answered("a", "x"))
        it.view.update(answered("a", "x"))
        await it.settled()
        assert set(it.rows) == {""}


async def test_a_cost_that_is_learned_later() -> None:
    async with scene() as it:
        it.view.show([answered("a", "text")], older=False)
        await it.settled()
        assert it.rows[4] == "  cost —"
        it.view.update(answered("a", "text", figures=Figures(cost_micro=1_500_000, cost_basis=CostBasis.EXACT)))
        await it.settled()
        assert it.rows[4] == "  $1.50 exact"


# -- reasoning


async def test_reasoning_is_seen_while_it_comes_and_folds_when_the_answer_begins() -> None:
    async with scene(60, 24) as it:
        it.view.begin(streaming("a"))
        for index in range(30):
            it.view.feed_reasoning("a", clean(f"thought {index}\n"))
        await it.until(lambda: "  thought 29" in it.rows)
        assert "  ▾ thinking …" in it.rows
        assert "  thought 10" not in it.rows
        it.view.feed("a", clean("The answer."))
        await it.until(lambda: "  The answer." in it.rows)
        folded = it.rows[it.row_of("thought for")]
        assert folded.startswith("  ▸ thought for ")
        assert folded.endswith("s · 60 words")
        assert "  thought 29" not in it.rows
        it.view.finish(answered("a", "The answer.", reasoning=clean("".join(f"thought {i}\n" for i in range(30)))))
        await it.settled()
        await it.pilot.press("space")
        await it.settled()
        it.view.action_scroll_home()
        assert [row for row in it.rows if row.startswith("  thought ")][:3] == [
            "  thought 0",
            "  thought 1",
            "  thought 2",
        ]
        await it.pilot.press("space")
        await it.settled()
        assert not [row for row in it.rows if row.startswith("  thought ")]


async def test_a_click_unfolds_the_reasoning() -> None:
    async with scene() as it:
        it.view.show([answered("a", "text", reasoning=clean("deep thought"))], older=False)
        await it.settled()
        await it.pilot.click(Transcript, offset=(6, it.row_of("▸ thought")))
        await it.settled()
        assert "  deep thought" in it.rows


# -- looks


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light", "ansi-dark", "ansi-light", "solarized-light"])
async def test_a_theme_changes_colours_and_no_line(theme: str) -> None:
    async with scene() as it:
        it.view.show([asked("a", "hi"), answered("b", DOCUMENTS["mixed"])], older=False)
        await it.settled()
        rows, lines = it.rows, [it.view.line_at(y).line for y in range(it.view.virtual_size.height)]
        colours = it.picture
        it.app.theme = "nord"
        await it.pilot.pause()
        it.app.theme = theme
        await it.pilot.pause()
        assert it.rows == rows
        assert all(it.view.line_at(y).line is line for y, line in enumerate(lines) if line)
        assert theme == "textual-dark" or it.picture != colours


async def test_without_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with scene() as it:
        it.view.show([answered("b", DOCUMENTS["mixed"])], older=False)
        await it.settled()
        strips = it.view.render_lines(Region(0, 0, 79, 24))
        colours = {style.color.get_truecolor() for strip in strips for _, style, _ in strip if style and style.color}
        assert all(colour.red == colour.green == colour.blue for colour in colours)


@pytest.mark.parametrize("width", [3, 8, 20, 33])
async def test_very_narrow_screens(width: int) -> None:
    async with scene(width, 20) as it:
        it.view.show(
            [asked("a", "日本語 👩‍💻 e\u0301 ⚠️"), *(answered(name, text) for name, text in DOCUMENTS.items())],
            older=False,
        )
        await it.settled()
        for _ in range(30):
            assert len(it.rows) == 20  # and each exactly as wide as the screen
            it.view.action_page_up()
        await it.settled()
