"""Money on disk: balance readings and what turns cost. Integers of micro-dollars only; None is "not known"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relai_tui.conversation import CostBasis
from relai_tui.spending_records import KeptReading
from relai_tui.store.errors import StoreError
from relai_tui.store.rows import line_of, seconds_of, whole_of
from relai_tui.text import NOTHING, CleanLine, clean_line

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from relai_tui.store.connection import Database

DENSE = 30 * 86_400.0
"""Seconds for which every reading is kept; of older ones one an hour."""

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
        values = (clean_line(profile), clean_line(region) if region else None, micro, as_of, clean_line(source))
        await self._db.write(
            lambda db: db.execute(
                "INSERT OR REPLACE INTO reading (profile, region, micro, as_of, source) VALUES (?, ?, ?, ?, ?)", values
            )
        )

    async def readings(self, profile: str, since: float | None = None) -> tuple[KeptReading, ...]:
        """The readings of a profile from that Unix time on, oldest first."""
        rows = await self._db.read(
            "SELECT * FROM reading WHERE profile = ? AND as_of >= ? ORDER BY as_of",
            (clean_line(profile), float("-inf") if since is None else since),
        )
        return tuple(reading for row in rows if (reading := _reading_of(row)) is not None)

    async def last_reading(self, profile: str) -> KeptReading | None:
        """The newest reading of a profile."""
        rows = await self._db.read(
            "SELECT * FROM reading WHERE profile = ? ORDER BY as_of DESC LIMIT 1", (clean_line(profile),)
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
    ) -> None:
        """What a turn cost in micro-dollars, and how that is known; what is recorded later replaces it.

        Outlives the conversation: money spent stays spent.
        """
        values = (
            turn_id,
            conversation_id,
            clean_line(profile),
            clean_line(key_id) if key_id else None,
            clean_line(model) if model else None,
            whole_of(cost_micro),
            basis.value,
            self._clock(),
        )
        await self._db.write(
            lambda db: db.execute(
                "INSERT INTO cost (turn_id, conversation_id, profile, key_id, model, cost_micro, basis, recorded_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (turn_id) DO UPDATE SET"
                " profile = excluded.profile, key_id = excluded.key_id, model = excluded.model,"
                " cost_micro = excluded.cost_micro, basis = excluded.basis",
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
        """As `conversation_cost`, of everything recorded for a profile from that Unix time on."""
        rows = await self._db.read(
            f"SELECT CASE WHEN basis IN {_KNOWN} THEN cost_micro END AS micro FROM cost"
            " WHERE profile = ? AND recorded_at >= ?",
            (clean_line(profile), since),
        )
        return _summed(rows)

    async def latest_answering(self, alias: str) -> CleanLine | None:
        """The model that last answered to an alias (or an id); None when it was never asked."""
        rows = await self._db.read(
            "SELECT model_answered FROM turn WHERE model_asked = ? AND model_answered IS NOT NULL"
            " ORDER BY number DESC LIMIT 1",
            (clean_line(alias),),
        )
        return line_of(rows[0][0]) if rows else None

    async def recent_models(self, limit: int = 10) -> tuple[CleanLine, ...]:
        """What was asked for (ids and aliases), the most recent first, each once."""
        rows = await self._db.read(
            "SELECT model_asked FROM turn WHERE model_asked IS NOT NULL"
            " GROUP BY model_asked ORDER BY max(number) DESC LIMIT ?",
            (limit,),
        )
        return tuple(line_of(row[0]) or NOTHING for row in rows)

    async def thin_out(self) -> None:
        """Of readings older than 30 days keep the last of each hour; the store does it when it opens."""
        before = self._clock() - DENSE
        old = "SELECT max(as_of) FROM reading WHERE as_of < ? GROUP BY profile, CAST(as_of / 3600 AS INTEGER)"
        await self._db.write(
            lambda db: db.execute(f"DELETE FROM reading WHERE as_of < ? AND as_of NOT IN ({old})", (before, before))
        )


def _summed(rows: list[sqlite3.Row]) -> tuple[int, int]:
    # In Python, where integers have no end: a damaged row must not overflow the sum.
    known = [micro for row in rows if (micro := whole_of(row["micro"])) is not None]
    return sum(known), len(rows) - len(known)


def _reading_of(row: sqlite3.Row) -> KeptReading | None:
    micro, as_of = whole_of(row["micro"]), seconds_of(row["as_of"])
    if micro is None or as_of is None:
        return None
    return KeptReading(
        profile=line_of(row["profile"]) or NOTHING,
        region=line_of(row["region"]),
        micro=micro,
        as_of=as_of,
        source=line_of(row["source"]) or NOTHING,
    )
