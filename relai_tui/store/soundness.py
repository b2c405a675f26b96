"""Whether a history file is sound: its pages, its tables, its index, and every value in it.

SQLite checks the pages. A flipped byte inside a text, a column's name or a number leaves the pages sound and is met
only when that row is read, so the values of a file that is not too large are read at each start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from relai_tui.store import migrations
from relai_tui.store.errors import is_environment

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping
    from pathlib import Path

_HEADER = b"SQLite format 3\0"


class Damaged(Exception):
    """The file is no sound history. `str()` goes on after "The history …"."""


def check_header(path: Path) -> None:
    """Refuse what SQLite would take for something else: an emptied file, or one it would never write to again."""
    with path.open("rb") as file:
        header = file.read(20)
    log = path.with_name(path.name + "-wal")
    if not header:
        # SQLite deletes the log of an empty file, and with it the last that can be saved.
        if log.exists() and log.stat().st_size:
            raise Damaged("was emptied")
    elif header[:16] == _HEADER and len(header) == 20 and not (header[18] in (1, 2) and header[19] in (1, 2)):
        raise Damaged("is damaged")


def check_pages(db: sqlite3.Connection) -> None:
    """Refuse a file whose pages or indexes do not fit together. Raises `Damaged` and `sqlite3.Error`."""
    found = db.execute("PRAGMA integrity_check(1)").fetchone()
    if found is None or found[0] != "ok":
        raise Damaged("is damaged")


def check_values(db: sqlite3.Connection, *, indexed: bool) -> None:
    """Refuse a file that is up to date and holds a value, a table or an index that cannot be. Raises `Damaged`."""
    import sqlite3

    try:
        if not migrations.tables(db) >= migrations.TABLES:
            raise Damaged("lacks tables it should have")
        for table, columns in columns_of_tables().items():
            _check_table(db, table, columns)
        if indexed:
            db.execute("INSERT INTO turn_search (turn_search) VALUES ('integrity-check')")
    except (sqlite3.Error, UnicodeError, OverflowError) as error:
        if isinstance(error, sqlite3.Error) and is_environment(error):
            raise
        raise Damaged("is damaged") from error


def columns_of_tables() -> dict[str, dict[str, Column]]:
    """The columns that each table has in a fresh file, by name."""
    import sqlite3

    db = sqlite3.connect(":memory:", isolation_level=None)
    try:
        migrations.migrate(db, 0.0)
        return {
            table: {
                name: Column(kind, needed=bool(not_null) or bool(key), default=default)
                for _, name, kind, not_null, default, key in db.execute(f"PRAGMA table_info ({table})")
            }
            for table in ("conversation", "turn", *sorted(migrations.TABLES - {"conversation", "turn"}))
        }
    finally:
        db.close()


def strictly(db: sqlite3.Connection, sql: str) -> sqlite3.Cursor:
    """A query whose texts must be UTF-8: reading one that is not raises `sqlite3.OperationalError`."""
    cursor = db.cursor()
    cursor.row_factory = None
    return cursor.execute(sql)


class Column:
    """The declaration of a column: its type, and whether it may be empty."""

    def __init__(self, kind: str, *, needed: bool, default: str | None) -> None:
        self.kind, self.needed, self.default = kind, needed, default

    @property
    def types(self) -> tuple[str, ...]:
        """The types a value may have. Affinity turns whatever it can into these: others come by damage alone."""
        held = ("text",) if self.kind == "TEXT" else ("integer", "real")
        return held if self.needed else (*held, "null")


def _check_table(db: sqlite3.Connection, table: str, columns: Mapping[str, Column]) -> None:
    wrong = " OR ".join(
        f"typeof({name}) NOT IN ({', '.join(map(repr, column.types))})" for name, column in columns.items()
    )
    if db.execute(f"SELECT 1 FROM {table} WHERE {wrong} LIMIT 1").fetchone():
        raise Damaged("is damaged")
    usual, db.text_factory = db.text_factory, str
    try:
        for _ in strictly(db, f"SELECT {', '.join(columns)} FROM {table} NOT INDEXED"):
            pass
    finally:
        db.text_factory = usual
