"""The list of keys: a line-API widget, so that thousands cost what a screenful costs. It keeps its place by row id."""

from collections.abc import Iterator
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

from relai_tui.keys.listing import Column, Held, KeyRow
from relai_tui.moments import age
from relai_tui.text import visible

_LEAST_NAME = 18
_WIDTHS = {
    Column.REGION: 6,
    Column.SCOPE: 8,
    Column.RPM: 6,
    Column.CREATED: 8,
    Column.LAST_USED: 15,
    Column.STATE: 13,
}
_GIVEN_UP = (Column.REGION, Column.SCOPE, Column.CREATED, Column.RPM, Column.PREFIX, Column.STATE)
"""The columns that are left out where there is no room, in this order."""
_RIGHT = (Column.RPM, Column.CREATED)
_GAP = 2


@dataclass(frozen=True, slots=True)
class Shown:
    """What the table shows, replaced whole."""

    rows: tuple[KeyRow, ...] | None = None
    """None while the list is on its way: a skeleton is drawn."""
    now: float = 0.0
    """Unix time in seconds that ages are told by."""
    marked: frozenset[str] = field(default_factory=frozenset)
    """Ids."""
    column: Column = Column.LAST_USED
    descending: bool = True
    scopes: bool = False
    """Whether there is a column for them."""
    nothing: str = ""
    """What is said where there are no rows."""


