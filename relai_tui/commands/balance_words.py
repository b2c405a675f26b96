"""The balance in each form it is printed in: for people, for a program, for tmux and for waybar. Pure."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING

from relai_tui.balance.burn import Pace, forecast_words
from relai_tui.commands.times import told_moment
from relai_tui.moments import DAY, HOUR, age
from relai_tui.money import dollars, dollars_left
from relai_tui.spending_records import AlertLevel

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo

    from relai_tui.spending.standing import Standing

_TMUX = {AlertLevel.NONE: "default", AlertLevel.LOW: "yellow", AlertLevel.CRITICAL: "red"}
_LONGEST_TOLD = 60 * DAY
"""Seconds: a runway beyond is no more than "months"."""


def as_json(standing: Standing, zone: tzinfo | None = None) -> str:
    """One line of JSON. What is not known is null, never 0; the runway is a pair, earliest and latest, in seconds."""
    runway = standing.runway
    told = {
        "profile": standing.profile,
        "region": standing.region,
        "credits_micro": standing.micro,
        "as_of": told_moment(standing.last.as_of if standing.last else None),
        "age_seconds": None if standing.age is None else round(standing.age),
        "stale": standing.stale,
        "pace": standing.forecast.pace.value,
        "burn_micro_per_hour": standing.per_hour_micro if runway else None,
        "runway_seconds": [round(end) if end is not None else None for end in runway] if runway else None,
        "level": standing.level.name.lower(),
        "forecast": forecast_words(standing.forecast, standing.now, zone),
        "trouble": standing.trouble,
    }
    return json.dumps(told, ensure_ascii=False)


def for_people(standing: Standing, zone: tzinfo | None = None) -> str:
    """Some lines: the balance and its age, the pace, how long it lasts."""
    where = f"   {standing.profile}{f' · {standing.region.upper()}' if standing.region else ''}"
    lines = [f"{_figure(standing)}{where} · {age(standing.last.as_of if standing.last else None, standing.now)}"]
    told = standing.forecast
    if standing.stale:
        return lines[0] + "   ⚠ old"
    if told.pace is Pace.BURNING and told.rate is not None:
        micro, unit = told.rate
        lines.append(f"pace    {dollars(micro)} {unit}")
    if standing.last is not None:
        lines.append(f"lasts   {forecast_words(told, standing.now, zone)}")
    return "\n".join(lines)


def plain(standing: Standing) -> str:
    """One short line: `$12.34 · 2–5 d`; `—` when not known, `⚠ 12 min` when old."""
    parts = [_figure(standing), *([words] if (words := _short(standing)) else [])]
    return " · ".join(parts)


def for_tmux(standing: Standing) -> str:
    """One line for `#(…)` in tmux's status line, in the colour of its urgency."""
    colour = "colour244" if standing.stale or standing.last is None else _TMUX[standing.level]
    return f"#[fg={colour}]{plain(standing).replace('#', '##')}#[default]"


def for_waybar(standing: Standing, zone: tzinfo | None = None) -> str:
    """One line of JSON for a `custom` module of waybar with `"return-type": "json"`.

    `class` is one of `ok`, `low`, `critical`, `stale` and `unknown`.
    """
    if standing.last is None:
        kind = "unknown"
    elif standing.stale:
        kind = "stale"
    else:
        kind = "ok" if standing.level is AlertLevel.NONE else standing.level.name.lower()
    tip = for_people(standing, zone) + (f"\n{standing.trouble}" if standing.trouble else "")
    told = {"text": html.escape(plain(standing), quote=False), "tooltip": html.escape(tip, quote=False), "class": kind}
    return json.dumps(told, ensure_ascii=False)


FORMATS: dict[str, Callable[[Standing], str]] = {"plain": plain, "tmux": for_tmux, "waybar": for_waybar}
"""What `--format` takes."""


def _figure(standing: Standing) -> str:
    return "—" if standing.micro is None else dollars_left(standing.micro)


def _short(standing: Standing) -> str:
    if standing.stale:
        return f"⚠ {age(standing.last.as_of if standing.last else None, standing.now)}"
    runway = standing.runway
    if runway is None:
        return ""
    earliest, latest = runway
    if earliest > _LONGEST_TOLD:
        return "> 60 d"
    if latest is None:
        return f"≥ {_span(earliest)}"
    if latest > _LONGEST_TOLD:
        return f"{_span(earliest)} to > 60 d"
    return _span(earliest) if _span(earliest) == _span(latest) else f"{_span(earliest)} to {_span(latest)}"


def _span(seconds: float) -> str:
    for limit, size, unit in ((2 * HOUR, 60, "min"), (2 * DAY, HOUR, "h")):
        if seconds < limit:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds // DAY:.0f} d"
