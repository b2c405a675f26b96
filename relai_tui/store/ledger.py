"""Money on disk: balance readings and what turns cost. Integers of micro-dollars only; None is "not known"."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from relai_tui.conversation import CostBasis
from relai_tui.spending_records import AlertLevel, AlertState, By, KeptReading, SpendSum, SpentTurn
from relai_tui.store.errors import StoreError
from relai_tui.store.rows import basis_of, name_of, seconds_of, whole_of
from relai_tui.store.usage import sum_of
from relai_tui.text import NOTHING, CleanText, clean_name

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    import aiosqlite

    from relai_tui.store.connection import Database

DENSE = 2 * 86_400.0
"""Seconds for which every reading is kept."""
MEDIUM = 30 * 86_400.0
"""Seconds for which, of older ones, the last of each five minutes is kept; beyond that, of each hour.

A rise and the reading before it always stay: between them lies a top-up.
"""
_SHELVES = ((DENSE, 300.0), (MEDIUM, 3_600.0))
_MANY = 2_000
"""Rows from which on they are made values of in a thread, so that the screen does not wait."""

AHEAD = 60.0
"""Seconds by which a reading may seem to be of the future."""
LONGEST_LEASE = 7_200.0
"""Seconds: no poller asks for a longer one."""
_PARTS = {
    By.MODEL: "coalesce(k.model, '')",
    By.CONVERSATION: "k.conversation_id",
    By.DAY: "date(k.at, 'unixepoch', 'localtime')",
    By.KEY: "coalesce(k.key_id, '')",
}
_KNOWN = f"('{CostBasis.EXACT}', '{CostBasis.MEASURED}')"
# An answer the server refused was never made, so that there is no cost to know.
_PRICED_TURNS = (
    "FROM turn t LEFT JOIN cost k ON k.turn_id = t.id WHERE t.conversation_id = ? AND t.role = 'assistant'"
    " AND t.state <> 'streaming' AND NOT (t.state = 'failed' AND t.text = '' AND t.reasoning = '')"
)


class Ledger:
    """What a store knows of money. Methods raise `StoreError`s only; those that write, ReadOnly where they may not."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._db, self._clock = database, clock

    async def add_reading(self, profile: str, region: str | None, micro: int, as_of: float, source: str) -> None:
        """Keep a reading: micro-dollars at a Unix time in seconds. A second one of the same moment replaces the first.

        Raises StoreError for an amount or a time that cannot be true.
        """
        if whole_of(micro) is None or seconds_of(as_of) is None:
            raise StoreError("This balance cannot be true and is not kept.")
        values = (
            clean_name(profile),
            clean_name(region) if region else None,
            micro,
            as_of,
            clean_name(source),
        )
        await self._db.write(
            lambda db: db.execute(
                "INSERT OR REPLACE INTO reading (profile, region, micro, as_of, source) VALUES (?, ?, ?, ?, ?)", values
            )
        )

    async def add_readings(
        self, profile: str, region: str | None, readings: Sequence[tuple[int, float]], source: str
    ) -> None:
        """Keep many readings in one step: micro-dollars, each at a Unix time in seconds. Those that cannot be true are
        left out.
        """
        names = (clean_name(profile), clean_name(region) if region else None, clean_name(source))
        rows = [
            (names[0], names[1], micro, as_of, names[2])
            for micro, as_of in readings
            if whole_of(micro) is not None and seconds_of(as_of) is not None
        ]
        await self._db.write(
            lambda db: db.executemany(
                "INSERT OR REPLACE INTO reading (profile, region, micro, as_of, source) VALUES (?, ?, ?, ?, ?)", rows
            )
        )

    async def readings(
        self, profile: str, since: float | None = None, until: float | None = None
    ) -> tuple[KeptReading, ...]:
        """The readings of a profile from `since` until before `until` (Unix seconds), oldest first."""
        rows = await self._db.read(
            "SELECT * FROM reading WHERE profile = ? AND as_of >= ? AND as_of < ? ORDER BY as_of",
            (
                clean_name(profile),
                float("-inf") if since is None else since,
                float("inf") if until is None else until,
            ),
        )
        return await asyncio.to_thread(_readings_of, rows) if len(rows) > _MANY else _readings_of(rows)

    async def last_reading(self, profile: str) -> KeptReading | None:
        """The newest reading of a profile; those of a clock that ran ahead are passed over."""
        rows = await self._db.read(
            "SELECT * FROM reading WHERE profile = ? AND as_of <= ? ORDER BY as_of DESC LIMIT 1",
            (clean_name(profile), self._clock() + AHEAD),
        )
        return _reading_of(rows[0]) if rows else None

    async def record_cost(
        self,
        turn_id: str,
        conversation_id: str,
        profile: str,
        *,
        key_id: str | None = None,
        model: str | None = None,
        cost_micro: int | None,
        basis: CostBasis,
        at: float | None = None,
        seconds: float | None = None,
        tokens_in: int | None = None,
        tokens_out: int | None = None,
    ) -> None:
        """What a turn cost in micro-dollars, and how that is known; what is recorded later replaces it.

        `at` is when it began (now by default), `seconds` how long it took. Outlives the conversation: money spent stays
        spent.
        """
        now = self._clock()
        values = (
            turn_id,
            conversation_id,
            clean_name(profile),
            clean_name(key_id) if key_id else None,
            clean_name(model) if model else None,
            whole_of(cost_micro),
            basis.value,
            now,
            now if at is None else at,
            seconds,
            whole_of(tokens_in),
            whole_of(tokens_out),
        )
        await self._db.write(
            lambda db: db.execute(
                "INSERT INTO cost (turn_id, conversation_id, profile, key_id, model, cost_micro, basis, recorded_at,"
                " at, seconds, tokens_in, tokens_out) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (turn_id) DO UPDATE SET profile = excluded.profile,"
                " key_id = coalesce(excluded.key_id, key_id), model = coalesce(excluded.model, model),"
                " cost_micro = excluded.cost_micro, basis = excluded.basis,"
                " seconds = coalesce(excluded.seconds, seconds), tokens_in = coalesce(excluded.tokens_in, tokens_in),"
                " tokens_out = coalesce(excluded.tokens_out, tokens_out)",
                values,
            )
        )

    async def conversation_cost(self, conversation_id: str) -> tuple[int, int]:
        """The sum of the known costs in micro-dollars, and the number of answers whose cost is not known.

        Known is `exact` or `measured`, as recorded here or in the turn's own figures. An answer that still streams
        and one that the server refused to begin count in neither.
        """
        rows = await self._db.read(
            f"SELECT CASE WHEN k.cost_micro IS NOT NULL AND k.basis IN {_KNOWN} THEN k.cost_micro"
            f" WHEN t.cost_basis IN {_KNOWN} THEN t.cost_micro END AS micro {_PRICED_TURNS}",
            (conversation_id,),
        )
        return _summed(rows)

    async def spent(self, profile: str, since: float) -> tuple[int, int]:
        """As `conversation_cost`, of everything that began for a profile from that Unix time on."""
        rows = await self._db.read(
            f"SELECT CASE WHEN basis IN {_KNOWN} THEN cost_micro END AS micro FROM cost WHERE profile = ? AND at >= ?",
            (clean_name(profile), since),
        )
        return _summed(rows)

    async def spent_turns(
        self, profile: str, since: float, until: float, conversation_id: str | None = None
    ) -> tuple[SpentTurn, ...]:
        """The answers of a profile that began from `since` until before `until`, oldest first, and what they cost."""
        also, more = (" AND k.conversation_id = ?", (conversation_id,)) if conversation_id else ("", ())
        rows = await self._db.read(
            "SELECT k.*, c.title FROM cost k LEFT JOIN conversation c"
            " ON c.id = k.conversation_id AND c.deleted_at IS NULL"
            f" WHERE k.profile = ? AND k.at >= ? AND k.at < ?{also} ORDER BY k.at",
            (clean_name(profile), since, until, *more),
        )
        return await asyncio.to_thread(_turns_of, rows) if len(rows) > _MANY else _turns_of(rows)

    async def sums(self, by: By, profile: str, since: float, until: float) -> tuple[SpendSum, ...]:
        """What the answers of a profile cost from `since` until before `until`, in parts; days are this machine's."""
        known = f"CASE WHEN k.basis IN {_KNOWN} THEN k.cost_micro END"
        rows = await self._db.read(
            f"SELECT {_PARTS[by]} AS part, max(c.title) AS name, sum({known}) AS micro, count(*) AS count,"
            f" count(*) - count({known}) AS unknown, sum(k.tokens_in) AS tokens_in, sum(k.tokens_out) AS tokens_out"
            " FROM cost k LEFT JOIN conversation c ON c.id = k.conversation_id AND c.deleted_at IS NULL AND ?"
            " WHERE k.profile = ? AND k.at >= ? AND k.at < ? GROUP BY part",
            (by is By.CONVERSATION, clean_name(profile), since, until),
        )
        return tuple(sum_of(row) for row in rows)

    async def conversation_sum(self, conversation_id: str) -> tuple[int, int]:
        """As `conversation_cost`, but of what was recorded here alone: quick however long the conversation is."""
        rows = await self._db.read(
            f"SELECT CASE WHEN basis IN {_KNOWN} THEN cost_micro END AS micro FROM cost WHERE conversation_id = ?",
            (conversation_id,),
        )
        return _summed(rows)

    async def known_costs(self, conversation_id: str, limit: int = 20) -> tuple[int, ...]:
        """What the last answers of a conversation cost that are known, oldest first, in micro-dollars."""
        rows = await self._db.read(
            f"SELECT cost_micro FROM cost WHERE conversation_id = ? AND basis IN {_KNOWN} AND cost_micro IS NOT NULL"
            " ORDER BY at DESC LIMIT ?",
            (conversation_id, limit),
        )
        return tuple(micro for row in reversed(rows) if (micro := whole_of(row[0])) is not None)

    async def costs_of(self, asked: str, limit: int = 20) -> tuple[int, ...]:
        """What the last answers cost that were asked of this alias or id, oldest first, in micro-dollars."""
        rows = await self._db.read(
            f"SELECT cost_micro FROM turn WHERE model_asked = ? AND cost_basis IN {_KNOWN} AND cost_micro IS NOT NULL"
            " ORDER BY number DESC LIMIT ?",
            (clean_name(asked), limit),
        )
        return tuple(micro for row in reversed(rows) if (micro := whole_of(row[0])) is not None)

    async def overlapping(self, turn_id: str, since: float, until: float) -> int:
        """How many other answers, of any window of this machine, were on their way in that time (Unix seconds)."""
        rows = await self._db.read(
            "SELECT count(*) FROM turn WHERE role = 'assistant' AND id <> ? AND created_at < ?"
            " AND coalesce(created_at + seconds, CASE WHEN state = 'streaming' THEN coalesce(heartbeat, created_at)"
            " ELSE created_at END) > ?",
            (turn_id, until, since),
        )
        return int(rows[0][0])

    # -- polling and alerts, shared by all windows of this machine

    async def take_poll_lease(self, profile: str, holder: str, now: float, until: float) -> bool:
        """Whether `holder` may read the balance of a profile: nobody else does, or has not for long."""

        async def take(db: aiosqlite.Connection) -> bool:
            cursor = await db.execute(
                "INSERT INTO poll_lease VALUES (?, ?, ?) ON CONFLICT (profile) DO UPDATE SET holder = excluded.holder,"
                # A lease far ahead was written by a clock that has been set back since.
                " until = excluded.until WHERE holder = excluded.holder OR until <= ? OR until > ? + ?",
                (clean_name(profile), holder, until, now, now, LONGEST_LEASE),
            )
            return cursor.rowcount > 0

        return await self._db.write(take)

    async def alert_state(self, profile: str) -> AlertState:
        """What was told last of low credits."""
        rows = await self._db.read("SELECT * FROM alert WHERE profile = ?", (clean_name(profile),))
        return _alert_of(rows[0]) if rows else AlertState()

    async def change_alert(self, profile: str, change: Callable[[AlertState], AlertState]) -> bool:
        """Change what was told, in one step for all windows; whether it is for this one to tell."""
        name = clean_name(profile)

        async def step(db: aiosqlite.Connection) -> bool:
            rows = list(await db.execute_fetchall("SELECT * FROM alert WHERE profile = ?", (name,)))
            before = _alert_of(rows[0]) if rows else AlertState()
            after = change(before)
            if after != before:
                await db.execute(
                    "INSERT OR REPLACE INTO alert VALUES (?, ?, ?, ?, ?)",
                    (name, int(after.level), after.micro, after.told_low, after.told_critical),
                )
            return (after.told_low, after.told_critical) != (before.told_low, before.told_critical)

        return await self._db.write(step)

    async def latest_answering(self, alias: str) -> CleanText | None:
        """The model that last answered to an alias (or an id); None when it was never asked."""
        rows = await self._db.read(
            "SELECT model_answered FROM turn WHERE model_asked = ? AND model_answered IS NOT NULL"
            " ORDER BY number DESC LIMIT 1",
            (clean_name(alias),),
        )
        return name_of(rows[0][0]) if rows else None

    async def recent_models(self, limit: int = 10) -> tuple[CleanText, ...]:
        """What was asked for (ids and aliases), the most recent first, each once."""
        rows = await self._db.read(
            "SELECT model_asked FROM turn WHERE model_asked IS NOT NULL"
            " GROUP BY model_asked ORDER BY max(number) DESC LIMIT ?",
            (limit,),
        )
        return tuple(name_of(row[0]) or NOTHING for row in rows)

    async def thin_out(self) -> None:
        """Thin old readings, as `DENSE` and `MEDIUM` say. Takes a moment for a year of them: not for the start."""
        now = self._clock()
        for age, bucket in _SHELVES:
            before = now - age
            await self._db.write(
                lambda db, before=before, bucket=bucket: db.execute(  # type: ignore[misc]  # mypy and defaults of lambdas
                    "DELETE FROM reading WHERE number IN (SELECT number FROM (SELECT number, as_of, micro,"
                    " lag(micro) OVER times AS earlier, lead(micro) OVER times AS later, max(as_of) OVER"
                    " (PARTITION BY profile, CAST(as_of / ? AS INTEGER)) AS last FROM reading WHERE as_of < ?"
                    " WINDOW times AS (PARTITION BY profile ORDER BY as_of)) WHERE as_of < last"
                    " AND NOT coalesce(micro > earlier, 0) AND NOT coalesce(later > micro, 0))",
                    (bucket, before),
                )
            )


