"""Whether the pace has changed, and when: which stretch of the past the coming days go on from. Pure.

The credits are taken to go in grains, as many in an hour as its rhythm says times the pace, and by chance some more or
less. How likely what was spent is, at a pace that is not known, then has a closed form (a gamma distribution of the
pace, a Poisson distribution of the grains). So each moment of the past is weighed as the one at which the pace changed,
against there having been none: few grains in a day leave it open, many settle it within hours.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import exp, lgamma, log

from relai_tui.balance.hours import HOURS, Hours, Rhythm, rhythm_of

LEAST_BEFORE = HOURS
"""Hours before a change: what is usual must be known, to tell that something is not."""
CHANGES = 0.5
"""How many changes of pace are looked for in a day, before what is said of new and of old ones below."""
PASSING = 0.5
"""Days. A change that is so new is looked for half as much: all hours differ."""
PASSES = 1 / 6
"""Days after which half of what is new has gone by again; after a whole day hardly any goes by."""
FADING = 1.0
"""Days. A change that is so old is looked for half as much: it shows by itself."""
PRIOR = 1.0
"""Grains that the pace from before still counts for after a change."""
_SURE = 5.0
"""Days that the grain of the hours counts for, beside the days themselves."""
_TRIED = (0, 3, 8, 16, 24, 48, 96, 192, 336)
"""Hours back at which a change is supposed first, 0 for none, to learn the rhythm without it."""
_AT_RANDOM = 2.5
"""By how much a supposed change must explain the days better (as a logarithm of likelihoods) than none."""
_LEAST_PACE = 0.02


@dataclass(frozen=True, slots=True)
class Stretch:
    """The newest hours, at one pace."""

    hours: int
    weight: float
    """How likely the pace last changed when it began, or, for that of all hours, never did. Only ratios count."""
    spent: float
    usual: float
    """What these hours would have cost at the pace of the rhythm."""
    passes: float
    """How likely the pace from before them comes back: they may be a busy hour."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """What the coming days are like, as far as the past tells."""

    rhythm: Rhythm
    grain: float
    """Micro-dollars that go at once, as the days tell it: at least that of the hours."""
    sure: float
    """Days that the grain was got from."""
    day: float
    """Micro-dollars that a day costs by the rhythm."""
    stretches: tuple[Stretch, ...]
    """That of all hours first."""
    changed: float
    """How likely the pace changed at all, 0 to 1."""

    @property
    def per_day_micro(self) -> int:
        """What a day costs since the pace last changed."""
        return round(self.day * self.likeliest.spent / max(1e-9, self.likeliest.usual))

    @property
    def likeliest(self) -> Stretch:
        """All hours unless a change is likelier than none; then the hours since its likeliest moment."""
        whole, *since = self.stretches
        if whole.weight >= sum(stretch.weight for stretch in since):
            return whole
        return max(since, key=lambda stretch: stretch.weight)


@dataclass(frozen=True, slots=True)
class _Supposed:
    """The rhythm, if the pace changed so many hours ago (0: not at all)."""

    since: int
    rhythm: Rhythm
    usual: tuple[float, ...]
    grain: float
    sure: float

    @property
    def misfit(self) -> float:
        """How badly it explains the days; the less the better."""
        return self.sure / 2 * log(self.grain) + (_AT_RANDOM if self.since else 0.0)


def pattern_of(hours: Hours) -> Pattern | None:
    """The pattern of these hours; None when nothing was spent."""
    tried = [since for since in _TRIED if not since or since <= len(hours) - LEAST_BEFORE]
    supposed = [each for each in (_suppose(hours, since) for since in tried) if each is not None]
    if not supposed:
        return None
    now = min(supposed, key=lambda each: each.misfit)
    pattern = _pattern(now, hours)
    for _ in range(2):  # what is learned of the change tells the rhythm better, and that the change
        since = pattern.likeliest.hours % len(hours)
        again = _suppose(hours, since) if since != now.since else None
        if again is None:
            break
        now, pattern = again, _pattern(again, hours)
    return pattern


def _suppose(hours: Hours, since: int) -> _Supposed | None:
    before = Hours(hours.spent[since:], hours.seen[since:], hours.kinds[since:])
    rhythm = rhythm_of(before)
    for _ in range(2 if since else 0):  # then from all hours, those since the change brought to the pace before it
        if rhythm is None:
            return None
        pace = _pace(hours, rhythm, since)
        evened = (*(cost / pace for cost in hours.spent[:since]), *hours.spent[since:])
        rhythm = rhythm_of(replace(hours, spent=evened))
    if rhythm is None:
        return None
    usual, pace = rhythm.expected(hours), _pace(hours, rhythm, since) if since else 1.0
    at_pace = [cost * pace for cost in usual[:since]] + usual[since:]
    squares, sure = _SURE * rhythm.grain, _SURE
    for days in (list(_days(hours, at_pace, 0, since)), list(_days(hours, at_pace, since, len(hours)))):
        squares += sum(days)
        sure += max(0, len(days) - 1)
    return _Supposed(since, rhythm, tuple(usual), max(rhythm.grain, squares / sure), sure)


def _pace(hours: Hours, rhythm: Rhythm, since: int) -> float:
    """What was spent in the newest hours beside what is usual, over the same of the hours before."""
    usual, little = rhythm.expected(hours), rhythm.grain / 2
    spent, was = sum(hours.spent[:since]), sum(hours.spent[since:]) / max(1e-9, sum(usual[since:]))
    return max(_LEAST_PACE, (spent + little) / (sum(usual[:since]) + little) / was) if was > 0 else 1.0


def _days(hours: Hours, usual: Sequence[float], first: int, last: int) -> Iterator[float]:
    """The squared distance of each day's cost from the usual, over the usual, of days that were read enough."""
    for begin in range(first, last, HOURS):
        day = slice(begin, min(last, begin + HOURS))
        if sum(hours.seen[day]) > 0.3 * HOURS and (expected := sum(usual[day])) > 0:
            yield (sum(hours.spent[day]) - expected) ** 2 / expected


