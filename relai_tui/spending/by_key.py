"""What each API key spent (edition 2): the server's own totals, one request a key. Events do not say their key."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from relai_tui.spending.values import Source, Spending
from relai_tui.spending_records import SpendSum
from relai_tui.text import NOTHING, CleanText

if TYPE_CHECKING:
    from relai_tui.api.client import Client
    from relai_tui.api.models import ApiKey, UsagePage

MOST_KEYS = 40
"""Keys that are asked about, those used last first: each is a request of the key's rate budget."""
OTHER_KEYS = CleanText("other keys")
"""The name of what keys spent that were not asked about, such as those that are gone."""


async def spent_by_key(client: Client, since: float, until: float) -> Spending:
    """What each key spent in that time, the dearest first. Raises `NotOffered` where usage is not told, `RelaiError`.

    The parts add up to the server's total of that time.
    """
    start, end = (datetime.fromtimestamp(at, UTC) for at in (since, until))
    whole = _sum_of(OTHER_KEYS, NOTHING, await client.usage(start=start, end=end, limit=1))
    keys = [key for key in await client.keys() if key.last_used_at is not None and _used(key) >= since]
    keys.sort(key=_used, reverse=True)
    sums = [
        _sum_of(key.name or key.id, key.id, await client.usage(start=start, end=end, key=key.id, limit=1))
        for key in keys[:MOST_KEYS]
    ]
    rest = _minus(whole, sums)
    parts = [part for part in (*sums, rest) if part.count or part.micro]
    return Spending(
        tuple(sorted(parts, key=lambda part: (-part.micro, part.name))), Source.USAGE, complete=len(keys) <= MOST_KEYS
    )


def _used(key: ApiKey) -> float:
    return key.last_used_at.timestamp() if key.last_used_at else 0.0


def _sum_of(name: CleanText, key_id: CleanText, told: UsagePage) -> SpendSum:
    count = told.total_requests or 0
    known = told.total_cost_micro is not None
    return SpendSum(
        name=name,
        id=key_id,
        micro=told.total_cost_micro or 0,
        count=count,
        unknown=0 if known else count,
        tokens_in=told.total_tokens_in or 0,
        tokens_out=told.total_tokens_out or 0,
    )


def _minus(whole: SpendSum, parts: list[SpendSum]) -> SpendSum:
    """What is left of the whole; a request that came between two answers makes it no less than nothing."""
    return SpendSum(
        name=whole.name,
        id=whole.id,
        micro=max(0, whole.micro - sum(part.micro for part in parts)),
        count=max(0, whole.count - sum(part.count for part in parts)),
        unknown=max(0, whole.unknown - sum(part.unknown for part in parts)),
        tokens_in=max(0, whole.tokens_in - sum(part.tokens_in for part in parts)),
        tokens_out=max(0, whole.tokens_out - sum(part.tokens_out for part in parts)),
    )
