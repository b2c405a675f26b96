"""What was spent, hour by hour and day by day: what the coming days are likely to be like. Pure.

A day here is 24 hours that end at the time of day of the newest reading: the coming days fit to those that were.
Days are told apart by whether they begin and end on a working day: who rests at weekends does so again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from statistics import mean, median, stdev

from relai_tui.balance.steps import Step, StepKind
from relai_tui.moments import DAY, HOUR

HOURS = 24
DAYS = 21
"""Days that are looked back."""
LONGEST = DAYS * DAY
_SEEN = 0.4
"""The part of a day that must have been read for it to count."""
_BEYOND = 1.4
"""How far outside all that was before the days since must lie, to count as a change of pace."""

Kind = tuple[bool, bool]
"""Whether a day begins, and whether it ends, on a Saturday or Sunday."""


@dataclass(frozen=True, slots=True)
class Spell:
    """24 hours, as they were or as they would be at the pace of now."""

    kind: Kind
    hours: tuple[float, ...]
    """Micro-dollars in each hour. No money is kept here: these are paces."""
    back: int
    """How many days ago it ended."""

    @property
    def total(self) -> float:
        """Micro-dollars of the whole day."""
        return sum(self.hours)


@dataclass(frozen=True, slots=True)
class Pattern:
    """The days that the coming ones are drawn from."""

    spells: tuple[Spell, ...]
    """The newest first; at least one."""
    window: float
    """Seconds of readings since the pace last changed."""
    per_day_micro: int
    """What that window cost, a day."""
    whole_week: bool
    """Whether each kind of day was seen."""
    lately: float | None
    """The newest day beside the usual one of its kind; None where there is no usual one."""
    doubt: float
    """How unsure the pace is, as the spread of its logarithm: 0 where the days themselves show it."""


def pattern_of(all_steps: Sequence[Step], end: float) -> Pattern:
    """The pattern of these steps, which end at `end`; there is at least one."""
    spent, seen = _by_hour(all_steps, end)
    spells = _spells(spent, seen, end)
    reach = min(LONGEST, end - all_steps[0].start.as_of)
    if not spells:  # less than a day: its hours are all there is
        rate = sum(spent) / max(1.0, sum(seen)) if seen else 0.0
        spell = Spell(_kind(end, 0), (rate,) * HOURS, 0)
        return Pattern((spell,), reach, round(rate * HOURS), whole_week=False, lately=None, doubt=0.0)
    whole_week = len({spell.kind for spell in spells}) == 4
    since = _change(spells)
    if since is None:
        per_day = round(mean(spell.total for spell in spells))
        return Pattern(spells, reach, per_day, whole_week, _factor(spells[:1], spells[1:]), doubt=0.0)
    fresh, old = _without_change_day(spells[:since]), spells[since:]
    factor = _factor(fresh, old) or 0.0
    scaled = tuple(Spell(each.kind, tuple(hour * factor for hour in each.hours), each.back) for each in old)
    per_day = round(mean(spell.total for spell in fresh))
    days = (*fresh, *scaled) if factor else fresh
    return Pattern(days, since * DAY, per_day, whole_week, None, _doubt(old, factor, len(fresh)))


def _by_hour(all_steps: Sequence[Step], end: float) -> tuple[list[float], list[float]]:
    """What each hour back from the end cost, and how much of it was read (0 to 1); the newest hour first."""
    spent, seen = [0.0] * (DAYS * HOURS), [0.0] * (DAYS * HOURS)
    for step in all_steps:
        if step.kind in (StepKind.CLOCK, StepKind.TOP_UP):
            continue
        early, late = end - step.end.as_of, end - step.start.as_of
        first, last = int(early // HOUR), min(int(late // HOUR), len(spent) - 1)
        for hour in range(first, last + 1):
            part = min(late, (hour + 1) * HOUR) - max(early, hour * HOUR)
            if part > 0:
                spent[hour] += step.spent * part / (late - early)
                seen[hour] += part / HOUR
    return spent, seen


def _spells(spent: Sequence[float], seen: Sequence[float], end: float) -> tuple[Spell, ...]:
    """The days of which enough was read; hours that were not are as that hour is on other days of the kind."""
    enough = [back for back in range(DAYS) if sum(seen[back * HOURS : (back + 1) * HOURS]) >= _SEEN * HOURS]
    kinds = {back: _kind(end, -back - 1) for back in enough}
    usual = {kind: _usual(spent, seen, [back for back in enough if kinds[back] == kind]) for kind in kinds.values()}
    found = []
    for back in enough:
        hours, like = range(back * HOURS, (back + 1) * HOURS), usual[kinds[back]]
        # The newest hour comes first in the lists, and last in the day.
        filled = [spent[hour] + (1 - min(1.0, seen[hour])) * like[hour % HOURS] for hour in hours]
        found.append(Spell(kinds[back], tuple(reversed(filled)), back))
    return tuple(found)


def _usual(spent: Sequence[float], seen: Sequence[float], days: Sequence[int]) -> list[float]:
    """What each hour costs on these days, on average."""
    found = []
    for hour in range(HOURS):
        at = [day * HOURS + hour for day in days]
        read = sum(seen[each] for each in at)
        found.append(sum(spent[each] for each in at) / read if read > 0 else 0.0)
    return found


def _kind(end: float, day: int) -> Kind:
    """The kind of the day that begins so many days after the end."""
    begin = datetime.fromtimestamp(end) + timedelta(days=day)  # noqa: DTZ006 - weekends are those of this machine
    return begin.weekday() >= 5, (begin + timedelta(days=1)).weekday() >= 5


def coming_kind(end: float, day: int) -> Kind:
    """The kind of the coming day of that number, from 0."""
    return _kind(end, day)


def _change(spells: Sequence[Spell]) -> int | None:
    """How many of the newest days are at another pace than all before; None when the pace goes on as it was.

    A day is held against days of its kind only: a quiet Sunday is no change.
    """
    nothing = 0.02 * mean(spell.total for spell in spells)
    for since in range(min(10, len(spells) - 2), 0, -1):
        told = [_beyond(spell, spells[since:], nothing) for spell in spells[:since]]
        sides = {side for side in told if side is not None}
        if told[0] is not None and len(sides) == 1 and 0 not in sides:
            return since
    return None


def _beyond(spell: Spell, before: Sequence[Spell], nothing: float) -> int | None:
    """1 where a day cost far more than each of its kind before, -1 where far less, 0 where neither, None: unknown.

    Days that cost hardly anything, as `nothing` says, tell nothing of the pace.
    """
    totals = [each.total for each in before if each.kind == spell.kind]
    if len(totals) < 2 or max(*totals, spell.total) <= nothing:
        return None
    if spell.total > _BEYOND * max(totals):
        return 1
    return -1 if spell.total * _BEYOND < min(totals) else 0


def _without_change_day(fresh: tuple[Spell, ...]) -> tuple[Spell, ...]:
    """The new days but the first of them, where the pace changed in its middle."""
    if len(fresh) < 2:
        return fresh
    usual, first = median(spell.total for spell in fresh[:-1]), fresh[-1].total
    return fresh if 0.8 * usual <= first <= usual / 0.8 else fresh[:-1]


def _doubt(old: Sequence[Spell], factor: float, days: int) -> float:
    """How far the pace of so few days may be from the one behind it. What is rarer varies more."""
    by_kind = [[spell.total for spell in old if spell.kind == kind] for kind in {spell.kind for spell in old}]
    spreads = [stdev(totals) / mean(totals) for totals in by_kind if len(totals) > 1 and mean(totals) > 0]
    varies = median(spreads) if spreads else 0.5
    rarer = max(1.0, 1 / sqrt(factor)) if factor > 0 else 1.0
    return min(0.6, 0.08 + varies / sqrt(days) * rarer)


def _factor(fresh: Sequence[Spell], old: Sequence[Spell]) -> float | None:
    """How much more the newest days cost than days of their kind did before; None where there were none."""
    usual = {kind: median(each.total for each in old if each.kind == kind) for kind in {each.kind for each in old}}
    pairs = [(each.total, usual[each.kind]) for each in fresh if usual.get(each.kind)]
    return sum(new for new, _ in pairs) / sum(was for _, was in pairs) if pairs else None
