"""The movements of the credits: the server's ledger (edition 2), kept as it is read; else rises in the readings."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from relai_tui.account import NoCredential
from relai_tui.api.errors import NotOffered, RelaiError
from relai_tui.balance.burn import found_top_ups
from relai_tui.balance.told import ledger_record
from relai_tui.credentials.errors import CredentialError
from relai_tui.moments import DAY
from relai_tui.spending.values import LedgerSlice
from relai_tui.spending_records import LedgerRecord
from relai_tui.text import CleanLine, clean_line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relai_tui.account import Account
    from relai_tui.spending_records import KeptReading

LOOKED_BACK = 400 * DAY
"""Seconds of readings in which rises are looked for."""
_PAGE = 500
_MOST_PAGES = 200


class LedgerReader:
    """The movements of the profile in use."""

    def __init__(
        self,
        account: Account,
        history: Callable[[float], Awaitable[tuple[KeptReading, ...]]],
        clock: Callable[[], float],
    ) -> None:
        self._account, self._history, self._clock = account, history, clock
        self._found: tuple[float | None, tuple[LedgerRecord, ...]] | None = None

    async def page(self, offset: int, limit: int) -> LedgerSlice:
        """Some movements, newest first. Where the server cannot be asked now, those kept, with the trouble."""
        try:
            told = await (await self._account.connect()).ledger(limit=limit, offset=offset)
        except NotOffered:
            return await self._found_page(offset, limit)
        except (RelaiError, NoCredential, CredentialError) as trouble:
            return await self._kept_page(offset, limit, clean_line(str(trouble)))
        records = tuple(filter(None, map(ledger_record, told.entries)))
        store = await self._account.store()
        await store.usage.add_ledger(self._account.profile.name, records)
        total = told.total if told.total is not None else offset + len(records)
        return LedgerSlice(records, total, told=True)

    async def between(self, since: float, until: float) -> tuple[LedgerRecord, ...]:
        """All movements of that time, newest first."""
        found: list[LedgerRecord] = []
        offset = 0
        for _ in range(_MOST_PAGES):
            page = await self.page(offset, _PAGE)
            found += (record for record in page.records if since <= record.at < until)
            offset += _PAGE
            if offset >= page.total or not page.records or page.records[-1].at < since:
                break
        return tuple(found)

    async def _kept_page(self, offset: int, limit: int, trouble: CleanLine) -> LedgerSlice:
        store = await self._account.store()
        records, total = await store.usage.ledger_page(self._account.profile.name, offset, limit)
        if total:
            return LedgerSlice(records, total, told=True, trouble=trouble)
        page = await self._found_page(offset, limit)
        return LedgerSlice(page.records, page.total, told=False, trouble=trouble)

    async def _found_page(self, offset: int, limit: int) -> LedgerSlice:
        found = await self._rises()
        return LedgerSlice(found[offset : offset + limit], len(found), told=False)

    async def _rises(self) -> tuple[LedgerRecord, ...]:
        """Newest first. Looked for again only when there is a newer reading: a year of them takes its time."""
        store = await self._account.store()
        last = await store.ledger.last_reading(self._account.profile.name)
        newest = last.as_of if last else None
        if self._found is None or self._found[0] != newest:
            readings = await self._history(self._clock() - LOOKED_BACK)
            rises = await asyncio.to_thread(found_top_ups, readings)
            self._found = newest, tuple(sorted(rises, key=lambda rise: rise.at, reverse=True))
        return self._found[1]
