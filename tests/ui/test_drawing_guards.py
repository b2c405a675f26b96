"""What Textual's widgets draw passed the gate, also where a caller forgot it."""

import time

import pytest
from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.content import Content
from textual.widgets import Button, Label, OptionList, Static
from textual.widgets.option_list import Option

from relai_tui.ui.drawing_guards import guard_drawing

EVIL = "a\u202eb\x1b]52;c;eA==\x07\u200b" + "e" + "\u0301" * 5_000


class Careless(App[None]):
    def compose(self) -> ComposeResult:
        yield Static(EVIL, markup=False)
        yield Label(Content(EVIL))
        yield Button(Content.assemble((EVIL, "bold"), "x"))
        yield OptionList(Option(Content.from_markup("$evil", evil=EVIL)), markup=False)

    def on_mount(self) -> None:
        self.notify(EVIL, title=EVIL, markup=False)


@pytest.fixture(autouse=True)
def guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    from textual import content

    monkeypatch.setattr(Segment, "_split_cells", Segment.__dict__["_split_cells"])
    monkeypatch.setattr(content, "_strip_control_codes", content._strip_control_codes)  # put back afterwards
    guard_drawing()


async def test_a_careless_widget_draws_marks() -> None:
    app = Careless()
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.pause()
        shown = "\n".join("".join(s.text for s in strip) for strip in app.screen._compositor.render_strips())
    assert shown.count("‹202E›") >= 4
    assert not set(shown) & {"\u202e", "\u200b", "\x1b", "\x07"}
    assert shown.count("\u0301") < 20 * 12


def test_colours_stay_on_their_words() -> None:
    assert Content.assemble(("plain ", ""), ("loud", "bold")).plain == "plain loud"


def test_a_line_is_cut_in_linear_time() -> None:
    began = time.process_time()
    for cut in range(3, 78, 7):
        before, after = Segment("a" + "\u0301" * 6_000 + "b" * 79).split_cells(cut)
        assert (before.cell_length, after.cell_length) == (cut, 80 - cut)
    assert time.process_time() - began < 1  # each took a second


@pytest.mark.parametrize("text", ["plain", "日本語", "a👩‍💻b", "e\u0301e\u0301", "⚠️x", "🇩🇪!"])
def test_a_cut_keeps_the_cells(text: str) -> None:
    segment = Segment(text)
    for cut in range(segment.cell_length + 2):
        before, after = segment.split_cells(cut)
        assert before.cell_length == min(cut, segment.cell_length)
        assert before.cell_length + after.cell_length == segment.cell_length