def _summed(rows: list[sqlite3.Row]) -> tuple[int, int]:
    # In Python, where integers have no end: a damaged row must not overflow the sum.
    known = [micro for row in rows if (micro := whole_of(row["micro"])) is not None]
    return sum(known), len(rows) - len(known)


def _readings_of(rows: Sequence[sqlite3.Row]) -> tuple[KeptReading, ...]:
    return tuple(reading for row in rows if (reading := _reading_of(row)) is not None)


def _reading_of(row: sqlite3.Row) -> KeptReading | None:
    micro, as_of = whole_of(row["micro"]), seconds_of(row["as_of"])
    if micro is None or as_of is None:
        return None
    return KeptReading(
        profile=name_of(row["profile"]) or NOTHING,
        region=name_of(row["region"]),
        micro=micro,
        as_of=as_of,
        source=name_of(row["source"]) or NOTHING,
    )


def _turns_of(rows: Sequence[sqlite3.Row]) -> tuple[SpentTurn, ...]:
    return tuple(
        SpentTurn(
            turn_id=str(row["turn_id"]),
            conversation_id=str(row["conversation_id"]),
            conversation=name_of(row["title"]),
            profile=name_of(row["profile"]) or NOTHING,
            model=name_of(row["model"]),
            key_id=name_of(row["key_id"]),
            at=seconds_of(row["at"]) or 0.0,
            seconds=seconds_of(row["seconds"]),
            tokens_in=whole_of(row["tokens_in"]),
            tokens_out=whole_of(row["tokens_out"]),
            cost_micro=whole_of(row["cost_micro"]),
            basis=basis_of(row["basis"]),
        )
        for row in rows
    )


def _alert_of(row: sqlite3.Row) -> AlertState:
    level = row["level"]
    return AlertState(
        AlertLevel(level) if level in (0, 1, 2) else AlertLevel.NONE,
        whole_of(row["micro"]),
        seconds_of(row["told_low"]),
        seconds_of(row["told_critical"]),
    )
