"""Times as they are typed and told: `7d`, `24h`, `2026-11-01`, `today`; ISO 8601 for programs."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo

from relai_tui.balance.limits import day_start, month_start

_SPAN = re.compile(r"([0-9]{1,6})\s*(min|h|d|w)")
_LAST = 253_370_764_800.0
"""Unix time in seconds at which the calendar's last year begins."""
_SECONDS = {"min": 60, "h": 3_600, "d": 86_400, "w": 604_800}

FORMS = "7d, 24h, 90min, 2w, today, yesterday, month, 2026-11-01 or 2026-11-01T14:00"
"""The forms a time may have, in words."""


class NoTime(ValueError):
    """What was typed is no time. `str()` says which forms there are."""


def read_moment(text: str, now: float, zone: tzinfo | None = None) -> float:
    """A time that was typed, as Unix time in seconds; days and times without a zone are those of `zone`, else local.

    A span such as `7d` is so long before `now`; `today`, `yesterday` and `month` are where these began. Raises
    `NoTime`, also for a time that lies before 1970 or beyond the calendar.
    """
    wanted = text.strip().lower()
    if (span := _SPAN.fullmatch(wanted)) is not None:
        return max(0.0, now - int(span[1]) * _SECONDS[span[2]])
    today = day_start(now, zone)
    named = {"today": today, "yesterday": day_start(today - 1, zone), "month": month_start(now, zone)}
    if wanted in named:
        return named[wanted]
    try:
        found = datetime.fromisoformat(text.strip().upper())
        seconds = (found if found.tzinfo else found.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError, OSError):
        seconds = -1.0
    if not 0 <= seconds < _LAST:
        raise NoTime(f"“{text}” is no time: write it as {FORMS}")
    return seconds


def told_moment(at: float | None) -> str | None:
    """A time as programs are told it: ISO 8601 in UTC, to the second; None where it is not known."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
