"""What the server charged and booked, kept as it was told (edition 2), so that a second look needs no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relai_tui.spending_records import By, LedgerRecord, SpendSum, UsageRecord
from relai_tui.store.rows import name_of, seconds_of, whole_of
from relai_tui.text import NOTHING, clean_name

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from relai_tui.store.connection import Database

_COLUMNS = "request_id, at, model, tokens_in, tokens_out, cost_micro, latency_ms, status, key_id"
_PARTS = {
    By.MODEL: "coalesce(model, '')",
    By.DAY: "date(at, 'unixepoch', 'localtime')",
    By.KEY: "coalesce(key_id, '')",
}


class Usage:
    """The server's requests and movements by profile. Methods raise `StoreError`s only. Times are Unix seconds."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def add(self, profile: str, records: Sequence[UsageRecord]) -> None:
        """Keep requests; one that is kept already stays once, and learns its key where that was not known."""
        name = clean_name(profile)
        rows = [
            (
                name, r.request_id, r.at, r.model, whole_of(r.tokens_in), whole_of(r.tokens_out),
                whole_of(r.cost_micro), whole_of(r.latency_ms), r.status, r.key_id,
            )
            for r in records
            if seconds_of(r.at) is not None
        ]  # fmt: skip
        if rows:
            await self._db.write(
                lambda db: db.executemany(
                    f"INSERT INTO usage_event (profile, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET key_id = coalesce(excluded.key_id, key_id),"
                    " cost_micro = coalesce(excluded.cost_micro, cost_micro)",
                    rows,
                )
            )

    async def count(self, profile: str, since: float, until: float, *, key: str | None = None) -> int:
        """How many requests are kept of that time, its end included; with `key`, those known as that key's."""
        also, more = (" AND key_id = ?", (key,)) if key is not None else ("", ())
        rows = await self._db.read(
            f"SELECT count(*) FROM usage_event WHERE profile = ? AND at >= ? AND at <= ?{also}",
            (clean_name(profile), since, until, *more),
        )
        return int(rows[0][0])

    async def page(
        self,
        profile: str,
        *,
        since: float | None,
        until: float | None,
        model: str | None,
        key: str | None,
        offset: int,
        limit: int,
    ) -> tuple[tuple[UsageRecord, ...], int]:
        """Some requests, the newest first, and how many there are; `model` takes `*`, `until` is left out."""
        where, values = ["profile = ?"], [clean_name(profile)]
        wished: tuple[tuple[str, object], ...] = (
            ("at >= ?", since),
            ("at < ?", until),
            ("model GLOB ?", model.replace("[", "[[]").replace("?", "[?]") if model else None),
            ("key_id = ?", key),
        )
        parameters: list[object] = [*values]
        for condition, value in wished:
            if value is not None:
                where.append(condition)
                parameters.append(value)
        chosen = " AND ".join(where)
        total = await self._db.read(f"SELECT count(*) FROM usage_event WHERE {chosen}", tuple(parameters))
        rows = await self._db.read(
            f"SELECT {_COLUMNS} FROM usage_event WHERE {chosen} ORDER BY at DESC, request_id DESC LIMIT ? OFFSET ?",
            (*parameters, limit, offset),
        )
        return tuple(_usage_of(row) for row in rows), int(total[0][0])

    async def sums(self, by: By, profile: str, since: float, until: float) -> tuple[SpendSum, ...]:
        """What requests cost from `since` until before `until`, by model, day of this machine's calendar, or key."""
        rows = await self._db.read(
            f"SELECT {_PARTS[by]} AS part, NULL AS name, sum(cost_micro) AS micro, count(*) AS count,"
            " count(*) - count(cost_micro) AS unknown, sum(tokens_in) AS tokens_in, sum(tokens_out) AS tokens_out"
            " FROM usage_event WHERE profile = ? AND at >= ? AND at < ? GROUP BY part",
            (clean_name(profile), since, until),
        )
        return tuple(sum_of(row) for row in rows)

    async def add_ledger(self, profile: str, records: Sequence[LedgerRecord]) -> None:
        """Keep movements; one of the same id replaces the one before."""
        name = clean_name(profile)
        rows = [
            (name, r.id, r.at, whole_of(r.delta_micro), r.reason, r.reference)
            for r in records
            if seconds_of(r.at) is not None
        ]
        if rows:
            await self._db.write(
                lambda db: db.executemany("INSERT OR REPLACE INTO movement VALUES (?, ?, ?, ?, ?, ?)", rows)
            )

    async def ledger_page(self, profile: str, offset: int, limit: int) -> tuple[tuple[LedgerRecord, ...], int]:
        """Some movements, the newest first, and how many there are."""
        name = clean_name(profile)
        total = await self._db.read("SELECT count(*) FROM movement WHERE profile = ?", (name,))
        rows = await self._db.read(
            "SELECT id, at, delta_micro, reason, reference FROM movement WHERE profile = ?"
            " ORDER BY at DESC, id DESC LIMIT ? OFFSET ?",
            (name, limit, offset),
        )
        return tuple(_movement_of(row) for row in rows), int(total[0][0])


def sum_of(row: sqlite3.Row) -> SpendSum:
    """A row of sums: `part` is what it is, `name` what is shown instead where there is one."""
    part = name_of(row["part"]) or NOTHING
    return SpendSum(
        name=name_of(row["name"]) or part,
        id=part,
        micro=whole_of(row["micro"]) or 0,
        count=int(row["count"]),
        unknown=int(row["unknown"]),
        tokens_in=whole_of(row["tokens_in"]) or 0,
        tokens_out=whole_of(row["tokens_out"]) or 0,
    )


def _usage_of(row: sqlite3.Row) -> UsageRecord:
    return UsageRecord(
        request_id=name_of(row["request_id"]) or NOTHING,
        at=seconds_of(row["at"]) or 0.0,
        model=name_of(row["model"]),
        tokens_in=whole_of(row["tokens_in"]),
        tokens_out=whole_of(row["tokens_out"]),
        cost_micro=whole_of(row["cost_micro"]),
        latency_ms=whole_of(row["latency_ms"]),
        status=name_of(row["status"]),
        key_id=name_of(row["key_id"]),
    )


def _movement_of(row: sqlite3.Row) -> LedgerRecord:
    return LedgerRecord(
        id=name_of(row["id"]) or NOTHING,
        at=seconds_of(row["at"]) or 0.0,
        delta_micro=whole_of(row["delta_micro"]),
        reason=name_of(row["reason"]),
        reference=name_of(row["reference"]),
    )
