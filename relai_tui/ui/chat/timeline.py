"""All turns of a conversation, one above the other, and where each line of them is."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from relai_tui.ui.chat.entries import Entry, height_of
from relai_tui.ui.chat.markdown.growing import Block
from relai_tui.ui.chat.markdown.passage import Painter
from relai_tui.ui.chat.markdown.wrap import Packed


class Spot(NamedTuple):
    """What is on one line."""

    line: Packed
    entry: Entry
    row: int
    """Its line of the entry."""
    block: Block | None
    into: int
    """Its line of the block."""


class Place(NamedTuple):
    """A line, told in a way that survives redrawing."""

    entry: Entry
    block: Block | None
    """None for headings, footers and what is not opened."""
    into: int
    """Lines from the start of the block, else of the entry."""
    left: int
    """Lines from there to the end of the same."""
    lead: int
    """Lines of the entry's heading."""
    firm: bool
    """Whether it is drawn, not estimated."""


class Timeline:
    """The entries, newest last, and the line each starts at."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.starts: list[int] = []
        self._by_id: dict[str, Entry] = {}

    @property
    def height(self) -> int:
        """All lines."""
        return self.starts[-1] + self.entries[-1].height if self.entries else 0

    def find(self, turn_id: str | None) -> Entry | None:
        """The entry of a turn."""
        return self._by_id.get(turn_id) if turn_id is not None else None

    def clear(self) -> None:
        """No entries."""
        self.entries, self.starts = [], []
        self._by_id.clear()

    def append(self, entry: Entry) -> None:
        """One more at the end."""
        self.starts.append(self.height)
        self.entries.append(entry)
        self._by_id[entry.turn.id] = entry

    def prepend(self, entries: Sequence[Entry]) -> None:
        """More at the beginning."""
        self.entries[:0] = entries
        self._by_id.update((entry.turn.id, entry) for entry in entries)
        self.recount()

    def remove(self, entry: Entry) -> None:
        """One less."""
        self.entries.remove(entry)
        self._by_id.pop(entry.turn.id, None)
        self.recount()

    def recount(self, entry: Entry | None = None) -> None:
        """Entries changed their height: all, or this one."""
        if entry is None or len(self.starts) != len(self.entries):
            heights = [each.height for each in self.entries[:-1]]
            self.starts = list(accumulate(heights, initial=0)) if self.entries else []
            return
        following = self.entries.index(entry) + 1
        if following < len(self.starts):
            moved = self.starts[following - 1] + entry.height - self.starts[following]
            if moved:
                self.starts[following:] = [start + moved for start in self.starts[following:]]

    def at(self, y: int) -> int:
        """The index of the entry that line is in."""
        return max(0, bisect_right(self.starts, y) - 1)

    def start(self, entry: Entry) -> int:
        """The first line of an entry."""
        return self.starts[self.entries.index(entry)]

    def spot(self, y: int) -> Spot | None:
        """What is on a line; None outside."""
        if not 0 <= y < self.height:
            return None
        index = self.at(y)
        entry, start = self.entries[index], self.starts[index]
        packed, block, first = entry.line(y - start)
        return Spot(packed, entry, y - start, block, y - start - first)

    def place(self, y: int) -> Place | None:
        """That line, to be found again; None outside."""
        spot = self.spot(y)
        if spot is None:
            return None
        entry, block = spot.entry, spot.block
        if block is None:
            return Place(entry, None, spot.row, entry.height - spot.row, len(entry.lead), entry.opened)
        return Place(entry, block, spot.into, height_of(block) - spot.into, 0, bool(block.width))

    def find_place(self, place: Place) -> int | None:
        """The line where a place is now; None if it is gone."""
        entry, block = place.entry, place.block
        if self.find(entry.turn.id) is not entry:
            return None
        start = self.start(entry)
        whole = max(1, place.into + place.left)
        if block is not None and block in entry.blocks:
            first, end = entry.block_range(block)
            return start + first + min(place.into * (end - first) // whole, max(0, end - first - 1))
        if block is not None or not place.firm:
            return start + place.into * entry.height // whole
        if place.into < place.lead or entry.live:
            return start + min(place.into, max(0, entry.height - 1))
        return start + max(0, entry.height - place.left)

    def to_draw(self, top: int, bottom: int, painter: Painter) -> Iterator[tuple[Entry, Block | None]]:
        """What is to be drawn between two lines, from the top: blocks, or None for an entry that is not opened."""
        if not self.entries:
            return
        for index in range(self.at(top), len(self.entries)):
            entry, start = self.entries[index], self.starts[index]
            if start >= bottom:
                return
            if not entry.opened:
                yield entry, None
                continue
            for block in entry.between(top - start, bottom - start):
                if entry.stale(block, painter):
                    yield entry, block
