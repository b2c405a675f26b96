"""Receipts: what was spent in a time or a conversation, as CSV and as Markdown. Pure.

An answer of this program and the request the server charged for it are one row. Requests of others, and movements of
the credits that are no charge listed already, have rows of their own. Sums are of whole micro-dollars; what has no
known cost is counted and never summed.
"""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from relai_tui.balance.attribution import match_usage
from relai_tui.conversation import CostBasis
from relai_tui.money import dollars
from relai_tui.spending_records import LedgerRecord, SpentTurn, UsageRecord
from relai_tui.text import NOTHING, CleanText, clean

_MARKS = re.compile(r"([\\`*{}\[\]<>|#~&]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_COLUMNS = (
    "time", "kind", "what", "model", "tokens_in", "tokens_out", "cost_micro", "cost_dollars", "basis", "moved_micro",
    "key", "request", "reference",
)  # fmt: skip


class RowKind(StrEnum):
    """What a row of a receipt is."""

    ANSWER = "answer"
    """Asked for here."""
    REQUEST = "request"
    """Charged by the server, and not of this program's history."""
    MOVEMENT = "movement"
    """The credits rose or fell otherwise: a top-up, a refund, a correction."""


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """One row."""

    kind: RowKind
    at: float
    """Unix time in seconds."""
    what: CleanText
    """A conversation's title, or what moved the credits."""
    model: CleanText | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost_micro: int | None = None
    """Micro-dollars; None is not known."""
    basis: CostBasis = CostBasis.UNKNOWN
    moved_micro: int | None = None
    """Of a movement: micro-dollars, negative when the credits fell."""
    key_id: CleanText | None = None
    request_id: CleanText | None = None
    reference: CleanText | None = None


@dataclass(frozen=True, slots=True)
class ReceiptTotals:
    """The sums of a receipt. Micro-dollars."""

    spent_micro: int
    """The known costs of answers and requests."""
    unknown: int
    """Answers and requests without a known cost."""
    moved_micro: int
    """Movements beside them."""


def receipt_rows(
    turns: Sequence[SpentTurn], usage: Sequence[UsageRecord], movements: Sequence[LedgerRecord]
) -> tuple[ReceiptRow, ...]:
    """All rows, oldest first. A charge that is listed as an answer or a request is not listed as a movement."""
    matched = match_usage(turns, usage)
    listed = {event.request_id for event in matched.values()}
    rows = [_answer(turn, matched.get(turn.turn_id)) for turn in turns]
    rows += [_request(event) for event in usage if event.request_id not in listed]
    known = {event.request_id for event in usage}
    charged = {(row.request_id, row.cost_micro) for row in rows}
    for record in movements:
        told = record.reference in known or (record.reference, record.delta_micro and -record.delta_micro) in charged
        if not told:
            rows.append(_movement(record))
    return tuple(sorted(rows, key=lambda row: row.at))


def totals(rows: Sequence[ReceiptRow]) -> ReceiptTotals:
    """The sums of these rows."""
    spent = [row for row in rows if row.kind is not RowKind.MOVEMENT]
    return ReceiptTotals(
        sum(row.cost_micro for row in spent if row.cost_micro is not None),
        sum(row.cost_micro is None for row in spent),
        sum(row.moved_micro for row in rows if row.moved_micro is not None),
    )


def as_csv(rows: Sequence[ReceiptRow]) -> str:
    """RFC 4180 with a heading line, times in UTC. No cell is taken for a formula by a spreadsheet."""
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\r\n")
    table.writerow(_COLUMNS)
    for row in rows:
        cells = (
            _moment(row.at), row.kind.value, row.what, row.model, row.tokens_in, row.tokens_out, row.cost_micro,
            _decimal(row.cost_micro), row.basis.value if row.kind is not RowKind.MOVEMENT else "", row.moved_micro,
            row.key_id, row.request_id, row.reference,
        )  # fmt: skip
        table.writerow([safe_cell(cell) if isinstance(cell, str) else cell for cell in cells])
    return written.getvalue()


def as_markdown(rows: Sequence[ReceiptRow]) -> CleanText:
    """A table with its sums below it, times in UTC."""
    lines = ["| time (UTC) | what | model | tokens in | tokens out | cost | basis |", "|---|---|---|--:|--:|--:|---|"]
    lines += [_markdown_row(row) for row in rows]
    sums = totals(rows)
    lines += ["", f"**Spent: {dollars(sums.spent_micro)}**"]
    if sums.unknown:
        lines[-1] += f" and {sums.unknown} of unknown cost"
    if any(row.kind is RowKind.MOVEMENT for row in rows):
        lines += ["", f"Movements of the credits beside that: {_signed(sums.moved_micro)}"]
    if not rows:
        lines = ["Nothing was spent in that time, as far as is known."]
    return CleanText("\n".join(lines) + "\n")


def safe_cell(text: str) -> str:
    """A cell no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _answer(turn: SpentTurn, event: UsageRecord | None) -> ReceiptRow:
    exact = event is not None and event.cost_micro is not None
    return ReceiptRow(
        RowKind.ANSWER,
        turn.at,
        turn.conversation or CleanText("(a deleted conversation)"),
        turn.model,
        turn.tokens_in,
        turn.tokens_out,
        event.cost_micro if event is not None and exact else turn.cost_micro,
        CostBasis.EXACT if exact else turn.basis,
        key_id=(event.key_id if event else None) or turn.key_id,
        request_id=event.request_id if event else None,
    )


def _request(event: UsageRecord) -> ReceiptRow:
    basis = CostBasis.EXACT if event.cost_micro is not None else CostBasis.UNKNOWN
    return ReceiptRow(
        RowKind.REQUEST,
        event.at,
        CleanText("not from here"),
        event.model,
        event.tokens_in,
        event.tokens_out,
        event.cost_micro,
        basis,
        key_id=event.key_id,
        request_id=event.request_id,
    )


def _movement(record: LedgerRecord) -> ReceiptRow:
    what = (record.reason or "movement").replace("_", " ")
    found = " (found in the readings)" if record.found else ""
    return ReceiptRow(
        RowKind.MOVEMENT,
        record.at,
        clean(what + found),
        moved_micro=record.delta_micro,
        reference=record.reference,
    )


def _markdown_row(row: ReceiptRow) -> str:
    if row.kind is RowKind.MOVEMENT:
        amount = "—" if row.moved_micro is None else _signed(row.moved_micro)
        note = row.reference or NOTHING
        cells: tuple[str, ...] = (row.what, note, "", "", amount, "")
    else:
        cost = "—" if row.cost_micro is None else dollars(row.cost_micro)
        cells = (row.what, row.model or "—", _count(row.tokens_in), _count(row.tokens_out), cost, row.basis.value)
    moment = datetime.fromtimestamp(row.at, UTC).strftime("%Y-%m-%d %H:%M")
    return "| " + " | ".join((moment, *map(_cell, cells))) + " |"


def _cell(text: str) -> str:
    """Foreign text as nothing but text: no markup, link, picture or column."""
    return _MARKS.sub(r"\\\1", text)


def _count(count: int | None) -> str:
    return "—" if count is None else f"{count:,}"


def _signed(micro: int) -> str:
    return f"+{dollars(micro)}" if micro > 0 else dollars(micro)


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _decimal(micro: int | None) -> str:
    """Dollars with all six decimals, exact."""
    if micro is None:
        return ""
    whole, rest = divmod(abs(micro), 1_000_000)
    return f"{'-' if micro < 0 else ''}{whole}.{rest:06d}"
