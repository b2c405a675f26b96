"""Requests the server charged, read into the store page by page, the newest first, until all are known.

`GET /usage` has no cursor, so that a page begins where the one before ended in time. What is known already is not read
again: where a page brings nothing new and the server still counts more than is kept, the hole is looked for by halving
the time, with requests that ask for counts only. A sync that was broken off therefore goes on where it stopped.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from relai_tui.balance.told import usage_record

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from relai_tui.api.models import UsagePage
    from relai_tui.spending_records import UsageRecord

PAGE = 1_000
"""Requests asked for at once."""
SLICE = 250
"""Requests handled before the loop gets its turn."""
_FINEST = 1.0
"""Seconds: holes are not looked for more closely, and pages overlap by it, for clocks that count whole seconds."""
_MOST_PAGES = 2_000
_MOST_PASSES = 4


class Asking(Protocol):
    """The server's side: a client's `usage`."""

    async def usage(
        self,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        key: str | None = None,
        limit: int | None = None,
    ) -> UsagePage:
        """The charged requests of a time."""
        ...


class Shelf(Protocol):
    """The store's side, for one profile and key."""

    async def add(self, records: Sequence[UsageRecord]) -> None:
        """Keep them; those that are kept already stay once."""
        ...

    async def count(self, since: float, until: float) -> int:
        """How many are kept of that time, its end included."""
        ...


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync came to."""

    new: int
    """Requests that were not known before."""
    complete: bool
    """Whether all that the server tells of that time is now kept."""
    refused: int = 0
    """Entries that could not be kept, as they have no time."""


class UsageSync:
    """One sync of one profile. `key` restricts it to a key, whose id the records then carry."""

    def __init__(
        self,
        asking: Asking,
        shelf: Shelf,
        on_progress: Callable[[int, int | None], None],
        *,
        key: str | None = None,
        page: int = PAGE,
        pause: Callable[[], float] = lambda: 0.0,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._asking, self._shelf, self._on_progress = asking, shelf, on_progress
        self._key, self._page = key, page
        self._pause, self._sleep = pause, sleep
        """Seconds to wait before it is asked again, so that chat goes first in the key's rate budget; 0 to go on."""
        self._new = self._refused = 0
        self._hidden = False
        """Whether the server counts requests that it does not show."""

    async def run(self, since: float, until: float) -> Synced:
        """Read what is missing from `since` to `until` (Unix time in seconds). Raises `RelaiError`, `StoreError`.

        What was read before an error is kept.
        """
        for _ in range(_MOST_PASSES):
            before = self._new
            ended = await self._pass(since, until)
            if ended or self._hidden or self._new == before:
                return Synced(self._new, complete=ended, refused=self._refused)
        return Synced(self._new, complete=False, refused=self._refused)

    async def _pass(self, since: float, until: float) -> bool:
        """Once backwards through that time; whether all that was counted at its start is kept at its end."""
        low, high, counted = since, until, None
        self._refused, fruitless = 0, False
        for number in range(_MOST_PAGES):
            told = await self._told(low, high, self._page)
            if number == 0:
                counted = told.total_requests
            before = await self._shelf.count(since, until)
            span = await self._keep(told)
            known = await self._shelf.count(since, until)
            news = known - before
            self._new += news
            missing = await self._missing(told, low, high)
            self._on_progress(known, None if missing is None else known + missing)
            if span is None or self._is_whole(told, news, missing):
                break
            if news == 0 and fruitless:
                self._hidden = True
                break
            fruitless = news == 0 and span[0] >= span[1]
            left = await self._rest(told, span, news, low, high)
            if left is None or left[0] >= left[1] or left == (low, high):
                break
            low, high = left
        else:
            return False
        return counted is None or counted - self._refused <= await self._shelf.count(since, until)

    async def _told(self, low: float, high: float, limit: int) -> UsagePage:
        while (wait := self._pause()) > 0:
            await self._sleep(wait)
        return await self._asking.usage(start=_moment(low), end=_moment(high), key=self._key, limit=limit)

    async def _keep(self, told: UsagePage) -> tuple[float, float] | None:
        """Keep a page; from when to when it is, in the order it came. None for one without any request."""
        records: list[UsageRecord] = []
        for index in range(0, len(told.events), SLICE):
            records += filter(None, (usage_record(event, self._key) for event in told.events[index : index + SLICE]))
            await asyncio.sleep(0)
        for index in range(0, len(records), SLICE):
            await self._shelf.add(records[index : index + SLICE])
        self._refused += len(told.events) - len(records)
        return (records[0].at, records[-1].at) if records else None

    async def _missing(self, told: UsagePage, low: float, high: float) -> int | None:
        """How many of that time the server counts beyond those kept; None where it does not count."""
        if told.total_requests is None:
            return None
        return max(0, told.total_requests - self._refused - await self._shelf.count(low, high))

    def _is_whole(self, told: UsagePage, news: int, missing: int | None) -> bool:
        if missing is None:
            return len(told.events) < self._page or news == 0
        return told.total_requests == len(told.events) or (news < len(told.events) and missing == 0)

    async def _rest(
        self, told: UsagePage, span: tuple[float, float], news: int, low: float, high: float
    ) -> tuple[float, float] | None:
        """Where to read on, as from and to; None when there is nowhere."""
        first, last = span
        if first < last:  # this server tells the oldest first
            return (last - _FINEST if last - _FINEST > low else last + _FINEST / 1_000, high)
        if news == 0 and told.total_requests is not None:
            return await self._hole(low, min(high, last + _FINEST))
        return (low, last + _FINEST if last + _FINEST < high else last - _FINEST / 1_000)

    async def _hole(self, low: float, high: float) -> tuple[float, float] | None:
        """The latest part of that time of which something is missing."""
        whole = await self._told(low, high, 1)
        if not await self._missing(whole, low, high):
            return None
        early, late = low, high
        while late - early > _FINEST:
            middle = (early + late) / 2
            told = await self._told(middle, high, 1)
            if await self._missing(told, middle, high):
                early = middle
            else:
                late = middle
        return low, late + _FINEST


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
