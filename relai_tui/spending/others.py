"""What the credits fell by that no answer of this machine explains: somebody else is spending."""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING

from relai_tui.balance.attribution import Unexplained, unexplained

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relai_tui.account import Account
    from relai_tui.spending_records import KeptReading

_BEFORE = 3_600.0
"""Seconds before the first reading from which on answers may be charged late."""


async def spent_by_others(
    account: Account, readings: Sequence[KeptReading], since: float, running: int = 0
) -> Unexplained | None:
    """The sum of what fell unexplained between the readings from `since` on (Unix time); None for nothing.

    The readings are the oldest first. While `running` answers are on their way, nothing can be told of the newest fall.
    Raises `StoreError`.
    """
    pairs = list(pairwise(readings[bisect_left(readings, since, key=lambda reading: reading.as_of) :]))
    if not any(later.micro < earlier.micro for earlier, later in pairs):
        return None
    store = await account.store()
    own = await store.ledger.spent_turns(account.profile.name, pairs[0][0].as_of - _BEFORE, float("inf"))
    found = [
        each
        for earlier, later in pairs
        if (each := unexplained(earlier, later, own, running if later is readings[-1] else 0)) is not None
    ]
    if not found:
        return None
    return Unexplained(sum(each.micro for each in found), found[0].since, found[-1].until)
