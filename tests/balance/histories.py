"""Simulated accounts: who spends steadily, in bursts, or by day and not at weekends; and what was read of them."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from math import exp
from random import Random

from relai_tui.spending_records import KeptReading
from relai_tui.text import clean_line

DAY, HOUR = 86_400.0, 3_600.0
START = datetime(2026, 9, 7).timestamp()
WORK, EU, SOURCE = clean_line("work"), clean_line("eu"), clean_line("balance")

Pace = Callable[[float], float]
"""Answers an hour at a Unix time."""


@dataclass(frozen=True)
class Person:
    """How somebody spends."""

    name: str
    pace: Pace
    spread: float
    """Of the logarithm of what an answer costs."""
    burst: int = 1
    """Answers that come one after the other."""


def steady(_at: float) -> float:
    return 12.0


def working(at: float) -> float:
    moment = datetime.fromtimestamp(at)
    if moment.weekday() >= 5 or not 8 <= moment.hour < 19:
        return 0.0
    return 14.0 if 9 <= moment.hour < 17 else 6.0


STEADY = Person("steady", steady, 0.5)
BURSTY = Person("bursty", lambda at: 1.2, 0.9, burst=12)
OFFICE = Person("nights and weekends idle", working, 0.7)
PEOPLE = (STEADY, BURSTY, OFFICE)


class History:
    """A year of charges, with top-ups, and when which of it was read. Fixed by its seed."""

    def __init__(
        self,
        person: Person,
        seed: int,
        *,
        days: float = 120,
        changes: float | None = None,
        factor: float = 1.0,
        top_ups: bool = True,
    ) -> None:
        """`changes` days after the start the pace is multiplied by `factor`."""
        self.chance = Random(seed)
        self.end = START + days * DAY
        self._charges = sorted(self._charge(person, changes, factor))
        self._times = [at for at, _ in self._charges]
        self._sums = [0, *accumulate(cost for _, cost in self._charges)]
        self._top_ups = self._topped() if top_ups else []
        self._top_up_times = [at for at, _ in self._top_ups]
        self._top_up_sums = [0, *accumulate(micro for _, micro in self._top_ups)]
        self.opening = 20_000_000

    def _charge(self, person: Person, changes: float | None, factor: float) -> list[tuple[float, int]]:
        chance, found = self.chance, []
        for hour in range(int((self.end - START) / HOUR)):
            begin = START + hour * HOUR
            changed = changes is not None and begin >= START + changes * DAY
            pace, at = person.pace(begin + HOUR / 2) * (factor if changed else 1.0), begin
            while pace and (at := at + chance.expovariate(pace / HOUR)) < begin + HOUR:
                answers = 1 if person.burst == 1 else 1 + int(chance.expovariate(1 / person.burst))
                found += [(at + 40 * number, self._cost(person)) for number in range(answers)]
        return found

    def _cost(self, person: Person) -> int:
        return int(2_500 * exp(self.chance.gauss(0, person.spread)))

    def _topped(self) -> list[tuple[float, int]]:
        return [(START + day * DAY + 10 * HOUR, 25_000_000) for day in range(9, int((self.end - START) / DAY), 11)]

    def spent(self, since: float, until: float) -> int:
        return self._sums[bisect_right(self._times, until)] - self._sums[bisect_right(self._times, since)]

    def balance(self, at: float) -> int:
        topped = self._top_up_sums[bisect_right(self._top_up_times, at)]
        return self.opening + topped - self._sums[bisect_right(self._times, at)]

    def depleted(self, since: float, micro: int) -> float | None:
        """When a balance of `micro` would be used up, topped up no more; None when the history ends before."""
        wanted = self._sums[bisect_right(self._times, since)] + micro
        index = bisect_right(self._sums, wanted - 1)
        return self._times[index - 1] if index < len(self._sums) else None

    def readings(self, until: float, micro: int) -> Sequence[KeptReading]:
        """Read every ten minutes or so, with the program closed now and then; the last one tells `micro`.

        The program reads twice as often: that tells no more, and takes the tests twice as long.
        """
        chance, at, times = Random(self.chance.random()), max(START, until - 25 * DAY), []
        while at < until:
            times.append(at)
            closed = chance.random() < 1 / 300
            at += chance.uniform(2, 14) * HOUR if closed else 600 * chance.uniform(0.9, 1.1)
        shift = micro - self.balance(until)
        return [KeptReading(WORK, EU, self.balance(at) + shift, at, SOURCE) for at in (*times, until)]