def _pattern(supposed: _Supposed, hours: Hours) -> Pattern:
    """How likely the pace changed at each moment, by the rhythm that was learned."""
    grain = supposed.grain
    spent = [0.0, *accumulate(cost / grain for cost in hours.spent)]
    usual = [0.0, *accumulate(cost / grain for cost in supposed.usual)]
    day = usual[-1] / max(1e-9, sum(hours.seen)) * HOURS
    told = [(len(hours), _likelihood(spent[-1], usual[-1]))]
    last = 0.0
    for since in _moments(len(hours) - LEAST_BEFORE):
        begin, end = last / day, usual[since] / day
        if end <= begin:  # in idle hours nothing tells, and nothing changes
            continue
        both = _likelihood(spent[since], usual[since])
        both += _likelihood(spent[-1] - spent[since], usual[-1] - usual[since])
        told.append((since, both + log(_looked_for(begin, end))))
        last = usual[since]
    top = max(likely for _, likely in told)
    stretches = [
        Stretch(
            since,
            exp(likely - top),
            spent[since] * grain,
            usual[since] * grain,
            0.5 ** (usual[since] / day / PASSES) if since < len(hours) else 0.0,
        )
        for since, likely in told
    ]
    changed = 1 - stretches[0].weight / sum(stretch.weight for stretch in stretches)
    return Pattern(supposed.rhythm, grain, supposed.sure, day * grain, tuple(stretches), changed)


def _moments(most: int) -> Iterator[int]:
    """Hours back at which the pace may have changed: every hour of the newest days, and every sixth before."""
    yield from range(1, min(most, 4 * HOURS - 1) + 1)
    yield from range(4 * HOURS, most + 1, 6)


def _looked_for(begin: float, end: float) -> float:
    """How likely a change is thought to be between so many days ago and so many, before anything is seen."""
    middle = (begin + end) / 2
    return CHANGES * (end - begin) * middle / (middle + PASSING) / (1 + middle / FADING)


def _likelihood(spent: float, usual: float) -> float:
    """Of grains spent where so many are usual, at any pace: its logarithm, but for what all cases have in common."""
    return lgamma(PRIOR + spent) - lgamma(PRIOR) + PRIOR * log(PRIOR) - (PRIOR + spent) * log(PRIOR + usual)
