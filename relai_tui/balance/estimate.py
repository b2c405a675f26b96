"""What the next answer will probably cost, from those that were paid for. Pure."""

from collections.abc import Sequence

LATELY = 20
"""Answers that are looked at: older ones were asked with another conversation behind them."""


def expected_cost(costs: Sequence[int]) -> int | None:
    """The median of the last known costs (micro-dollars, oldest first); None where there is none."""
    known = sorted(costs[-LATELY:])
    if not known:
        return None
    middle = len(known) // 2
    return known[middle] if len(known) % 2 else (known[middle - 1] + known[middle]) // 2


def more_like_this(balance_micro: int | None, costs: Sequence[int]) -> int | None:
    """How many more answers like these the balance pays for; None where it, or what they cost, is not known."""
    cost = expected_cost(costs)
    if balance_micro is None or cost is None or cost <= 0:
        return None
    return max(0, balance_micro) // cost
