"""How fast the credits burn and how long they last: told as a range, with what it was got from. Pure.

Readings of a balance are steps. A step that rises holds a top-up, and says nothing of what was spent in it; a long one
is a gap, whose fall was spent at a time nobody knows. The last three weeks of steps become hours, whose rhythm is
learned (`hours`); the newest are weighed as a change of pace (`pace_changes`); and futures are drawn that go on from
there (`outlook`): the range holds the depletion of more than nine of ten of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum
from itertools import pairwise

from relai_tui.balance.hours import HOURS, LONGEST, hours_of
from relai_tui.balance.outlook import depletion
from relai_tui.balance.pace_changes import Pattern, pattern_of
from relai_tui.balance.steps import Step, StepKind, coarser, recent, steps
from relai_tui.moments import DAY, HOUR
from relai_tui.spending_records import KeptReading, LedgerRecord
from relai_tui.text import CleanLine, clean_line

__all__ = ["Forecast", "Pace", "Step", "StepKind", "forecast", "forecast_words", "found_top_ups", "steps", "trend"]

LEAST_SPAN = 20 * 60.0
"""Seconds of readings, and `LEAST_STEPS` of them that fell, before anything is told."""
LEAST_STEPS = 3
COARSE = 240.0
"""Seconds between the readings that are looked at; one a minute would take five times as long and tell no more."""
IDLE_AFTER = 7 * DAY
"""Seconds without any spending after which it is said that nothing is spent."""
TOP_UP = 10_000
"""Micro-dollars: a rise from here on is told as a top-up or a refund."""
BY_THE_DAY = 2 * DAY
"""Seconds of runway from which the pace is told by the day: hours differ within one."""
DATED = 60 * DAY
"""Seconds from now beyond which no date is told."""


class Pace(StrEnum):
    """What can be said of the pace."""

    GATHERING = "gathering"
    """Too little is known yet."""
    IDLE = "idle"
    """Nothing is spent."""
    BURNING = "burning"


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the readings tell of the pace and of the end. Micro-dollars, Unix times, seconds; None is not known."""

    pace: Pace
    balance_micro: int | None
    as_of: float | None
    """When the balance was read."""
    per_hour_micro: int | None
    """What an hour costs on average until the credits are gone: they last from `earliest` to `latest` at this rate."""
    per_day_micro: int | None
    """What a day costs since the pace last changed, by the rhythm of the window."""
    window: float
    """Seconds of readings this is from."""
    earliest: float | None
    """When the credits are gone at the soonest."""
    latest: float | None
    """The same at the latest; None where only the soonest can be told."""

    @property
    def rate(self) -> tuple[int, str] | None:
        """The one pace to show, that of the runway: micro-dollars, and "an hour" or "a day" as suits its length."""
        runway = self.runway_seconds
        if self.per_hour_micro is None or runway is None:
            return None
        return (self.per_hour_micro * 24, "a day") if runway >= BY_THE_DAY else (self.per_hour_micro, "an hour")

    @property
    def runway_seconds(self) -> float | None:
        """Seconds from the reading until the credits are gone at the soonest."""
        if self.earliest is None or self.as_of is None:
            return None
        return max(0.0, self.earliest - self.as_of)


def forecast(readings: Sequence[KeptReading], now: float) -> Forecast:
    """What readings of one profile tell, oldest first. Looks at the last three weeks, however many there are."""
    known = coarser(recent(readings, now, LONGEST), COARSE)
    if not known:
        return Forecast(Pace.GATHERING, None, None, None, None, 0.0, None, None)
    last, span = known[-1], known[-1].as_of - known[0].as_of
    all_steps = steps(known)
    fell = [step.end.as_of for step in all_steps if step.spent > 0]

    def told(pace: Pace, pattern: Pattern | None = None, ends: tuple[float, float, float] | None = None) -> Forecast:
        per_day = pattern.per_day_micro if pattern else None
        window = min(span, pattern.likeliest.hours * HOUR) if pattern else span
        earliest, middle, latest = ends or (None, None, None)
        per_hour = None
        if middle is not None and per_day is not None:
            runway = middle - last.as_of
            per_hour = round(last.micro * HOUR / runway) if runway > 0 else per_day // 24
        return Forecast(pace, last.micro, last.as_of, per_hour, per_day, window, earliest, latest)

    if not fell and span >= DAY:
        return told(Pace.IDLE)
    if span < LEAST_SPAN or len(fell) < LEAST_STEPS:
        return told(Pace.GATHERING)
    hours = hours_of(all_steps, last.as_of)
    pattern = pattern_of(hours)
    if pattern is None or last.as_of - fell[-1] >= IDLE_AFTER:
        return told(Pace.IDLE, pattern)
    return told(Pace.BURNING, pattern, depletion(pattern, hours, last.micro, last.as_of))


