"""What the table can list: spending by model, conversation, day and key, the ledger, and the single requests.

Records of the floors below become rows of text here; nothing is drawn, asked or added up.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from enum import StrEnum

from relai_tui.money import dollars
from relai_tui.spending_records import By, LedgerRecord, SpendSum, UsageRecord
from relai_tui.ui.balance.table import Column, Row, Shown

UNKNOWN = "—"


class Listing(StrEnum):
    """What is listed. The values are what the chips say."""

    MODELS = "models"
    CONVERSATIONS = "conversations"
    DAYS = "days"
    KEYS = "keys"
    LEDGER = "ledger"
    REQUESTS = "requests"

    @property
    def by(self) -> By | None:
        """What the spending is summed by; None for single records."""
        return _BY.get(self)


_BY = {
    Listing.MODELS: By.MODEL,
    Listing.CONVERSATIONS: By.CONVERSATION,
    Listing.DAYS: By.DAY,
    Listing.KEYS: By.KEY,
}
_NAMES = {
    Listing.MODELS: "model",
    Listing.CONVERSATIONS: "conversation",
    Listing.DAYS: "day",
    Listing.KEYS: "key",
}
_COST = Column("cost", "cost", 11, right=True)
SORTABLE = ("name", "cost", "count", "unknown", "in", "out")
"""The columns of sums, in the order in which `s` goes through them."""

LEDGER_COLUMNS = (
    Column("at", "time", 16),
    Column("amount", "amount", 12, right=True),
    Column("reason", "what", 16, grows=True),
    Column("reference", "reference", 24, keep=3),
)
FOUND_COLUMNS = LEDGER_COLUMNS[:3]
"""Of rises that were found in the readings, which have no reference."""
REQUEST_COLUMNS = (
    Column("at", "time", 15),
    Column("model", "model", 16, grows=True),
    _COST,
    Column("in", "in", 9, right=True, keep=3),
    Column("out", "out", 8, right=True, keep=4),
    Column("latency", "took", 8, right=True, keep=2),
    Column("status", "status", 7, right=True, keep=1),
    Column("id", "request", 28, keep=0),
)


@dataclass(frozen=True, slots=True)
class Order:
    """How sums are sorted."""

    column: str = "cost"
    descending: bool = True

    def by(self, column: str) -> "Order":
        """By this column; by the same one, the other way round."""
        return Order(column, not self.descending if column == self.column else column != "name")


def skeleton(listing: Listing) -> Shown:
    """What is shown of a listing before anything is known."""
    if listing is Listing.LEDGER:
        return Shown(LEDGER_COLUMNS)
    return Shown(REQUEST_COLUMNS) if listing.by is None else replace(sums_shown(listing, (), Order()), total=None)


def sums_shown(listing: Listing, sums: Iterable[SpendSum], order: Order, nothing: str = "") -> Shown:
    """Sums as rows, the bars as long as what each cost."""
    rows = sorted(sums, key=_SORT_KEYS[order.column], reverse=order.descending)
    most = max((row.micro for row in rows), default=0)
    priced = all(row.unknown == 0 for row in rows)
    columns = (
        Column("name", _NAMES[listing], 18, grows=True),
        _COST,
        Column("count", "requests", 9, right=True, keep=4),
        *(() if priced else (Column("unknown", "unpriced", 9, right=True, keep=6),)),
        Column("in", "in", 12, right=True, keep=2),
        Column("out", "out", 12, right=True, keep=3),
    )
    costs = aligned([dollars(row.micro) if row.unknown < row.count or row.micro else UNKNOWN for row in rows])
    names = [day_words(row.id) if listing is Listing.DAYS else row.name for row in rows]
    shown = {place: _sum_row(row, names[place], costs[place], most, priced=priced) for place, row in enumerate(rows)}
    return Shown(columns, len(rows), shown, order.column, order.descending, bars=True, nothing=nothing)


def _sum_row(row: SpendSum, name: str, cost: str, most: int, *, priced: bool) -> Row:
    unknown = (f"{row.unknown:,}" if row.unknown else "", "warn")
    cells = (
        (name or "without a name", "" if name else "faint"),
        (cost, "strong"),
        (f"{row.count:,}", ""),
        *(() if priced else (unknown,)),
        (f"{row.tokens_in:,}", "faint"),
        (f"{row.tokens_out:,}", "faint"),
    )
    return Row(row.id, cells, row.micro * 1_000 // most if most > 0 else 0)


_SORT_KEYS: Mapping[str, Callable[[SpendSum], tuple[int | str, ...]]] = {
    "name": lambda row: (row.name.casefold(), row.id),
    "cost": lambda row: (row.micro, row.count, row.id),
    "count": lambda row: (row.count, row.micro, row.id),
    "unknown": lambda row: (row.unknown, row.micro, row.id),
    "in": lambda row: (row.tokens_in, row.micro, row.id),
    "out": lambda row: (row.tokens_out, row.micro, row.id),
}


def ledger_rows(first: int, records: Iterable[LedgerRecord], zone: tzinfo | None) -> dict[int, Row]:
    """Movements of the credits, by their place."""
    listed = tuple(records)
    amounts = aligned([UNKNOWN if record.delta_micro is None else signed(record.delta_micro) for record in listed])
    rows = {}
    for place, record in enumerate(listed):
        rise = (record.delta_micro or 0) > 0
        cells = (
            (moment(record.at, zone), "faint"),
            (amounts[place], "good" if rise else ""),
            (_reason(record), "" if rise else "faint"),
            (record.reference or "", "faint"),
        )
        rows[first + place] = Row(record.id, cells)
    return rows


def _reason(record: LedgerRecord) -> str:
    if record.found:
        return "top-up or refund, found between two readings"
    return (record.reason or UNKNOWN).replace("_", " ")


def request_rows(first: int, records: Iterable[UsageRecord], zone: tzinfo | None) -> dict[int, Row]:
    """Requests, by their place."""
    listed = tuple(records)
    costs = aligned([UNKNOWN if record.cost_micro is None else dollars(record.cost_micro) for record in listed])
    rows = {}
    for place, record in enumerate(listed):
        cells = (
            (moment(record.at, zone, seconds=True), "faint"),
            (record.model or UNKNOWN, ""),
            (costs[place], "strong"),
            (_count(record.tokens_in), "faint"),
            (_count(record.tokens_out), "faint"),
            (UNKNOWN if record.latency_ms is None else _seconds(record.latency_ms), "faint"),
            (record.status or UNKNOWN, "faint" if record.status in ("200", "ok", "success") else "warn"),
            (record.request_id, "faint"),
        )
        rows[first + place] = Row(record.request_id, cells)
    return rows


def day_words(date: str) -> str:
    """A date as `2026-11-25` in words: `Wed 25 Nov`."""
    try:
        found = datetime.strptime(date, "%Y-%m-%d")  # noqa: DTZ007 - a date of the calendar, no moment
    except ValueError:
        return date
    return f"{found:%a} {found.day:2} {found:%b}"


def _count(number: int | None) -> str:
    return UNKNOWN if number is None else f"{number:,}"


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds // 1_000}.{milliseconds % 1_000 // 100} s"


def signed(micro: int) -> str:
    """A movement: with its sign, so that a charge is not taken for a balance."""
    return f"+{dollars(micro)}" if micro > 0 else dollars(micro)


def moment(at: float, zone: tzinfo | None, *, seconds: bool = False) -> str:
    """A Unix time on the local clock: `25 Nov 14:02`."""
    local = datetime.fromtimestamp(at, zone)
    return f"{local.day:2} {local:%b %H:%M:%S}" if seconds else f"{local:%a} {local.day:2} {local:%b %H:%M}"


def aligned(figures: Sequence[str]) -> list[str]:
    """Figures whose points stand below one another when each is set to the right."""
    most = max((len(figure.partition(".")[2]) for figure in figures), default=0)
    return [figure + " " * (most - len(figure.partition(".")[2])) for figure in figures]
