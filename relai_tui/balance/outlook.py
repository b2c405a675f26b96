"""When the credits are gone: many futures, drawn from what the past leaves open, and the range that holds most. Pure.

Each future draws what is not known: since when the pace is as it is, and how fast that is; how much a weekend costs;
how coarse the grain is that the credits go in, and how the grains fall. So few or uneven days give a wide range.
Futures are drawn with a seed of their own: the same readings always tell the same range.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import exp, sqrt
from random import Random

from relai_tui.balance.hours import HOURS, Hours, kind_of
from relai_tui.balance.pace_changes import PRIOR, Pattern, Stretch
from relai_tui.moments import DAY, HOUR

FUTURES = 400
OUTSIDE = 0.025
"""The part of the futures that the range leaves out at each end."""
MARGIN = 0.02
"""By which each end is moved outwards: no past tells everything."""
STRAYS, STRAYS_CHANGED = 0.01, 0.045
"""How far a pace strays in a day, as the spread of its logarithm (in four days twice as far), and one that changed."""
LONGEST_TOLD = 10_000 * DAY
"""Seconds: later ends are told as this."""
_STRAYS_FOR = 60.0
"""Days after which it strays no further."""
_UNSURE = (0.6, 1.7)
"""Where less than a day is known, how much less or more an hour of the whole day may cost."""
_WEEK = 7 * HOURS


@dataclass(frozen=True, slots=True)
class _ComingWeek:
    """What is usual in the coming week up to each hour's end, on its working days and at its weekend."""

    working: Sequence[float]
    weekend: Sequence[float]

    def hours_until(self, micro: float, weekend: float) -> float:
        """Hours in which so much is usual, when a weekend's hour costs such a part of a working day's."""

        def usual(hours: int) -> float:
            return self.working[hours] + weekend * self.weekend[hours]

        weeks, rest = divmod(micro, usual(_WEEK))
        whole = min(_WEEK - 1, bisect_right(range(1, _WEEK), rest, key=usual))
        return weeks * _WEEK + whole + (rest - usual(whole)) / max(1e-9, usual(whole + 1) - usual(whole))


def depletion(pattern: Pattern, hours: Hours, micro: int, now: float) -> tuple[float, float, float]:
    """When the credits are gone at the soonest, in the middle of the futures, and at the latest, as Unix times."""
    if micro <= 0:
        return now, now, now
    chance, week = Random(FUTURES), _coming_week(pattern, now)
    little = len(hours) <= HOURS
    ends = sorted(
        _future(pattern, stretch, week, micro * _unsure(chance) if little else micro, chance)
        for stretch in _as_often_as_likely(pattern.stretches, FUTURES)
    )
    out = int(OUTSIDE * FUTURES)
    told = (ends[out], ends[FUTURES // 2], ends[-1 - out])
    soonest, middle, latest = (min(LONGEST_TOLD, end * HOUR) for end in told)
    return now + soonest * (1 - MARGIN), now + middle, now + latest * (1 + MARGIN)


def _as_often_as_likely(stretches: Sequence[Stretch], count: int) -> Iterator[Stretch]:
    weights = list(accumulate(stretch.weight for stretch in stretches))
    for number in range(count):
        yield stretches[bisect_right(weights, weights[-1] * (number + 0.5) / count)]


def _coming_week(pattern: Pattern, now: float) -> _ComingWeek:
    working, weekend = [0.0], [0.0]
    for kind in (kind_of(now + (hour + 0.5) * HOUR) for hour in range(_WEEK)):
        usual = pattern.rhythm.hourly[kind % HOURS]
        working.append(usual if kind < HOURS else 0.0)
        weekend.append(0.0 if kind < HOURS else usual)
    return _ComingWeek(list(accumulate(working)), list(accumulate(weekend)))


def _unsure(chance: Random) -> float:
    low, high = _UNSURE
    return 1 / (low * float((high / low) ** chance.random()))


def _future(pattern: Pattern, stretch: Stretch, week: _ComingWeek, micro: float, chance: Random) -> float:
    """Hours until the credits are gone in one future."""
    grain = pattern.grain * pattern.sure / 2 / chance.gammavariate(pattern.sure / 2, 1)
    spent, usual = stretch.spent / grain, stretch.usual / grain
    if chance.random() < stretch.passes:
        whole = pattern.stretches[0]
        spent, usual = whole.spent / grain - spent, whole.usual / grain - usual
    if spent > usual and chance.random() < 0.5:
        # Who spends more may do more, or dearer things: then the grains are larger, and fewer tell of the pace.
        pace = (PRIOR + spent) / chance.gammavariate(PRIOR + usual + 0.5, 1)
        grain *= pace
    else:
        pace = chance.gammavariate(PRIOR + spent, 1) / (PRIOR + usual)
    shape, rate = pattern.rhythm.weekend
    fallen = chance.gammavariate(0.5 + micro / grain, 1) * grain
    at_pace = fallen / max(1e-9, pace)
    daily = STRAYS + (STRAYS_CHANGED - STRAYS) * pattern.changed**2
    strayed = daily * sqrt(min(_STRAYS_FOR, at_pace / pattern.day)) * chance.gauss(0.0, 1.0)
    return week.hours_until(at_pace * exp(strayed), chance.gammavariate(shape, 1) / rate)
