"""The requests of one profile that are kept in the store, as the sync and the room need them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relai_tui.spending.values import UsageFilter, UsageSlice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relai_tui.spending_records import By, SpendSum, UsageRecord
    from relai_tui.store.database import Store
    from relai_tui.text import CleanText


class UsageShelf:
    """The kept requests of a profile; with `key`, those known as that key's alone. Raises `StoreError`."""

    def __init__(self, store: Store, profile: CleanText, key: str | None = None) -> None:
        self._store, self._profile, self._key = store, profile, key

    async def add(self, records: Sequence[UsageRecord]) -> None:
        """Keep them; those that are kept already stay once."""
        await self._store.usage.add(self._profile, records)

    async def count(self, since: float, until: float) -> int:
        """How many are kept of that time, its end included."""
        return await self._store.usage.count(self._profile, since, until, key=self._key)

    async def any(self) -> bool:
        """Whether any is kept."""
        return await self.count(0.0, float("inf")) > 0

    async def sums(self, by: By, since: float, until: float) -> tuple[SpendSum, ...]:
        """What was spent in that time, in parts."""
        return await self._store.usage.sums(by, self._profile, since, until)

    async def page(self, wanted: UsageFilter, offset: int, limit: int) -> UsageSlice:
        """Some of them, newest first."""
        records, total = await self._store.usage.page(
            self._profile,
            since=wanted.since,
            until=wanted.until,
            model=wanted.model,
            key=wanted.key,
            offset=offset,
            limit=limit,
        )
        return UsageSlice(records, total)
