"""When the user is warned that the credits run low: once for each crossing, never twice for the same. Pure.

A level is reached when the balance is below its floor, or the credits last no longer than its runway, whichever comes
first. It is left only when both are cleared by a tenth (hysteresis): a balance that dithers around a floor warns once.
A top-up arms the alerts again. Without one, a level is not told twice within six hours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from relai_tui.money import dollars_left
from relai_tui.spending_records import AlertLevel as AlertLevel
from relai_tui.spending_records import AlertState as AlertState
from relai_tui.text import CleanLine, clean_line

if TYPE_CHECKING:
    from relai_tui.balance.burn import Forecast
    from relai_tui.spending_records import KeptReading
    from relai_tui.spending_rules import AlertLine, AlertRules

COOL_DOWN = 6 * 3_600.0
"""Seconds in which a level is not told a second time without a top-up between."""
TOP_UP = 10_000
"""Micro-dollars: a rise from here on is a top-up or a refund."""
OLD = 900.0
"""Seconds: an older reading warns of nothing."""
_MARGIN = 10
"""Per cent by which a line must be cleared to leave its level."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Something to tell."""

    level: AlertLevel
    micro: int
    runway_seconds: float | None
    """How long the credits last at the least; None when that is not known."""

    @property
    def words(self) -> CleanLine:
        """`The credits run low: $1.93 left, for about 5 h at this pace`."""
        begin = "The credits are nearly used up" if self.level is AlertLevel.CRITICAL else "The credits run low"
        if self.micro <= 0:
            begin = "The credits are used up"
        last = "" if self.runway_seconds is None or self.micro <= 0 else f", for {_span(self.runway_seconds)} or more"
        return clean_line(f"{begin}: {dollars_left(self.micro)} left{last}")


def level_of(micro: int | None, forecast: Forecast | None, rules: AlertRules) -> AlertLevel:
    """The level of a balance: the colour of the top bar. An unknown balance has none."""
    if micro is None:
        return AlertLevel.NONE
    runway = _runway(forecast)
    for level, line in ((AlertLevel.CRITICAL, rules.critical), (AlertLevel.LOW, rules.low)):
        if _below(micro, runway, line, 100):
            return level
    return AlertLevel.NONE


def next_alert(
    state: AlertState, reading: KeptReading, forecast: Forecast | None, rules: AlertRules, now: float
) -> tuple[AlertState, Alert | None]:
    """The state after a reading, and what is to be told, at a Unix time in seconds. An old reading changes nothing."""
    if now - reading.as_of > OLD:
        return state, None
    micro, runway = reading.micro, _runway(forecast)
    level = level_of(micro, forecast, rules)
    for held, line in ((AlertLevel.CRITICAL, rules.critical), (AlertLevel.LOW, rules.low)):
        if state.level >= held > level and _below(micro, runway, line, 100 + _MARGIN):
            level = held
            break
    if state.micro is not None and micro - state.micro >= TOP_UP:
        state = _armed_again(state, level, micro)
    crossed = level > state.level and not _told_lately(state, level, now)
    later = replace(state, level=level, micro=micro if state.micro is None else min(state.micro, micro))
    if not crossed:
        return later, None
    if level is AlertLevel.CRITICAL:
        return replace(later, told_critical=now), Alert(level, micro, runway)
    return replace(later, told_low=now), Alert(level, micro, runway)


def _armed_again(state: AlertState, level: AlertLevel, micro: int) -> AlertState:
    """After a top-up: a level that it led out of is told when it is crossed again; one we are still in is not."""
    return AlertState(
        min(state.level, level),
        micro,
        state.told_low if level >= AlertLevel.LOW else None,
        state.told_critical if level >= AlertLevel.CRITICAL else None,
    )


def _told_lately(state: AlertState, level: AlertLevel, now: float) -> bool:
    told = state.told(level)
    return told is not None and 0 <= now - told < COOL_DOWN


def _runway(forecast: Forecast | None) -> float | None:
    return forecast.runway_seconds if forecast is not None else None


def _below(micro: int, runway: float | None, line: AlertLine, percent: int) -> bool:
    """Whether a balance is below a line, or below so many per cent of it."""
    if line.floor_micro is not None and micro * 100 < line.floor_micro * percent:
        return True
    return line.runway_seconds is not None and runway is not None and runway * 100 < line.runway_seconds * percent


def _span(seconds: float) -> str:
    minutes = max(1, int(seconds // 60))
    if minutes < 120:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h" if hours < 48 else f"{hours // 24} days"
