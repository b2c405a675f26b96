"""What was spent, hour by hour, and at which hours of the day and the week: the rhythm of an account. Pure.

An hour here is 60 minutes back from the newest reading, and is of the kind that its middle falls in, by this machine's
clock. Amounts are micro-dollars, and not whole ones: no money is kept here, these are paces.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from relai_tui.balance.steps import Step, StepKind
from relai_tui.moments import DAY, HOUR

HOURS = 24
DAYS = 21
"""Days that are looked back."""
LONGEST = DAYS * DAY

_WEEKEND = (1.0, 1.5)
"""What is thought of weekends before one was seen: so many grains spent of so many on a working day."""
_BUSY_WEEKEND = 30.0
"""How much more than on a working day is at most taken to be spent at a weekend."""
_LITTLE = 0.1
"""The part of an hour that must have been read for it to tell what is usual."""
_TWICE = 6
"""Hours of the day that must have been seen twice, to be held against each other."""
_UNKNOWN_GRAIN = 2.0
"""The grain while there are hardly any hours to tell it from, in hours of the average."""
_LEAST_GRAIN = 0.02
"""The least grain, in hours of the average: nobody spends as evenly as a clock for long."""


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours that were read, the newest first."""

    spent: tuple[float, ...]
    seen: tuple[float, ...]
    """How much of each was read, 0 to 1."""
    kinds: tuple[int, ...]
    """See `kind_of`."""

    def __len__(self) -> int:
        return len(self.spent)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What is usual at each hour."""

    hourly: tuple[float, ...]
    """Micro-dollars of each hour of a working day."""
    grain: float
    """Micro-dollars that go at once: the hours vary as if the credits went in grains of this size."""
    weekend_spent: float
    weekend_as_working: float
    """What the same hours would have cost on working days."""

    @property
    def average(self) -> float:
        """Micro-dollars of an hour of a working day."""
        return sum(self.hourly) / HOURS

    @property
    def weekend(self) -> tuple[float, float]:
        """Of the gamma distribution of how much of a working day a weekend's costs: its shape, and its rate."""
        spent, working = _WEEKEND
        return spent + self.weekend_spent / self.grain, working + self.weekend_as_working / self.grain

    def expected(self, hours: Hours) -> list[float]:
        """What the read part of each hour usually costs."""
        shape, rate = self.weekend
        usual = (*self.hourly, *(hour * shape / rate for hour in self.hourly))
        return [seen * usual[kind] for seen, kind in zip(hours.seen, hours.kinds, strict=True)]


def kind_of(at: float) -> int:
    """The kind of hour of a Unix time: 0 to 23 on working days, 24 to 47 on Saturdays and Sundays."""
    moment = datetime.fromtimestamp(at)  # noqa: DTZ006 - weekends are those of this machine
    return moment.hour + (HOURS if moment.weekday() >= 5 else 0)


def hours_of(all_steps: Sequence[Step], end: float) -> Hours:
    """The hours of these steps, which end at `end`; there is at least one step."""
    count = min(DAYS * HOURS, int((end - all_steps[0].start.as_of) // HOUR) + 1)
    spent, seen = [0.0] * count, [0.0] * count
    for step in all_steps:
        if step.kind in (StepKind.CLOCK, StepKind.TOP_UP):
            continue
        early, late = end - step.end.as_of, end - step.start.as_of
        fall, seconds = step.spent, late - early
        for hour in range(int(early // HOUR), min(int(late // HOUR), count - 1) + 1):
            part = min(late, (hour + 1) * HOUR) - max(early, hour * HOUR)
            if part > 0:
                spent[hour] += fall * part / seconds
                seen[hour] += part / HOUR
    return Hours(tuple(spent), tuple(seen), tuple(kind_of(end - (hour + 0.5) * HOUR) for hour in range(count)))


def rhythm_of(hours: Hours) -> Rhythm | None:
    """What is usual at each hour; None when nothing was spent.

    Working days and weekends have the same hours, but not the same pace. An hour of the day that was seen seldom counts
    as the average hour, in part: the more so the coarser the grain.
    """
    spent, seen, squares, count = ([0.0] * 2 * HOURS for _ in range(4))
    for cost, read, kind in zip(hours.spent, hours.seen, hours.kinds, strict=True):
        if read > _LITTLE:
            spent[kind] += cost
            seen[kind] += read
            squares[kind] += cost * cost / read
            count[kind] += 1
    average, ratio = _averages(spent, seen)
    if average <= 0:
        return None
    grain = max(_LEAST_GRAIN * average, _grain(spent, seen, squares, count, average))
    doubt = min(float(HOURS), grain / average)
    hourly = [
        (spent[hour] + spent[hour + HOURS] + doubt * average) / (seen[hour] + ratio * seen[hour + HOURS] + doubt)
        for hour in range(HOURS)
    ]
    as_working = sum(usual * read for usual, read in zip(hourly, seen[HOURS:], strict=True))
    return Rhythm(tuple(hourly), grain, sum(spent[HOURS:]), as_working)


def _averages(spent: Sequence[float], seen: Sequence[float]) -> tuple[float, float]:
    """What an hour of a working day costs, and what one of a weekend does beside it."""
    working, weekend = (
        sum(spent[days]) / max(1e-9, sum(seen[days])) for days in (slice(0, HOURS), slice(HOURS, 2 * HOURS))
    )
    if sum(seen[:HOURS]) < HOURS:  # no working day yet: all days count as one
        return sum(spent) / max(1e-9, sum(seen)), 1.0
    working = max(working, weekend / _BUSY_WEEKEND)
    return working, weekend / working if working else 1.0


def _grain(
    spent: Sequence[float], seen: Sequence[float], squares: Sequence[float], count: Sequence[float], average: float
) -> float:
    """How far the hours lie from the usual one: the mean of their squared distance over the usual.

    Of each kind of hour there are the sums of what was spent and read, and of the squares of what was spent over what
    was read; the sum of the distances follows from these.
    """
    twice = [kind for kind in range(2 * HOURS) if seen[kind] > 1.01 and spent[kind] > 0]
    alike = sum(count[kind] for kind in twice)
    if alike >= _TWICE:
        apart = (
            (squares[kind] * seen[kind] / spent[kind] - spent[kind]) * seen[kind] / (seen[kind] - 1) for kind in twice
        )
        return sum(apart) / alike
    if sum(count) > 2:
        return (sum(squares) / average - 2 * sum(spent) + average * sum(seen)) / sum(count)
    return _UNKNOWN_GRAIN * average
