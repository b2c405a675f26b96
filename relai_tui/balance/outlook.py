"""When the credits are gone: many futures, each made of days like those that were, and the range that holds most. Pure.

Futures are drawn with a seed of their own, so that the same readings always tell the same range. How sure the past is
counts too: each future first draws which of the past days it goes by, so that few days give a wide range.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import accumulate
from random import Random

from relai_tui.balance.days import HOURS, Kind, Pattern, Spell, coming_kind
from relai_tui.moments import DAY, HOUR

FUTURES = 160
LOW, HIGH = 0.03, 0.97
"""The futures the range leaves out at each end."""
MARGIN = 0.06
"""By which each end is moved outwards: no past tells everything."""
FARTHEST = 120
"""Days that are drawn one by one; beyond, the average goes on."""
AS_LATELY = 0.2
"""The part of the futures that go on as the newest day did."""
_LATELY_SPREAD = 0.2
_HALF_LIFE = 7
"""Days after which a past day counts half."""
_UNSEEN = (0.0, 0.5, 1.0)
"""What a weekend may be like, beside a working day, where none was seen yet."""
_UNSURE = (0.6, 1.7)
"""Where less than a day is known, how much less or more the whole day may cost an hour."""


def depletion(pattern: Pattern, micro: int, now: float) -> tuple[float, float | None]:
    """When the credits are gone at the soonest and at the latest, as Unix times; None: that cannot be told."""
    if micro <= 0:
        return now, now
    chance = Random(len(pattern.spells))
    kinds = [coming_kind(now, day) for day in range(FARTHEST)]
    ends = sorted(_future(pattern, kinds, float(micro), chance) for _ in range(FUTURES))
    soonest, latest = ends[int(LOW * FUTURES)], ends[int(HIGH * FUTURES)]
    margin = MARGIN if len(pattern.spells) > 1 else 2 * MARGIN
    return now + soonest * (1 - margin), now + latest * (1 + margin)


def _future(pattern: Pattern, kinds: Sequence[Kind], micro: float, chance: Random) -> float:
    """Seconds until the credits are gone in one future."""
    spells = pattern.spells
    if len(spells) == 1:
        low, high = _UNSURE
        pace: float = low * pow(high / low, chance.random())
        return micro / max(1e-9, spells[0].total * pace) * DAY
    drawn = chance.choices(spells, [0.5 ** (spell.back / _HALF_LIFE) for spell in spells], k=len(spells))
    by_kind: defaultdict[Kind, list[Spell]] = defaultdict(list)
    for spell in drawn:
        by_kind[spell.kind].append(spell)
    unseen, pace = chance.choice(_UNSEEN), _pace(pattern, chance)
    micro /= pace
    for day, kind in enumerate(kinds):
        like = by_kind.get(kind)
        spell = chance.choice(like or drawn)
        share = 1.0 if like or not any(kind) or pattern.whole_week else unseen
        spends = spell.total * share
        if spends >= micro:
            return day * DAY + _within(spell, micro / share)
        micro -= spends
    usual = sum(spell.total for spell in drawn) / len(drawn)
    return (len(kinds) + micro / max(1e-9, usual)) * DAY


def _pace(pattern: Pattern, chance: Random) -> float:
    """How fast this future goes, beside the days it is made of.

    Some futures go on as the newest day did: the pace may just have changed, and one day is not enough to be sure.
    """
    if pattern.lately is not None and chance.random() < AS_LATELY:
        return min(10.0, max(0.1, pattern.lately)) * chance.lognormvariate(0.0, _LATELY_SPREAD)
    return chance.lognormvariate(0.0, pattern.doubt) if pattern.doubt else 1.0


def _within(spell: Spell, micro: float) -> float:
    """Seconds into the day at which so much of it is spent."""
    before = 0.0
    for hour, so_far in enumerate(accumulate(spell.hours)):
        if so_far >= micro:
            return (hour + (micro - before) / max(1e-9, so_far - before)) * HOUR
        before = so_far
    return HOURS * HOUR
