"""A text that came in pieces looks like the same text drawn at once."""

import random
import time
from collections.abc import Iterable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relai_tui.ui.chat.markdown.growing import Block, GrowingMarkdown, redraw
from relai_tui.ui.chat.markdown.looks import Looks
from relai_tui.ui.chat.markdown.passage import Painter
from relai_tui.ui.chat.markdown.wrap import Line, Run, cells, unpack
from tests.bench.documents import AWKWARD
from tests.ui.chat.documents import DOCUMENTS

LOOKS = Looks()


def merged(line: Line) -> Line:
    out: list[Run] = []
    for text, look in line:
        if out and out[-1][1] == look:
            out[-1] = (out[-1][0] + text, look)
        else:
            out.append((text, look))
    return out


def at_once(text: str, width: int) -> list[Line]:
    """The whole text, parsed and drawn in one go: what a reader should see in the end."""
    passage = Painter(width, LOOKS).parse(text, {})
    lines: list[Line] = []
    for index, block in enumerate(passage.blocks):
        lines += [[]] * (index > 0)
        lines += passage.draw(block, width)
    return [merged(line) for line in lines]


def lines_of(blocks: Iterable[Block]) -> list[Line]:
    return [merged(unpack(line)) for block in blocks for line in block.lines]


def finished(painter: Painter, growing: GrowingMarkdown) -> list[Line]:
    growing.finish()
    for block in growing.blocks:
        if not block.exact or not block.width:
            for _ in redraw(painter, block):
                pass
    return lines_of(growing.blocks)


def grown(text: str, pieces: Sequence[str], width: int, *, draws: bool = True) -> list[Line]:
    painter = Painter(width, LOOKS)
    growing = GrowingMarkdown(painter, draws=draws)
    for index, piece in enumerate(pieces):
        growing.feed(piece)
        if draws and (len(text) < 3_000 or index % 20 == 0):
            growing.live()
    return finished(painter, growing)


def chunked(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def shuffled(text: str, seed: int) -> list[str]:
    source, pieces, start = random.Random(seed), [], 0
    while start < len(text):
        size = source.randint(1, 60)
        pieces.append(text[start : start + size])
        start += size
    return pieces


@pytest.mark.parametrize("width", [76, 33])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_grew_looks_as_drawn_at_once(name: str, width: int) -> None:
    text = DOCUMENTS[name]
    wanted = at_once(text, width)
    small = len(text) < 1_500
    for pieces in (chunked(text, 1 if small else 37), text.splitlines(keepends=True), [text], shuffled(text, 5)):
        assert grown(text, pieces, width) == wanted


@pytest.mark.parametrize("name", DOCUMENTS)
def test_history_that_is_split_first_and_drawn_later_looks_the_same(name: str) -> None:
    text = DOCUMENTS[name]
    assert grown(text, chunked(text, 2_000), 60, draws=False) == at_once(text, 60)


_ROWS = st.sampled_from(
    [
        "text", "*em* and **strong**", "- item", "  - sub", "1. one", "7) seven", "> quote", "> - in quote", "> > deep",
        "```", "```py", "~~~", "    code", "x = '''", "---", "===", "# head", "| a | b |", "|---|---|", "| 1 | 2 |", "",
        "", ">", "[a]: http://x.example", "[a] and [b][a]", "\tTab", "日本語 👩‍💻", "`open", "<div>", "![i](u)",
        "long " * 30, "> [b]: http://y.example", "[c]:", "'title'", "[^1]: note", "[^1]: http://z.example",
        "  [d]: u", "> [b] and [d]", "\\[", "\\]", "$$", "a\\\\", "- c", "\\begin{align*}", "\\end{align*}", "> \\[",
    ]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    rows=st.lists(_ROWS, max_size=24), cuts=st.lists(st.integers(0, 400), max_size=12), width=st.sampled_from([20, 50])
)
def test_any_text_in_any_pieces(rows: list[str], cuts: list[int], width: int) -> None:
    text = "\n".join(rows)
    at = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    pieces = [text[start:end] for start, end in pairwise(at)]
    assert grown(text, pieces, width) == at_once(text, width)


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=300), width=st.integers(10, 60))
def test_no_line_is_wider_than_told(text: str, width: int) -> None:
    assert all(cells(line) <= width for line in grown(text, [text], width))


