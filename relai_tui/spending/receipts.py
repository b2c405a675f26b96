"""What a receipt is made of, gathered from the store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from relai_tui.balance.attribution import match_usage
from relai_tui.balance.receipts import ReceiptRow, receipt_rows
from relai_tui.spending.values import UsageFilter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relai_tui.account import Account
    from relai_tui.spending.usage_shelf import UsageShelf
    from relai_tui.spending_records import LedgerRecord, SpentTurn, UsageRecord

_PAGE = 1_000
_AROUND = 300.0
"""Seconds around a conversation's turns in which its requests are looked for."""


async def receipt(
    account: Account,
    shelf: UsageShelf,
    movements: Sequence[LedgerRecord],
    since: float,
    until: float,
    conversation: str | None,
) -> tuple[ReceiptRow, ...]:
    """The rows of a receipt. Of a conversation it holds no requests but its own."""
    store = await account.store()
    turns = await store.ledger.spent_turns(account.profile.name, since, until, conversation_id=conversation)
    if conversation is None:
        usage = await _requests(shelf, since, until)
    else:
        usage = await _requests_of(shelf, turns)
    return tuple(await asyncio.to_thread(receipt_rows, turns, usage, movements))


async def _requests(shelf: UsageShelf, since: float, until: float) -> list[UsageRecord]:
    found: list[UsageRecord] = []
    while True:
        page = await shelf.page(UsageFilter(since=since, until=until), len(found), _PAGE)
        found += page.records
        if not page.records or len(found) >= page.total:
            return found


async def _requests_of(shelf: UsageShelf, turns: Sequence[SpentTurn]) -> list[UsageRecord]:
    if not turns:
        return []
    times = [turn.at for turn in turns]
    around = await _requests(shelf, min(times) - _AROUND, max(times) + _AROUND)
    return list((await asyncio.to_thread(match_usage, turns, around)).values())