class KeyTable(ScrollView, can_focus=True):
    """Keys, one a line, with a cursor that stays on its key whatever comes and goes."""

    HELP = (
        "The keys of the account. ↑↓ move, Enter shows all that is known of a key, Space marks it, / filters.\n"
        "Click a column's head to sort by it."
    )
    COMPONENT_CLASSES: ClassVar = {
        "keys--head", "keys--cursor", "keys--faint", "keys--good", "keys--warn", "keys--bad", "keys--mark",
    }  # fmt: skip
    DEFAULT_CSS = """
    KeyTable {
        height: 1fr; background: $background; scrollbar-size-vertical: 1; overflow-x: hidden;
        & .keys--head { color: $foreground 60%; text-style: bold; background: $surface; }
        & .keys--cursor { background: $panel; }
        &:focus .keys--cursor { background: $primary 30%; }
        & .keys--faint { color: $foreground 50%; }
        & .keys--good { color: $text-success; }
        & .keys--warn { color: $text-warning; }
        & .keys--bad { color: $text-error; }
        & .keys--mark { color: $text-accent; text-style: bold; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home,g", "move(-1000000)", show=False),
        Binding("end,G", "move(1000000)", show=False),
    ]

    class Highlighted(Message):
        """The cursor is on another key; None where there is none."""

        def __init__(self, row: KeyRow | None) -> None:
            super().__init__()
            self.row = row

    class Opened(Message):
        """Enter, or a click on the key under the cursor."""

    class SortWanted(Message):
        """A click on a column's head."""

        def __init__(self, column: Column) -> None:
            super().__init__()
            self.column = column

    def __init__(self) -> None:
        super().__init__()
        self._shown = Shown()
        self._cursor = 0
        self._columns: tuple[tuple[Column, int], ...] = ()

    @property
    def highlighted(self) -> KeyRow | None:
        """The key under the cursor."""
        rows = self._shown.rows
        return rows[self._cursor] if rows else None

    def show(self, shown: Shown) -> None:
        """Show this instead. The cursor stays on its key, and the key where it is on the screen."""
        before, old_rows = self.highlighted, self._shown.rows or ()
        seen = self._cursor - round(self.scroll_y)
        if not 0 <= seen < max(1, self.size.height - 1):  # scrolled away from the cursor: the top line stays instead
            top = min(round(self.scroll_y), len(old_rows) - 1)
            anchor, seen = (old_rows[top].id if old_rows else None), 0
        else:
            anchor = before.id if before else None
        self._shown = shown
        rows = shown.rows or ()
        places = {row.id: index for index, row in enumerate(rows)}
        kept = places.get(before.id) if before else None
        self._cursor = kept if kept is not None else max(0, min(self._cursor, len(rows) - 1))
        self._measure()
        place = places.get(anchor) if anchor else None
        if place is not None:
            self.scroll_to(y=max(0, place - seen), animate=False, immediate=True, force=True)
        else:
            self._keep_cursor_in_sight()
        self.refresh()
        if self.highlighted != before:
            self.post_message(self.Highlighted(self.highlighted))

    def on_resize(self, event: events.Resize) -> None:
        """Other columns fit."""
        del event
        self._measure()
        self._keep_cursor_in_sight()
        self.refresh()

    def _measure(self) -> None:
        rows = self._shown.rows or ()
        self.virtual_size = Size(0, len(rows) + 1)
        prefix = max((cell_len(row.key.prefix or "") for row in rows[:2_000]), default=9)
        widths = _WIDTHS | {Column.PREFIX: max(6, min(24, prefix))}
        gone: set[Column] = set() if self._shown.scopes else {Column.SCOPE}
        room = 0
        for leave_out in (None, *_GIVEN_UP):
            if leave_out is not None:
                gone.add(leave_out)
            fixed = sum(width + _GAP for column, width in widths.items() if column not in gone)
            room = self.scrollable_content_region.width - fixed - 3
            if room >= _LEAST_NAME:
                break
        names = max((cell_len(row.key.name) for row in rows[:2_000]), default=20)
        widths[Column.NAME] = max(4, min(room, max(names, 24)))
        self._columns = tuple((column, widths[column]) for column in Column if column not in gone)

    # -- drawing

    def render_line(self, y: int) -> Strip:
        """The head, or a key, or nothing."""
        width, base = self.size.width, self.rich_style
        if y == 0:
            return Strip(list(self._head(width))).adjust_cell_length(width).apply_style(base)
        index, rows = y - 1 + round(self.scroll_y), self._shown.rows
        if rows is None:
            segments = list(self._skeleton(index))
        elif index < len(rows):
            segments = list(self._line(rows[index], here=index == self._cursor, width=width))
        elif index == 1 and not rows:
            segments = [Segment(f"   {self._shown.nothing}", self._look("faint"))]
        else:
            segments = []
        return Strip(segments).adjust_cell_length(width, base).apply_style(base)

    def _look(self, name: str) -> Style:
        """The colour of text, as it is on our background: a partial style would ignore how transparent it is."""
        whole = self.get_component_rich_style(f"keys--{name}")
        return Style(color=whole.color, bold=whole.bold)

    def _ground(self, name: str) -> Style:
        return Style(bgcolor=self.get_component_rich_style(f"keys--{name}").bgcolor)

    def _head(self, width: int) -> Iterator[Segment]:
        style, at = self._look("head") + self._ground("head"), 3
        yield Segment("   ", style)
        for column, size in self._columns:
            arrow = ("▾" if self._shown.descending else "▴") if column is self._shown.column else ""
            yield Segment(_fitted(f"{column.value.upper()}{arrow}", size, right=column in _RIGHT) + " " * _GAP, style)
            at += size + _GAP
        yield Segment(" " * max(0, width - at), style)

    def _skeleton(self, index: int) -> Iterator[Segment]:
        if index < 8:
            yield Segment("   ")
            for column, size in self._columns:
                long = size if column is not Column.NAME else size - (index * 5) % 11
                yield Segment("░" * max(3, long - 3) + " " * (size - max(3, long - 3) + _GAP), self._look("faint"))

    def _line(self, row: KeyRow, *, here: bool, width: int) -> Iterator[Segment]:
        under = self._ground("cursor") if here else Style.null()
        marked = row.id in self._shown.marked
        mark = "✓" if marked else "●" if row.session is not Held.NO else " "
        tone = self._look("mark" if marked else "good")
        yield Segment(f" {mark} ", tone + under)
        at = 3
        for column, size in self._columns:
            text, look = self._cell(row, column)
            style = (self._look(look) if look else Style.null()) + under
            if row.revoked:
                style = self._look("faint") + under
            yield Segment(_fitted(text, size, right=column in _RIGHT) + " " * _GAP, style)
            at += size + _GAP
        yield Segment(" " * max(0, width - at), under)

    def _cell(self, row: KeyRow, column: Column) -> tuple[str, str]:
        key, now = row.key, self._shown.now
        match column:
            case Column.NAME:
                return (key.name, "") if key.name else ("without a name", "faint")
            case Column.PREFIX:
                return key.prefix or "—", "faint"
            case Column.REGION:
                return (key.region or "—").upper(), "faint"
            case Column.SCOPE:
                return key.scope or "—", "faint"
            case Column.RPM:
                return ("—" if key.rpm_limit is None else f"{key.rpm_limit:,}"), ""
            case Column.CREATED:
                return age(row.created, now), "faint"
            case Column.LAST_USED:
                used = row.last_used
                return (age(used, now), "") if used is not None else ("no recorded use", "faint")
            case Column.STATE:
                state = row.state(now)
                return state, _LOOKS.get(state.split(" ")[0], "faint")

    # -- moving

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        rows = self._shown.rows or ()
        wanted = max(0, min(self._cursor + by, len(rows) - 1))
        if rows and wanted != self._cursor:
            self._cursor = wanted
            self.refresh()
            self.post_message(self.Highlighted(self.highlighted))
        self._keep_cursor_in_sight()

    def action_page(self, by: int) -> None:
        """Move the cursor by a screenful."""
        self.action_move(by * max(1, self.size.height - 2))

    def place_on(self, key_id: str) -> bool:
        """Put the cursor on this key; False where it is not among those shown."""
        for index, row in enumerate(self._shown.rows or ()):
            if row.id == key_id:
                self.action_move(index - self._cursor)
                return True
        return False

    def _keep_cursor_in_sight(self) -> None:
        height = max(1, self.size.height - 1)
        top = round(self.scroll_y)
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False, immediate=True, force=True)
        elif self._cursor >= top + height:
            self.scroll_to(y=self._cursor - height + 1, animate=False, immediate=True, force=True)

    def on_click(self, event: events.Click) -> None:
        """Sort by a column, or go to a key; a second click opens it."""
        event.stop()
        if event.y == 0:
            at = 3
            for column, size in self._columns:
                if at <= event.x < at + size + _GAP:
                    self.post_message(self.SortWanted(column))
                at += size + _GAP
            return
        index = event.y - 1 + round(self.scroll_y)
        if index >= len(self._shown.rows or ()):
            return
        if index == self._cursor:
            self.post_message(self.Opened())
        else:
            self.action_move(index - self._cursor)


_LOOKS = {"this": "good", "in": "good", "new": "good", "stale": "warn", "unused": "warn", "revoked": "faint"}


def _fitted(text: str, width: int, *, right: bool = False) -> str:
    """The text in exactly so many cells; what is cut ends in an ellipsis."""
    text = visible(text).replace("\n", " ")
    length = cell_len(text)
    if length > width:
        return set_cell_size(set_cell_size(text, width - 1).rstrip() + "…", width)
    return " " * (width - length) + text if right else text + " " * (width - length)
