"""Readings of the balance as points to plot: to scale in time, at most one a column, nothing where nothing was read."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from relai_tui.spending_records import KeptReading

TOP_UP = 10_000
"""Micro-dollars: a rise from here on is a top-up or a refund, and no correction."""
_SILENCE = 900.0
"""Seconds without a reading that are still no gap: three intervals."""


@dataclass(frozen=True, slots=True)
class Series:
    """What is plotted from `start` to `end`, Unix times in seconds."""

    points: tuple[tuple[float, int | None], ...]
    """Moments and micro-dollars, in order; None begins a gap."""
    top_ups: tuple[tuple[float, int], ...]
    """When the balance rose, and by how many micro-dollars."""
    start: float
    end: float


def series(readings: Sequence[KeptReading], start: float, end: float, columns: int) -> Series:
    """The series of readings of one profile, oldest first, in so many columns.

    Of each column it keeps the last reading. Where none was made for longer than two columns, and than a quarter of an
    hour, there is a gap. Times before `start` and after `end` are left out, whatever the clock did.
    """
    if end <= start or columns < 1:
        return Series((), (), start, end)
    first = bisect_left(readings, start, key=_moment)
    last = bisect_right(readings, end, lo=first, key=_moment)
    size = (end - start) / columns
    longest = max(2 * size, _SILENCE)
    points: list[tuple[float, int | None]] = []
    before: float | None = None
    place = first
    while place < last:
        column = int((readings[place].as_of - start) / size)
        after = bisect_left(readings, start + (column + 1) * size, lo=place, hi=last, key=_moment)
        after = max(after, place + 1)
        shown = readings[after - 1]
        if before is not None and readings[place].as_of - before > longest:
            points.append(((before + readings[place].as_of) / 2, None))
        points.append((shown.as_of, shown.micro))
        before, place = shown.as_of, after
    return Series(tuple(points), tuple(_rises(readings, max(1, first), last)), start, end)


def _rises(readings: Sequence[KeptReading], first: int, last: int) -> list[tuple[float, int]]:
    found = []
    for place in range(first, last):
        rise = readings[place].micro - readings[place - 1].micro
        if rise >= TOP_UP:
            found.append((readings[place].as_of, rise))
    return found


def _moment(reading: KeptReading) -> float:
    return reading.as_of
