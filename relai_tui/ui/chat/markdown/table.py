"""Tables: columns as wide as their content, capped so that the whole fits; where nothing fits, each row as a list."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import takewhile, zip_longest
from typing import TYPE_CHECKING

from relai_tui.ui.chat.markdown.definitions import Parsed
from relai_tui.ui.chat.markdown.inline import InlinePainter
from relai_tui.ui.chat.markdown.looks import SKIPPED, TEXT, Looks
from relai_tui.ui.chat.markdown.memory import Memory
from relai_tui.ui.chat.markdown.wrap import Line, Run, cells

if TYPE_CHECKING:
    from markdown_it.token import Token

NARROWEST = 4
"""Cells a column must have, or all its content; with less, a table is drawn row by row as a list."""


def fitted(natural: Sequence[int], width: int) -> list[int] | None:
    """The columns' widths within `width` cells, the widest ones cut first. None: there is no room for columns."""
    room = width - 3 * len(natural) - 1
    if sum(natural) <= room:
        return list(natural)
    if sum(min(size, NARROWEST) for size in natural) > room:
        return None
    low, high = NARROWEST, max(natural)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if sum(min(size, middle) for size in natural) <= room else (low, middle - 1)
    return [min(size, low) for size in natural]


def hopeless(columns: int, width: int) -> bool:
    """Whether there is no room for so many columns, whatever is in them."""
    return fitted([2] * columns, width) is None


class Table:
    """A table, or some of its rows."""

    def __init__(
        self,
        tokens: "Sequence[Token]",
        width: int,
        references: Parsed,
        *,
        inline: InlinePainter,
        looks: Looks,
        memory: Memory,
        natural: Sequence[int] | None = None,
    ) -> None:
        """Read the tokens of one table. `natural`: widths the columns were given before, which they keep."""
        rows = [_cells_of(tokens[index + 1 :]) for index, token in enumerate(tokens) if token.type == "tr_open"]
        self.head, self.data = rows[0], rows[1:]
        self._aligned = [str(token.attrGet("style") or "")[11:] for token in tokens if token.type == "th_open"]
        self._width, self._references = width, references
        self._inline, self._memory = inline, memory
        listed = hopeless(len(self.head), width)
        self.natural = [
            2 if listed else max(2, *(inline.width(text, references) for text in column))
            for column in zip_longest(self.head, *self.data, fillvalue="")
        ]
        """The cells each column would like."""
        self.widths = fitted(natural or self.natural, width)
        """The cells each column has; None when rows are drawn as lists."""
        self._rule, self._head = looks.named("rule"), looks.named("head")
        self._hidden = looks.named("rule", copied=SKIPPED)
        self._bar: Run = ("│", looks.named("rule", copied="|"))
        self._space: Run = (" ", TEXT)
        self._pad = looks.named("text", copied="")
        self._dashes = [looks.named("rule", copied=_delimiter(align)) for align in self._aligned]

    def top(self) -> Iterator[Line]:
        """What stands above the rows."""
        if self.widths is None:
            return
        yield self._border("┌", "┬", "┐")
        yield from self._row(self.head, self._head)
        middle: Line = [("├", self._bar[1])]
        for index, (width, dashes) in enumerate(zip(self.widths, self._dashes, strict=True)):
            middle += [("─" * (width + 2), dashes), ("┼" if index + 1 < len(self.widths) else "┤", self._bar[1])]
        yield middle

    def body(self) -> Iterator[Line]:
        """The rows."""
        for row in self.data:
            if self.widths is None:
                yield from self._list(row)
            else:
                key = ("row", *row, *self.widths, *self._aligned, self._references.key("".join(row)))
                yield from self._memory.recall(key, partial(self._drawn, row))

    def bottom(self) -> Iterator[Line]:
        """What stands below the rows."""
        if self.widths is not None:
            yield self._border("└", "┴", "┘")
        else:
            yield [("─" * self._width, self._hidden)]

    def _border(self, left: str, middle: str, right: str) -> Line:
        return [(left + middle.join("─" * (width + 2) for width in self.widths or ()) + right, self._hidden)]

    def _drawn(self, row: Sequence[str]) -> list[Line]:
        return list(self._row(row, TEXT))

    def _row(self, row: Sequence[str], base: int) -> Iterator[Line]:
        widths = self.widths or []
        columns = [
            list(self._inline.flow(text, width, base, self._references))
            for text, width in zip(row, widths, strict=True)
        ]
        for y in range(max(1, *map(len, columns))):
            line: Line = [self._bar]
            for column, width, aligned in zip(columns, widths, self._aligned, strict=True):
                cell = [run for run in column[y] if run[0]] if y < len(column) else []
                free = width - cells(cell)
                left = free if aligned == "right" else free // 2 if aligned == "center" else 0
                line += [(" " * left, self._pad), self._space, *cell, self._space, (" " * (free - left), self._pad)]
                line.append(self._bar)
            yield [run for run in line if run[0]]

    def _list(self, row: Sequence[str]) -> Iterator[Line]:
        yield [("─" * self._width, self._hidden)]
        for name, text in zip(self.head, row, strict=True):
            lead = [*self._inline.runs(name, self._head, self._references), (": ", self._head)] if name else []
            size = cells(lead)
            if size >= self._width // 2:
                yield from self._inline.flow(name, self._width, self._head, self._references)
                lead, size = [("  ", self._pad)], 2
            flowed = self._inline.flow(text, max(4, self._width - size), TEXT, self._references)
            first = True
            for line in flowed:
                yield [*lead, *line] if first else [(" " * size, self._pad), *line]
                first = False
            if first:
                yield lead


def _cells_of(tokens: "Sequence[Token]") -> list[str]:
    row = takewhile(lambda token: token.type != "tr_close", tokens)
    return [token.content for token in row if token.type == "inline"]


def _delimiter(aligned: str) -> str:
    return {"left": ":---", "right": "---:", "center": ":---:"}.get(aligned, "---")
