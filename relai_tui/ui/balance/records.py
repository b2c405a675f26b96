"""What the table of the room lists, fetched: sums whole, single records only a page at a time."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from relai_tui.api.errors import NotOffered
from relai_tui.spending.values import Source, Spending, UsageFilter
from relai_tui.ui.balance.lines import Period
from relai_tui.ui.balance.listings import (
    FOUND_COLUMNS,
    LEDGER_COLUMNS,
    REQUEST_COLUMNS,
    Listing,
    Order,
    ledger_rows,
    request_rows,
    sums_shown,
)
from relai_tui.ui.balance.table import Column, Row, Shown

if TYPE_CHECKING:
    from relai_tui.spending.desk import BalanceDesk

PAGE = 100
"""Records read at once."""
_PAGES_HELD = 12
FRESH = 60.0
"""Seconds for which sums by key, which the server is asked for one by one, are not asked for again."""


@dataclass(frozen=True, slots=True)
class Narrow:
    """Which requests are listed, beside the period. Empty is all."""

    model: str = ""
    """A model's id, `*` for anything; words without one may stand anywhere in it."""
    key: str = ""
    key_name: str = ""
    day: str = ""
    """A date as `2026-11-25`."""

    @property
    def words(self) -> str:
        """As it is shown: nothing when nothing is narrowed."""
        named = (("model", self.model), ("key", self.key_name or self.key), ("day", self.day))
        return " · ".join(f"{name} {value}" for name, value in named if value)


class Records:
    """The rows behind the table. Raises what the desk raises."""

    def __init__(self, desk: "BalanceDesk") -> None:
        self._desk = desk
        self.spending: Spending | None = None
        """The sums listed last; None for single records."""
        self.told = True
        """Whether the ledger is the server's own."""
        self.filter = UsageFilter()
        self._by_key: dict[Period, tuple[float, Spending]] = {}
        self._listing, self._rows, self._total = Listing.MODELS, dict[int, Row](), 0

    def forget(self) -> None:
        """Ask anew also for what was asked a moment ago."""
        self._by_key.clear()

    async def first(self, listing: Listing, period: Period, order: Order, narrow: Narrow) -> Shown:
        """What is shown of a listing at first."""
        self._listing = listing
        if listing.by is not None:
            self.spending = spending = await self._sums(listing, period)
            nothing = f"Nothing was spent in the last {period.words}."
            if spending.source is Source.TURNS:
                nothing = f"No answer of the last {period.words} is kept on this machine."
            return sums_shown(listing, spending.sums, order, nothing)
        self.spending, self._rows = None, {}
        self.filter = self._filter(period, narrow)
        return await self.more(0, PAGE)

    async def more(self, first: int, count: int) -> Shown:
        """With the rows from `first` on: the pages around them are read, those far away forgotten."""
        for page in range(first // PAGE, (first + count - 1) // PAGE + 1):
            if page * PAGE not in self._rows:
                self._rows |= await self._page(page * PAGE)
        far = {place for place in self._rows if abs(place - first) > PAGE * _PAGES_HELD // 2}
        self._rows = {place: row for place, row in self._rows.items() if place not in far}
        columns: tuple[Column, ...] = REQUEST_COLUMNS
        if self._listing is Listing.LEDGER:
            columns = LEDGER_COLUMNS if self.told else FOUND_COLUMNS
        return Shown(columns, self._total, self._rows, "at", nothing=self._nothing())

    async def _sums(self, listing: Listing, period: Period) -> Spending:
        assert listing.by is not None
        now = self._desk.clock()
        if listing is not Listing.KEYS:
            return await self._desk.sums(listing.by, now - period.seconds)
        as_of, known = self._by_key.get(period, (0.0, None))
        if known is None or now - as_of > FRESH:
            known = await self._desk.sums(listing.by, now - period.seconds)
            self._by_key[period] = now, known
        return known

    async def _page(self, offset: int) -> dict[int, Row]:
        zone = self._desk.zone
        if self._listing is Listing.LEDGER:
            ledger = await self._desk.ledger_page(offset, PAGE)
            self._total, self.told = ledger.total, ledger.told
            return ledger_rows(offset, ledger.records, zone)
        usage = await self._desk.usage_page(self.filter, offset, PAGE)
        self._total = usage.total
        return request_rows(offset, usage.records, zone)

    def _filter(self, period: Period, narrow: Narrow) -> UsageFilter:
        now, model = self._desk.clock(), narrow.model
        found = UsageFilter(since=now - period.seconds, until=None, key=narrow.key or None)
        if model:
            found = replace(found, model=model if "*" in model else f"*{model}*")
        if narrow.day:
            start = datetime.strptime(narrow.day, "%Y-%m-%d").astimezone(self._desk.zone)
            if self._desk.zone is not None:
                start = datetime.strptime(narrow.day, "%Y-%m-%d").replace(tzinfo=self._desk.zone)
            found = replace(found, since=start.timestamp(), until=(start + timedelta(days=1)).timestamp())
        return found

    def _nothing(self) -> str:
        if self._listing is Listing.LEDGER:
            return "No movement is known." if self.told else "No top-up is found in the readings of this machine."
        return "No request matches. Esc clears the filter." if self.filter.model else "No request in this time."


def not_told(error: NotOffered) -> Shown:
    """A listing the server has nothing for."""
    return Shown(total=0, nothing=str(error))