def found_top_ups(readings: Sequence[KeptReading]) -> tuple[LedgerRecord, ...]:
    """The rises between readings of one profile (oldest first) that are top-ups or refunds, oldest first."""
    return tuple(
        LedgerRecord(
            id=clean_line(f"found_{later.as_of:.0f}"),
            at=later.as_of,
            delta_micro=later.micro - earlier.micro,
            reason=clean_line("top-up or refund"),
            reference=None,
            found=True,
        )
        for earlier, later in _pairs(readings)
        if later.micro - earlier.micro >= TOP_UP
    )


def trend(readings: Sequence[KeptReading], now: float) -> int:
    """Whether the balance fell (-1) or rose (1) over the last hour, or neither (0)."""
    known = recent(readings, now, HOUR)
    if len(known) < 2:
        return 0
    moved = known[-1].micro - known[0].micro
    return (moved > 0) - (moved < 0)


def forecast_words(told: Forecast, now: float, zone: tzinfo | None = None) -> CleanLine:
    """The forecast as a person would say it; times are of `zone`, None for this machine's."""
    if told.pace is Pace.GATHERING:
        if told.as_of is None:
            return clean_line("no reading yet")
        return clean_line(f"gathering: {_length(told.window)} of readings so far" if told.window else "gathering")
    if told.pace is Pace.IDLE or told.earliest is None:
        return clean_line(f"idle: nothing was spent in the last {_length(min(told.window, IDLE_AFTER))}")
    if (told.balance_micro or 0) <= 0:
        return clean_line("used up")
    basis = f"at the pace of the last {_length(told.window)}"
    if told.earliest - now > DATED:
        return clean_line(f"more than {int((told.earliest - now) // DAY)} days, {basis}")
    begin = _moment(told.earliest, now, zone)
    if told.latest is None:
        return clean_line(f"out not before {begin}, {basis}")
    if told.latest - now > DATED:
        return clean_line(f"out after {begin}, in more than {int(DATED // DAY)} days at the latest, {basis}")
    end = _moment(told.latest, now, zone)
    when = f"out about {begin}" if begin == end else f"out between {begin} and {end}"
    return clean_line(f"{when}, {basis}")


def _pairs(readings: Sequence[KeptReading]) -> Iterator[tuple[KeptReading, KeptReading]]:
    return pairwise(readings)


def _length(seconds: float) -> str:
    if seconds < 2 * HOUR:
        return f"{max(1, round(seconds / 60))} min"
    if seconds < 2 * DAY:
        return f"{round(seconds / HOUR)} h"
    return f"{round(seconds / DAY)} days"


def _moment(at: float, now: float, zone: tzinfo | None) -> str:
    """`14:20` today, `tomorrow 09:00`, `Tuesday 14:00`, `Thursday` within a week, then `12 December`."""
    moment, here = datetime.fromtimestamp(at, zone), datetime.fromtimestamp(now, zone)
    days = (moment.date() - here.date()).days
    if days <= 1:
        clock = f"{moment:%H:%M}" if at - now < 6 * HOUR else f"{moment:%H}:00"
        return clock if days <= 0 else f"tomorrow {clock}"
    if at - now < HOURS * HOUR * 3:
        return f"{moment:%A} {moment:%H}:00"
    if days < 7:
        return f"{moment:%A}"
    return f"{moment.day} {moment:%B}"
