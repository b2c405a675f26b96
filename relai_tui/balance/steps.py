"""Readings of a balance as steps from one to the next. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from relai_tui.spending_records import KeptReading

GAP = 900.0
"""Seconds: a longer step is a gap, for the program reads at least every five minutes."""


class StepKind(StrEnum):
    """What a step says."""

    NORMAL = "normal"
    GAP = "gap"
    """So long that nobody knows when in it the credits were spent."""
    TOP_UP = "top-up"
    """The balance rose: what was spent meanwhile is not known."""
    CLOCK = "clock"
    """The clock did not go on: it says nothing."""


@dataclass(frozen=True, slots=True)
class Step:
    """From one reading to the next."""

    start: KeptReading
    end: KeptReading

    @property
    def seconds(self) -> float:
        """How long it took; never below 0."""
        return max(0.0, self.end.as_of - self.start.as_of)

    @property
    def spent(self) -> int:
        """Micro-dollars by which the balance fell; 0 where it rose or the clock did not go on."""
        return max(0, self.start.micro - self.end.micro) if self.end.as_of > self.start.as_of else 0

    @property
    def kind(self) -> StepKind:
        """What it says."""
        if self.end.as_of <= self.start.as_of:
            return StepKind.CLOCK
        if self.end.micro > self.start.micro:
            return StepKind.TOP_UP
        return StepKind.GAP if self.seconds > GAP else StepKind.NORMAL


def steps(readings: Sequence[KeptReading]) -> tuple[Step, ...]:
    """The steps between readings of one profile, oldest first."""
    return tuple(map(Step, readings, readings[1:]))


def recent(readings: Sequence[KeptReading], now: float, seconds: float) -> Sequence[KeptReading]:
    """The readings of the last so many seconds before the newest; those of a clock that ran ahead are left out."""
    end = bisect_right(readings, now + 60, key=_moment)
    if not end:
        return ()
    return readings[bisect_left(readings, readings[end - 1].as_of - seconds, hi=end, key=_moment) : end]


def coarser(readings: Sequence[KeptReading], seconds: float) -> Sequence[KeptReading]:
    """At most one reading in so many seconds, with all rises: what is summed by the hour needs no more."""
    kept: list[KeptReading] = []
    before: KeptReading | None = None
    for reading in readings:
        if before is None or reading.micro > before.micro:
            if before is not None and kept[-1] is not before:
                kept.append(before)
            kept.append(reading)
        elif reading.as_of - kept[-1].as_of >= seconds:
            kept.append(reading)
        before = reading
    if before is not None and kept[-1] is not before:
        kept.append(before)
    return kept


def _moment(reading: KeptReading) -> float:
    return reading.as_of