@pytest.mark.parametrize("width", [20, 33, 76, 116])
@pytest.mark.parametrize("name", sorted(set(DOCUMENTS) - {"deep quote"}))
def test_the_documents_stay_within_the_width(name: str, width: int) -> None:
    assert all(cells(line) <= width for line in at_once(DOCUMENTS[name], width))


def test_what_is_finished_is_drawn_once() -> None:
    growing = GrowingMarkdown(Painter(60, LOOKS))
    growing.feed("First *paragraph*.\n\n- a\n- b\n\nOpen\n")
    before = {id(line): line for block in growing.blocks for line in block.lines}
    assert len(growing.blocks) == 2
    for piece in chunked(DOCUMENTS["mixed"], 7):
        growing.feed(piece)
        growing.live()
    settled = {id(line) for block in growing.blocks[:2] for line in block.lines}
    assert settled == set(before)  # the same lines, not equal ones


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        ("```python\n", "x = 1\n"),
        ("", "- item of a list\n"),
        ("| a | b |\n|---|---|\n", "| 1 | 2 |\n"),
        ("", "> - item in a quote\n"),
        ("", "> paragraph in a quote\n>\n"),
    ],
)
def test_an_open_block_grows_by_its_new_lines_only(begin: str, more: str) -> None:
    growing = GrowingMarkdown(Painter(60, LOOKS))
    growing.feed(begin + more * 100)
    (block,) = growing.blocks
    before = list(block.lines)
    assert len(before) >= 95
    growing.feed(more * 20)
    assert len(growing.live()) <= 8
    assert growing.blocks == [block]
    assert all(old is new for old, new in zip(before, block.lines, strict=False))
    assert len(block.lines) > len(before)


def test_blocks_know_the_row_they_begin_on() -> None:
    for name in ("mixed", "nested", "quotes", "references", "setext", "lists only"):
        text = DOCUMENTS[name]
        growing = GrowingMarkdown(Painter(60, LOOKS))
        for piece in shuffled(text, 3):
            growing.feed(piece)
        growing.finish()
        rows = text.split("\n")
        assert [block.source.split("\n")[0] for block in growing.blocks] == [
            rows[block.row] for block in growing.blocks
        ]


def test_a_fence_never_flickers_into_a_paragraph() -> None:
    growing = GrowingMarkdown(Painter(60, LOOKS))
    growing.feed("```python\nx = 1\n")
    for mark in ("`", "`", "`"):
        growing.feed(mark)
        assert growing.live() == []  # what may be the closing fence is not shown as code
    growing.finish()
    assert [text for text, _ in unpack(growing.blocks[0].lines[-1])][1:4] == ["x", " ", "="]


def test_another_width_in_the_middle_of_an_answer() -> None:
    text = DOCUMENTS["mixed"]
    for cut in range(0, len(text), 41):
        growing = GrowingMarkdown(Painter(76, LOOKS))
        growing.feed(text[:cut])
        painter = Painter(33, LOOKS)
        again = growing.restart(painter)
        growing.feed(again)
        growing.feed(text[cut:])
        for block in growing.blocks:
            block.exact = block.exact and block.width == 33
        assert finished(painter, growing) == at_once(text, 33)


@pytest.mark.parametrize("kind", ["link-definitions", "quoted-definitions", "mixed-definitions", "footnotes"])
def test_definitions_cost_as_much_as_other_lines(kind: str) -> None:
    def cost(lines: int) -> float:
        painter = Painter(76, LOOKS)
        growing = GrowingMarkdown(painter)
        began = time.process_time()
        for index, piece in enumerate(chunked(AWKWARD[kind](lines), 40)):
            growing.feed(piece)
            if index % 100 == 0:
                growing.live()
        finished(painter, growing)
        return time.process_time() - began

    few, many = cost(500), cost(2_000)
    assert many < 8 * few + 0.1  # it was sixteen times as much, and 50 s


def test_definitions_in_the_middle_of_an_answer_take_effect_from_there_on() -> None:
    growing = GrowingMarkdown(Painter(76, LOOKS))
    growing.feed("[a]: https://a.example\n[b]: https://b.example\n\n[a] is known.\n\n")
    assert [[text for text, _ in line] for line in lines_of(growing.blocks)] == []
    assert ["".join(text for text, _ in line) for line in growing.live()] == ["a (https://a.example) is known."]
