"""How an account stands at a moment: its newest reading, how old that is, how long it lasts, and how urgent that is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from relai_tui.balance.alerts import level_of
from relai_tui.balance.burn import Forecast, Pace, forecast
from relai_tui.balance.hours import LONGEST
from relai_tui.spending_records import AlertLevel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relai_tui.spending_records import KeptReading
    from relai_tui.spending_rules import AlertRules
    from relai_tui.text import CleanLine, CleanText

PACED_OVER = LONGEST
"""Seconds of history that a standing is made from."""
STALE = 600.0
"""Seconds from which a figure is told as old: twice the time between two readings."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of the balance at `now`."""

    profile: CleanText
    region: CleanText | None
    last: KeptReading | None
    """The newest figure; None when there never was one."""
    forecast: Forecast
    level: AlertLevel
    """How urgent it is; NONE while it is not known or old."""
    now: float
    """Unix time in seconds."""
    trouble: CleanLine | None = None
    """Why there is no figure of now; None while all is well."""

    @property
    def micro(self) -> int | None:
        """Micro-dollars; None when not known."""
        return self.last.micro if self.last else None

    @property
    def age(self) -> float | None:
        """Seconds since the figure was read; None when there is none. A clock that was set back makes it 0."""
        return max(0.0, self.now - self.last.as_of) if self.last else None

    def at(self, now: float) -> Standing:
        """The same, looked at later."""
        later = replace(self, now=now)
        return replace(later, level=AlertLevel.NONE) if later.stale else later

    @property
    def stale(self) -> bool:
        """Whether the figure is too old to decide by."""
        return self.age is not None and self.age > STALE

    @property
    def per_hour_micro(self) -> int | None:
        """What an hour costs on average over the runway, micro-dollars; None when not known."""
        told = self.forecast
        return None if self.stale or told.pace is not Pace.BURNING else told.per_hour_micro

    @property
    def runway(self) -> tuple[float, float | None] | None:
        """Seconds from `now` until the credits are gone, the earliest and the latest; None when not known."""
        told = self.forecast
        if self.stale or told.pace is not Pace.BURNING or told.earliest is None:
            return None
        return max(0.0, told.earliest - self.now), None if told.latest is None else max(0.0, told.latest - self.now)


def standing(
    profile: CleanText,
    region: CleanText | None,
    readings: Sequence[KeptReading],
    rules: AlertRules,
    now: float,
    trouble: CleanLine | None = None,
) -> Standing:
    """The standing these readings tell (oldest first, of one profile)."""
    told = forecast(readings, now)
    last = readings[-1] if readings else None
    old = last is None or now - last.as_of > STALE
    level = AlertLevel.NONE if last is None or old else level_of(last.micro, told, rules)
    return Standing(profile, last.region if last and last.region else region, last, told, level, now, trouble)
