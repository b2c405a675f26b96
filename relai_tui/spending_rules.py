"""What the user lets be spent, and when to be warned: values only, from `config.toml`. Money is micro-dollars.

[limits]                            # in dollars; checked before anything is sent
conversation = { soft = 0.50, hard = 1.00 }
day = { soft = 2.00, hard = 5.00 }
month = { hard = 50.00 }

[alerts]                            # the first that is crossed counts
low = { floor = 2.00, runway_hours = 24 }
critical = { floor = 0.50, runway_hours = 2 }
bell = true
desktop = false                     # OSC 9 / 777
"""

from typing import NamedTuple


class Cap(NamedTuple):
    """How much may be spent in one conversation, day or month. Micro-dollars; None is no limit."""

    soft: int | None = None
    """From here on it is said."""
    hard: int | None = None
    """From here on it is asked, before anything is sent."""


class SpendingLimits(NamedTuple):
    """Limits of the user's own. The server knows nothing of them."""

    conversation: Cap = Cap()
    day: Cap = Cap()
    """A day of the local calendar."""
    month: Cap = Cap()
    """A month of the local calendar."""


class AlertLine(NamedTuple):
    """Where a level of alert begins: below a balance, or when the credits last no longer than so long."""

    floor_micro: int | None = None
    """Micro-dollars."""
    runway_seconds: float | None = None


class AlertRules(NamedTuple):
    """Two levels, and how loudly they are told beside the top bar."""

    low: AlertLine = AlertLine(2_000_000, 24 * 3_600.0)
    critical: AlertLine = AlertLine(500_000, 2 * 3_600.0)
    bell: bool = False
    desktop: bool = False
    """A desktop notification, by OSC 9 or 777."""
