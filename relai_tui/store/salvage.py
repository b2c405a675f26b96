"""Rows of a damaged history, brought into a fresh one as far as they can be read.

Tables are read from both ends, so that one bad page in the middle loses what lies on it and no more. A text that is no
UTF-8 keeps its readable part; a number that cannot be is left out; what belonged to a lost conversation gets one of its
own. The damaged file is only read.
"""

from __future__ import annotations

import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

from relai_tui.store.soundness import Column, columns_of_tables

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PATIENCE = 10.0
"""Seconds that saving may take: a start waits for it."""

_LOST = "Saved from a damaged history"
"""The title of a conversation of which only turns are left."""


def save_rows(db: sqlite3.Connection, damaged: Path) -> int:
    """Copy what can be read of `damaged` into the fresh history `db`; the number of turns saved. All or nothing."""
    import sqlite3

    if not damaged.stat().st_size:  # opening an empty one, even to read, deletes its log
        return 0
    try:
        with closing(_open(damaged)) as source:
            db.execute("PRAGMA foreign_keys = OFF")
            db.execute("BEGIN IMMEDIATE")
            deadline = time.monotonic() + PATIENCE
            for table, columns in columns_of_tables().items():
                _copy(source, db, table, columns, deadline)
            _mend(db)
            saved = int(db.execute("SELECT count(*) FROM turn").fetchone()[0])
            db.execute("COMMIT")
            return saved
    except (sqlite3.Error, UnicodeError, OverflowError, OSError):
        with suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        return 0
    finally:
        db.execute("PRAGMA foreign_keys = ON")


def _open(path: Path) -> sqlite3.Connection:
    import sqlite3

    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    db.text_factory = lambda raw: raw.decode("utf-8", "replace")
    with suppress(sqlite3.Error):
        db.execute("PRAGMA writable_schema = ON")  # reads on past a table's definition that is broken
    return db


def _copy(
    source: sqlite3.Connection, db: sqlite3.Connection, table: str, columns: Mapping[str, Column], deadline: float
) -> None:
    names = ", ".join(columns)
    places = ", ".join("?" * len(columns))
    for row in _rows(source, f"SELECT rowid, {names} FROM {table} NOT INDEXED", deadline):
        values = _mended(row[1:], columns)
        if values is not None:
            db.execute(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({places})", values)


def _rows(source: sqlite3.Connection, sql: str, deadline: float) -> Iterator[tuple[Any, ...]]:
    """The rows from the first to the damage, then from the last back to it."""
    import sqlite3

    seen: set[int] = set()
    for order in ("", " ORDER BY rowid DESC"):
        try:
            for row in source.execute(sql + order):
                if row[0] in seen or time.monotonic() > deadline:
                    return
                seen.add(row[0])
                yield row
            return
        except (sqlite3.Error, UnicodeError, OverflowError):
            continue


def _mended(row: tuple[Any, ...], columns: Mapping[str, Column]) -> list[object] | None:
    """The row with what cannot be left out; None where it is nothing without that."""
    values: list[object] = []
    for value, column in zip(row, columns.values(), strict=True):
        if isinstance(value, str if column.kind == "TEXT" else (int, float)):
            values.append(value)
        elif not column.needed:
            values.append(None)
        elif column.default is not None:
            values.append(column.default.strip("'") if column.kind == "TEXT" else 0)
        else:
            return None
    return values


def _mend(db: sqlite3.Connection) -> None:
    """Make the tree of what was saved whole: no turn without a conversation, no parent that is not there."""
    db.execute("UPDATE turn SET indexed = 0")
    db.execute(
        "INSERT INTO conversation (id, title, created_at, updated_at, model, leaf_id)"
        " SELECT conversation_id, ?, min(created_at), max(created_at), coalesce(max(model_asked), 'smart'), NULL"
        " FROM turn WHERE conversation_id NOT IN (SELECT id FROM conversation) GROUP BY conversation_id",
        (_LOST,),
    )
    db.execute("DELETE FROM piece WHERE turn_id NOT IN (SELECT id FROM turn)")
    # What lost its parent follows the turn before it in its conversation, so that the branch stays one.
    db.execute(
        "UPDATE turn AS t SET parent_id = (SELECT o.id FROM turn o WHERE o.conversation_id = t.conversation_id"
        " AND o.number < t.number ORDER BY o.number DESC LIMIT 1)"
        " WHERE parent_id IS NOT NULL AND parent_id NOT IN (SELECT id FROM turn)"
    )
    db.execute(
        "UPDATE conversation AS c SET turns = (SELECT count(*) FROM turn WHERE conversation_id = c.id),"
        " leaf_id = CASE WHEN leaf_id IN (SELECT id FROM turn WHERE conversation_id = c.id) THEN leaf_id ELSE"
        " (SELECT id FROM turn WHERE conversation_id = c.id ORDER BY number DESC LIMIT 1) END"
    )
