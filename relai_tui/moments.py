"""Times in words. Every clock here is the wall's: Unix time in seconds."""

from relai_tui.text import CleanLine, clean_line

HOUR = 3_600.0
"""Seconds."""
DAY = 86_400.0
"""Seconds."""


def age(then: float | None, now: float) -> CleanLine:
    """How long ago: `just now`, `5 min`, `3 h`, `2 d`, `5 mo`, `3 y`; `—` for what is not known, also of the future."""
    if then is None:
        return clean_line("—")
    seconds = max(0.0, now - then)
    for limit, size, unit in (
        (3_600, 60, "min"),
        (DAY, 3_600, "h"),
        (60 * DAY, DAY, "d"),
        (730 * DAY, 30.44 * DAY, "mo"),
        (float("inf"), 365.25 * DAY, "y"),
    ):
        if seconds < 60:
            break
        if seconds < limit:
            return clean_line(f"{seconds // size:.0f} {unit}")
    return clean_line("just now")
