"""When a request is tried again, and after how long. Pure decisions: the client does the waiting.

The figures are those of the official OpenAI SDK: two retries, half a second doubling to eight, less up to a quarter at
random. A wait the server asks for is obeyed up to two minutes; beyond that it is told, not waited for (T9).
"""

import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from email.utils import parsedate_to_datetime

from relai_tui.api.errors import (
    ConnectionFailed,
    Interrupted,
    Misconfigured,
    RateLimited,
    Redirected,
    RelaiError,
    ServerFault,
    ServerRefused,
    TimedOut,
    UnreadableAnswer,
)

RETRIES = 2
"""Tries after the first one."""
FIRST_WAIT = 0.5
"""Seconds."""
LONGEST_BACKOFF = 8.0
"""Seconds."""
LONGEST_OBEYED = 120.0
"""Seconds: a server that asks for more is not waited for."""

_SECONDS = re.compile(r"[0-9]{1,15}(?:\.[0-9]{0,15})?")
_RETRIED_STATUSES = (408, 409)


def backoff(attempt: int, chance: Callable[[], float]) -> float:
    """Seconds to wait after the try of this number (from 1); `chance` gives a number from 0 to 1."""
    return float(min(FIRST_WAIT * 2.0 ** (attempt - 1), LONGEST_BACKOFF) * (1 - 0.25 * chance()))


def worth_retrying(error: RelaiError, *, paid: bool) -> bool:
    """Whether the same request may succeed a moment later.

    A `paid` one is not repeated when the server took it and stayed silent: it may be at work on it, and would be paid
    for twice.
    """
    if isinstance(error, Misconfigured):
        return False
    if isinstance(error, TimedOut):
        return not (paid and error.sent)
    if isinstance(error, RateLimited | ServerFault | ConnectionFailed):
        return True
    return isinstance(error, ServerRefused) and error.status in _RETRIED_STATUSES


def wait_before_retry(
    error: RelaiError, attempt: int, chance: Callable[[], float], *, paid: bool = False
) -> float | None:
    """Seconds to wait before the next try, after the try of this number (from 1) failed; None to give up."""
    if attempt > RETRIES or not worth_retrying(error, paid=paid):
        return None
    asked = error.retry_after if isinstance(error, ServerRefused) else None
    if asked is None:
        return backoff(attempt, chance)
    return asked if asked <= LONGEST_OBEYED else None


def may_have_happened(error: RelaiError) -> bool:
    """Whether a change that ended in this error may have been made all the same (T10): look before trying again."""
    if isinstance(error, ConnectionFailed):
        return error.sent
    return isinstance(error, ServerFault | Interrupted | UnreadableAnswer | Redirected)


def retry_after(headers: Mapping[str, str], body: object, now: float) -> float | None:
    """Seconds the server asks to wait: `Retry-After` as seconds or as a date, else `retry_after` in the body.

    A date is measured against the answer's own `Date` (T19), or against `now` (Unix time in seconds) where there is
    none. None for junk, for the past, and where the server does not say.
    """
    told = {name.lower(): value for name, value in headers.items()}
    wished = told.get("retry-after", "").strip()
    seconds = _seconds(wished)
    if seconds is None and wished:
        seconds = _seconds_until(wished, _unix_time(told.get("date", "")) or now)
    return seconds if seconds is not None else _seconds_in(body)


def _seconds(value: object) -> float | None:
    if isinstance(value, str):
        value = float(value) if _SECONDS.fullmatch(value.strip()) else None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) and seconds > 0 else None


def _seconds_until(date: str, now: float) -> float | None:
    moment = _unix_time(date)
    return _seconds(moment - now) if moment is not None else None


def _unix_time(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError, OSError):
        return None


def _seconds_in(body: object) -> float | None:
    if not isinstance(body, dict):
        return None
    error = body.get("error")
    inner = _seconds(error.get("retry_after")) if isinstance(error, dict) else None
    return inner if inner is not None else _seconds(body.get("retry_after"))
