"""A table of money: a line-API widget, so that a hundred thousand rows cost what a screenful costs.

It is told how many rows there are and holds those it was given; for a row it lacks it draws a placeholder and asks for
the rows in sight, once (`Wanted`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from relai_tui.text import visible

_GAP, _MARGIN = 2, 1
_LEAST_BAR = 8


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    id: str
    title: str
    width: int
    """Cells. For the one that grows: the fewest."""
    right: bool = False
    grows: bool = False
    """Takes what the others leave, up to what its longest text needs."""
    keep: int = 9
    """The columns with the smallest go first where there is no room; those of 9 stay."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row: its cells in the columns' order, each with the name of its look, and how long its bar is."""

    id: str
    cells: tuple[tuple[str, str], ...]
    share: int = 0
    """Of 1,000, for the bar; 0 draws none."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a table shows, replaced whole."""

    columns: tuple[Column, ...] = ()
    total: int | None = None
    """How many rows there are; None while that is not known: a skeleton is drawn."""
    rows: Mapping[int, Row] = field(default_factory=dict)
    """Those at hand, by their place."""
    sorted_by: str | None = None
    """The id of a column."""
    descending: bool = True
    bars: bool = False
    nothing: str = ""
    """What is said where there are no rows."""


class MoneyTable(ScrollView, can_focus=True):
    """Rows of money, one a line, with a cursor and, where wanted, a bar beside each."""

    HELP = (
        "What was spent, and on what. ↑↓ move, ←→ or a letter change what is listed, Enter lists the requests\n"
        "behind a row, s sorts by the next column; a click on a column's head sorts by it."
    )
    COMPONENT_CLASSES: ClassVar = {
        "money--head", "money--cursor", "money--faint", "money--good", "money--warn", "money--bad", "money--bar",
        "money--strong",
    }  # fmt: skip
    DEFAULT_CSS = """
    MoneyTable {
        height: 1fr; background: $background; scrollbar-size-vertical: 1; overflow-x: hidden;
        & .money--head { color: $foreground 60%; text-style: bold; background: $surface; }
        & .money--cursor { background: $panel; }
        &:focus .money--cursor { background: $primary 30%; }
        & .money--faint { color: $foreground 50%; }
        & .money--strong { color: $foreground; text-style: bold; }
        & .money--good { color: $text-success; }
        & .money--warn { color: $text-warning; }
        & .money--bad { color: $text-error; }
        & .money--bar { color: $primary; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "move(-1000000)", show=False),
        Binding("end", "move(1000000)", show=False),
    ]

    class Opened(Message):
        """Enter, or a click on the row under the cursor."""

    class SortWanted(Message):
        """A click on a column's head."""

        def __init__(self, column: str) -> None:
            super().__init__()
            self.column = column

    class Wanted(Message):
        """Rows in sight are not at hand."""

        def __init__(self, first: int, count: int) -> None:
            super().__init__()
            self.first, self.count = first, count

    def __init__(self) -> None:
        super().__init__()
        self._shown = Shown()
        self._cursor = 0
        self._columns: tuple[tuple[int, Column, int], ...] = ()
        self._bar = 0
        self._asked: tuple[int, int] | None = None

    @property
    def highlighted(self) -> Row | None:
        """The row under the cursor, where it is at hand."""
        return self._shown.rows.get(self._cursor)

    def show(self, shown: Shown, *, anew: bool = False) -> None:
        """Show this instead. The cursor stays on its row; `anew` it begins at the top."""
        before = None if anew else self.highlighted
        self._shown, self._asked = shown, None
        last = max(0, (shown.total or 0) - 1)
        if anew:
            self._cursor = 0
            self.scroll_to(y=0, animate=False, immediate=True, force=True)
        else:
            places = (place for place, row in shown.rows.items() if before and row.id == before.id)
            self._cursor = next(places, min(self._cursor, last))
        self._measure()
        self._keep_cursor_in_sight()
        self._ask_for_rows()
        self.refresh()

    def on_resize(self, event: events.Resize) -> None:
        """Other columns fit."""
        del event
        self._measure()
        self._keep_cursor_in_sight()
        self._ask_for_rows()
        self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Other rows are in sight."""
        super().watch_scroll_y(old_value, new_value)
        self._ask_for_rows()

    def _ask_for_rows(self) -> None:
        first, count = round(self.scroll_y), max(1, self.size.height - 1)
        last = min(first + count, self._shown.total or 0)
        if all(place in self._shown.rows for place in range(first, last)) or self._asked == (first, count):
            return
        self._asked = (first, count)
        self.post_message(self.Wanted(first, count))

    def _measure(self) -> None:
        """Which columns fit, how wide each is, and what is left for the bar."""
        self.virtual_size = Size(0, (self._shown.total or 0) + 1)
        scrolls = (self._shown.total or 0) + 1 > self.outer_size.height  # the bar comes only with the next layout
        width = self.outer_size.width - (self.styles.scrollbar_size_vertical if scrolls else 0) - 2 * _MARGIN
        columns = list(enumerate(self._shown.columns))
        least_bar = _LEAST_BAR + _GAP if self._shown.bars else 0
        while sum(column.width + _GAP for _, column in columns) - _GAP + least_bar > width:
            least = min(columns, key=lambda each: each[1].keep, default=None)
            if least_bar and (least is None or least[1].keep >= 5):
                least_bar = 0  # the bar goes before what is important
            elif least is None or least[1].keep >= 9:
                break
            else:
                columns.remove(least)
        spare = width - least_bar - sum(column.width + _GAP for _, column in columns) + _GAP
        sizes = {}
        for index, column in columns:
            longest = max((cell_len(row.cells[index][0]) for row in self._shown.rows.values()), default=24)
            wish = max(0, longest - column.width)  # beside bars, which need room to differ
            grown = column.width + (min(spare // 2, wish) if least_bar else spare)
            sizes[index] = max(4, grown) if column.grows else column.width
        self._columns = tuple((index, column, sizes[index]) for index, column in columns)
        used = sum(sizes.values()) + _GAP * len(sizes)
        self._bar = min(48, width - used) if least_bar else 0

    # -- drawing

    def render_line(self, y: int) -> Strip:
        """The head, a row, or nothing."""
        width, base = self.size.width, self.rich_style
        if y == 0:
            return Strip(list(self._head(width))).adjust_cell_length(width).apply_style(base)
        place, total = y - 1 + round(self.scroll_y), self._shown.total
        segments: list[Segment] = []
        if total is None:
            segments = list(self._skeleton(place, 6))
        elif place < total:
            row = self._shown.rows.get(place)
            segments = list(self._line(row, place, width) if row else self._skeleton(place, total))
        elif place == 1 and not total:
            segments = [Segment(f"  {self._shown.nothing}", self._look("faint"))]
        return Strip(segments).adjust_cell_length(width, base).apply_style(base)

    def _look(self, name: str) -> Style:
        """The colour of text, as it is on our background: a partial style would ignore how transparent it is."""
        whole = self.get_component_rich_style(f"money--{name}")
        return Style(color=whole.color, bold=whole.bold)

    def _ground(self, name: str) -> Style:
        return Style(bgcolor=self.get_component_rich_style(f"money--{name}").bgcolor)

    def _head(self, width: int) -> Iterator[Segment]:
        style = self._look("head") + self._ground("head")
        line = " " * _MARGIN
        for _, column, size in self._columns:
            arrow = ("▾" if self._shown.descending else "▴") if column.id == self._shown.sorted_by else ""
            line += _fitted(f"{column.title.upper()}{arrow}", size, right=column.right) + " " * _GAP
        yield Segment(_fitted(line.rstrip(), width), style)

    def _skeleton(self, place: int, lines: int) -> Iterator[Segment]:
        if place < lines:
            yield Segment(" " * _MARGIN)
            for _, column, size in self._columns:
                long = max(3, size - 2 - ((place * 5) % 9 if column.grows else 0))
                bar = "░" * long
                yield Segment(_fitted(bar, size, right=column.right) + " " * _GAP, self._look("faint"))

    def _line(self, row: Row, place: int, width: int) -> Iterator[Segment]:
        under = self._ground("cursor") if place == self._cursor else Style.null()
        yield Segment(" " * _MARGIN, under)
        at = _MARGIN
        for index, column, size in self._columns:
            text, look = row.cells[index]
            yield Segment(_fitted(text, size, right=column.right), (self._look(look) if look else Style.null()) + under)
            yield Segment(" " * _GAP, under)
            at += size + _GAP
        if self._bar:
            yield Segment(_fitted(bar_of(row.share, self._bar), self._bar), self._look("bar") + under)
            at += self._bar
        yield Segment(" " * max(0, width - at), under)

    # -- moving

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        wanted = max(0, min(self._cursor + by, (self._shown.total or 0) - 1))
        if wanted != self._cursor:
            self._cursor = wanted
            self.refresh()
        self._keep_cursor_in_sight()

    def action_page(self, by: int) -> None:
        """Move the cursor by a screenful."""
        self.action_move(by * max(1, self.size.height - 2))

    def _keep_cursor_in_sight(self) -> None:
        height, top = max(1, self.size.height - 1), round(self.scroll_y)
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False, immediate=True, force=True)
        elif self._cursor >= top + height:
            self.scroll_to(y=self._cursor - height + 1, animate=False, immediate=True, force=True)

    def on_click(self, event: events.Click) -> None:
        """Sort by a column, or go to a row; a second click opens it."""
        event.stop()
        if event.y == 0:
            at = _MARGIN
            for _, column, size in self._columns:
                if at <= event.x < at + size + _GAP:
                    self.post_message(self.SortWanted(column.id))
                at += size + _GAP
            return
        place = event.y - 1 + round(self.scroll_y)
        if place >= (self._shown.total or 0):
            return
        if place == self._cursor:
            self.post_message(self.Opened())
        else:
            self.action_move(place - self._cursor)


def bar_of(share: int, width: int) -> str:
    """A bar of `share` thousandths of so many cells, in halves of a cell; what is not nothing shows."""
    halves = max(1, share * width * 2 // 1_000) if share > 0 else 0
    return "━" * (halves // 2) + "╸" * (halves % 2)


def _fitted(text: str, width: int, *, right: bool = False) -> str:
    """The text in exactly so many cells; what is cut ends in an ellipsis."""
    text = visible(text).replace("\n", " ")
    length = cell_len(text)
    if length > width:
        return set_cell_size(set_cell_size(text, width - 1).rstrip() + "…", width)
    return " " * (width - length) + text if right else text + " " * (width - length)
