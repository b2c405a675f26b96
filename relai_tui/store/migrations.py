"""How the tables came to be: a list of functions. The names of those applied are written down in the file.

A file that names migrations this program does not know was made by a newer one and is opened read-only. To change the
tables, append a function; never edit one that was released.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable


def conversations_and_turns(db: sqlite3.Connection) -> None:
    """Conversations, their turns (a tree), the pieces of an answer that streams, and drafts."""
    db.execute("""
        CREATE TABLE conversation (
            id TEXT PRIMARY KEY NOT NULL,
            title TEXT NOT NULL DEFAULT '',
            created_at REAL NOT NULL,
            updated_at REAL NOT NULL,
            model TEXT NOT NULL,
            region TEXT,
            turns INTEGER NOT NULL DEFAULT 0,
            leaf_id TEXT,
            deleted_at REAL,
            system TEXT NOT NULL DEFAULT ''
        )""")
    # The long texts come last: walking a branch then never touches their overflow pages.
    db.execute("""
        CREATE TABLE turn (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            conversation_id TEXT NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
            parent_id TEXT REFERENCES turn (id),
            role TEXT NOT NULL,
            state TEXT NOT NULL,
            created_at REAL NOT NULL,
            error TEXT,
            finish_reason TEXT,
            model_asked TEXT,
            model_answered TEXT,
            prompt_tokens INTEGER,
            completion_tokens INTEGER,
            first_token_seconds REAL,
            seconds REAL,
            cost_micro INTEGER,
            cost_basis TEXT NOT NULL DEFAULT 'unknown',
            writer TEXT,
            heartbeat REAL,
            indexed INTEGER NOT NULL DEFAULT 0,
            tool_calls TEXT NOT NULL DEFAULT '[]',
            reasoning TEXT NOT NULL DEFAULT '',
            text TEXT NOT NULL DEFAULT ''
        )""")
    db.execute("""
        CREATE TABLE piece (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            turn_id TEXT NOT NULL REFERENCES turn (id) ON DELETE CASCADE,
            kind TEXT NOT NULL,
            stop INTEGER NOT NULL,
            text TEXT NOT NULL
        )""")
    db.execute("CREATE TABLE draft (place TEXT PRIMARY KEY NOT NULL, text TEXT NOT NULL, saved_at REAL NOT NULL)")
    db.execute("CREATE INDEX conversation_updated ON conversation (updated_at DESC, id DESC)")
    db.execute("CREATE INDEX turn_conversation ON turn (conversation_id, parent_id)")
    db.execute("CREATE INDEX turn_parent ON turn (parent_id)")
    db.execute("CREATE INDEX turn_model ON turn (model_asked, number)")
    db.execute("CREATE INDEX turn_prompt ON turn (number) WHERE role = 'user'")
    db.execute("CREATE INDEX turn_unindexed ON turn (number) WHERE indexed = 0 AND state <> 'streaming'")
    db.execute("CREATE INDEX piece_turn ON piece (turn_id, kind, stop)")


def readings_and_costs(db: sqlite3.Connection) -> None:
    """Balance readings and what turns cost. Costs outlive their conversations: money spent stays spent."""
    db.execute("""
        CREATE TABLE reading (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            profile TEXT NOT NULL,
            region TEXT,
            micro INTEGER NOT NULL,
            as_of REAL NOT NULL,
            source TEXT NOT NULL
        )""")
    db.execute("""
        CREATE TABLE cost (
            turn_id TEXT PRIMARY KEY NOT NULL,
            conversation_id TEXT NOT NULL,
            profile TEXT NOT NULL,
            key_id TEXT,
            model TEXT,
            cost_micro INTEGER,
            basis TEXT NOT NULL,
            recorded_at REAL NOT NULL
        )""")
    db.execute("CREATE UNIQUE INDEX reading_time ON reading (profile, as_of)")
    db.execute("CREATE INDEX cost_conversation ON cost (conversation_id)")
    db.execute("CREATE INDEX cost_time ON cost (profile, recorded_at)")


def keys_and_rotations(db: sqlite3.Connection) -> None:
    """What was done to API keys, append-only, and how far rotations got. No secret has a column here."""
    db.execute("""
        CREATE TABLE key_event (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            at REAL NOT NULL,
            profile TEXT NOT NULL,
            action TEXT NOT NULL,
            key_id TEXT,
            name TEXT NOT NULL,
            prefix TEXT,
            result TEXT NOT NULL
        )""")
    db.execute("""
        CREATE TABLE rotation (
            id TEXT PRIMARY KEY NOT NULL,
            profile TEXT NOT NULL,
            step TEXT NOT NULL,
            name TEXT NOT NULL,
            old_id TEXT NOT NULL,
            old_prefix TEXT,
            rpm_limit INTEGER,
            scope TEXT,
            started_at REAL NOT NULL,
            new_id TEXT,
            new_prefix TEXT,
            last_used REAL,
            unchanged_since REAL
        )""")
    db.execute("CREATE INDEX key_event_key ON key_event (key_id, number)")


def usage_and_movements(db: sqlite3.Connection) -> None:
    """What the server charged and booked, as it was told; what answers were, beside what they cost; who polls, and what
    was told of low credits.
    """
    db.execute("""
        CREATE TABLE usage_event (
            profile TEXT NOT NULL,
            request_id TEXT NOT NULL,
            at REAL NOT NULL,
            model TEXT,
            tokens_in INTEGER,
            tokens_out INTEGER,
            cost_micro INTEGER,
            latency_ms INTEGER,
            status TEXT,
            key_id TEXT,
            PRIMARY KEY (profile, request_id)
        )""")
    db.execute("""
        CREATE TABLE movement (
            profile TEXT NOT NULL,
            id TEXT NOT NULL,
            at REAL NOT NULL,
            delta_micro INTEGER,
            reason TEXT,
            reference TEXT,
            PRIMARY KEY (profile, id)
        )""")
    db.execute("CREATE TABLE poll_lease (profile TEXT PRIMARY KEY NOT NULL, holder TEXT NOT NULL, until REAL NOT NULL)")
    db.execute("""
        CREATE TABLE alert (
            profile TEXT PRIMARY KEY NOT NULL,
            level INTEGER NOT NULL,
            micro INTEGER,
            told_low REAL,
            told_critical REAL
        )""")
    for column in ("at REAL", "seconds REAL", "tokens_in INTEGER", "tokens_out INTEGER"):
        db.execute(f"ALTER TABLE cost ADD COLUMN {column}")
    db.execute("""
        UPDATE cost SET (at, seconds, tokens_in, tokens_out) =
            (SELECT created_at, seconds, prompt_tokens, completion_tokens FROM turn WHERE turn.id = cost.turn_id)""")
    db.execute("UPDATE cost SET at = recorded_at WHERE at IS NULL")
    db.execute("CREATE INDEX usage_time ON usage_event (profile, at)")
    db.execute("CREATE INDEX movement_time ON movement (profile, at)")
    db.execute("CREATE INDEX cost_began ON cost (profile, at)")


def blocks_in_drafts(db: sqlite3.Connection) -> None:
    """Add the parts of a draft that show as a label: JSON, a list of [start, end] in characters; null for none."""
    db.execute("ALTER TABLE draft ADD COLUMN blocks TEXT")


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    conversations_and_turns,
    readings_and_costs,
    keys_and_rotations,
    usage_and_movements,
    blocks_in_drafts,
)
"""In the order they are applied. Each goes by the name of its function."""

TABLES = frozenset(
    {
        "conversation", "turn", "piece", "draft", "reading", "cost", "key_event", "rotation", "usage_event", "movement",
        "poll_lease", "alert",
    }
)  # fmt: skip
"""What a sound file holds."""


def applied(db: sqlite3.Connection) -> frozenset[str]:
    """The names written down in the file; none for a fresh one."""
    if "migration" not in tables(db):
        return frozenset()
    return frozenset(str(row[0]) for row in db.execute("SELECT name FROM migration"))


def tables(db: sqlite3.Connection) -> frozenset[str]:
    """The names of all tables in the file."""
    return frozenset(str(row[0]) for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'"))


def migrate(db: sqlite3.Connection, now: float) -> None:
    """Apply what is missing, in one transaction; a second program that does the same waits and finds it done.

    Expects a connection in autocommit mode (`isolation_level=None`); `now` is Unix time in seconds.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        db.execute("CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY NOT NULL, applied_at REAL NOT NULL)")
        done = applied(db)
        for step in MIGRATIONS:
            if step.__name__ not in done:
                step(db)
                db.execute("INSERT INTO migration VALUES (?, ?)", (step.__name__, now))
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def make_search_index(db: sqlite3.Connection) -> bool:
    """Make the full-text index where this SQLite has FTS5; returns whether it can be used.

    Not a migration: the index is derived from the turns, is filled when first searched, and a file may be used in turn
    by a Python with FTS5 and by one without.
    """
    import sqlite3

    try:
        db.execute(
            "CREATE VIRTUAL TABLE IF NOT EXISTS turn_search USING fts5"
            "(text, content='turn', content_rowid='number', tokenize='unicode61 remove_diacritics 2')"
        )
    except sqlite3.OperationalError:
        return False
    return True
