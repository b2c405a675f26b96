"""What was done to API keys, and rotations that are under way. Append-only, and no secret is ever given to it."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from relai_tui.key_records import KeyAction, KeyEvent, RotationRecord, RotationStep
from relai_tui.store.rows import name_of, seconds_of, text_of, whole_of
from relai_tui.text import NOTHING, clean_name

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from relai_tui.store.connection import Database
    from relai_tui.text import CleanText

_COLUMNS = tuple(each.name for each in fields(RotationRecord))


class KeyLog:
    """The audit log and the rotations. Methods raise `StoreError`s only; those that write, ReadOnly where they may not.

    There is no method that changes or removes an event.
    """

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._db, self._clock = database, clock

    async def add(
        self,
        profile: str,
        action: KeyAction,
        *,
        key_id: str | None,
        name: str,
        prefix: str | None,
        result: str,
    ) -> None:
        """Write down what was done, now."""
        values = (
            self._clock(),
            clean_name(profile),
            action.value,
            clean_name(key_id) if key_id else None,
            clean_name(name),
            clean_name(prefix, 24) if prefix else None,
            clean_name(result),
        )
        await self._db.write(
            lambda db: db.execute(
                "INSERT INTO key_event (at, profile, action, key_id, name, prefix, result)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                values,
            )
        )

    async def events(self, *, key_id: str | None = None, limit: int = 200) -> tuple[KeyEvent, ...]:
        """What was done, of one key or of all, the newest first."""
        rows = await self._db.read(
            "SELECT * FROM key_event WHERE :id IS NULL OR key_id = :id ORDER BY number DESC LIMIT :limit",
            {"id": key_id, "limit": limit},
        )
        return tuple(event for row in rows if (event := _event_of(row)) is not None)

    async def save(self, record: RotationRecord) -> None:
        """Keep how far a rotation got; what was kept of it before is replaced."""
        values = tuple(getattr(record, column) for column in _COLUMNS)
        marks = ", ".join("?" for _ in _COLUMNS)
        await self._db.write(
            lambda db: db.execute(f"INSERT OR REPLACE INTO rotation ({', '.join(_COLUMNS)}) VALUES ({marks})", values)
        )

    async def rotations(self, profile: str | None = None) -> tuple[RotationRecord, ...]:
        """The rotations that have not ended, of one profile or of all, the newest first."""
        rows = await self._db.read(
            "SELECT * FROM rotation WHERE step <> 'ended' AND (:profile IS NULL OR profile = :profile)"
            " ORDER BY started_at DESC",
            {"profile": clean_name(profile) if profile else None},
        )
        return tuple(record for row in rows if (record := _record_of(row)) is not None)


def _event_of(row: sqlite3.Row) -> KeyEvent | None:
    at = seconds_of(row["at"])
    try:
        action = KeyAction(str(row["action"]))
    except ValueError:
        return None
    if at is None:
        return None
    return KeyEvent(
        at=at,
        profile=name_of(row["profile"]) or NOTHING,
        action=action,
        key_id=name_of(row["key_id"]),
        name=name_of(row["name"]) or NOTHING,
        prefix=name_of(row["prefix"]),
        result=name_of(row["result"]) or NOTHING,
    )


def _record_of(row: sqlite3.Row) -> RotationRecord | None:
    old_id: CleanText | None = name_of(row["old_id"])
    try:
        step = RotationStep(str(row["step"]))
    except ValueError:
        return None
    if not old_id:
        return None
    return RotationRecord(
        id=text_of(row["id"]),
        profile=name_of(row["profile"]) or NOTHING,
        step=step,
        name=name_of(row["name"]) or NOTHING,
        old_id=old_id,
        old_prefix=name_of(row["old_prefix"]),
        rpm_limit=whole_of(row["rpm_limit"]),
        scope=name_of(row["scope"]),
        started_at=seconds_of(row["started_at"]) or 0.0,
        new_id=name_of(row["new_id"]),
        new_prefix=name_of(row["new_prefix"]),
        last_used=seconds_of(row["last_used"]),
        unchanged_since=seconds_of(row["unchanged_since"]),
    )
