"""The readings of the last weeks, kept at hand: read whole once, and from then on only what is new."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from typing import TYPE_CHECKING

from relai_tui.balance.burn import trend
from relai_tui.moments import DAY
from relai_tui.spending.standing import PACED_OVER, Standing, standing

if TYPE_CHECKING:
    from relai_tui.spending.desk import BalanceDesk
    from relai_tui.spending_records import KeptReading
    from relai_tui.text import CleanLine, CleanText

KEPT = 31 * DAY
"""Seconds of readings that are held: as far back as the plot of a month goes."""


class RecentReadings:
    """The readings of the profile in use, oldest first, and what they tell. Holds no more than a month of them."""

    def __init__(self, desk: BalanceDesk) -> None:
        self._desk = desk
        self._profile: CleanText | None = None
        self._reading = asyncio.Lock()
        self.readings: tuple[KeptReading, ...] = ()
        """As of the last `refresh`."""

    async def refresh(self) -> tuple[KeptReading, ...]:
        """Read what is new. Raises `StoreError`."""
        async with self._reading:
            profile, now = self._desk.account.profile.name, self._desk.clock()
            held = self.readings if profile == self._profile else ()
            since = held[-1].as_of if held else now - KEPT
            newer = await self._desk.history(since)
            begin = bisect_left(held, now - KEPT, key=_moment)
            end = bisect_left(held, newer[0].as_of, key=_moment) if newer else len(held)
            self._profile, self.readings = profile, (*held[begin:end], *newer)
            return self.readings

    async def standing(
        self, fresh: KeptReading | None = None, trouble: CleanLine | None = None
    ) -> tuple[Standing, int]:
        """How the account stands, and whether the balance fell (-1) or rose (1) in the last hour. Asks no server.

        `fresh` is a reading that was just made; it counts also where it could not be kept. Raises `StoreError`.
        """
        readings, account = await self.refresh(), self._desk.account
        if not readings and fresh is None:
            store = await account.store()
            last = await store.ledger.last_reading(account.profile.name)
            readings = (last,) if last else ()
        return await self._tell(_with(readings, fresh), trouble)

    async def without_store(self, fresh: KeptReading | None, trouble: CleanLine | None) -> tuple[Standing, int]:
        """As `standing`, where the disk fails: of what is in memory."""
        self.readings = _with(self.readings, fresh)
        return await self._tell(self.readings, trouble)

    async def _tell(self, readings: tuple[KeptReading, ...], trouble: CleanLine | None) -> tuple[Standing, int]:
        account, now = self._desk.account, self._desk.clock()
        paced = readings[bisect_left(readings, now - PACED_OVER, key=_moment) :] or readings[-1:]

        def tell() -> tuple[Standing, int]:
            told = standing(account.profile.name, account.region, paced, account.settings.alerts, now, trouble)
            return told, trend(paced, now)

        return await asyncio.to_thread(tell)


def _with(readings: tuple[KeptReading, ...], fresh: KeptReading | None) -> tuple[KeptReading, ...]:
    if fresh is None or (readings and readings[-1].as_of > fresh.as_of - 5.0):
        return readings
    return (*readings, fresh)


def _moment(reading: KeptReading) -> float:
    return reading.as_of
