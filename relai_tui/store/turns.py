"""Turns as they are written: added, checkpointed while they stream, finished, and settled when their writer died.

An answer that streams is kept in pieces: each checkpoint appends what is new, so that an answer costs what it is long
and not its square. The pieces are joined into the turn when it ends.
"""

from __future__ import annotations

import os
import platform
import sys
from typing import TYPE_CHECKING

from relai_tui.conversation import Role, Turn, TurnState
from relai_tui.store.errors import Missing
from relai_tui.store.rows import FIGURE_COLUMNS, figures_row, tool_calls_text, whole_of
from relai_tui.text import NOTHING, CleanText, clean

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    import aiosqlite

SILENCE = 120.0
"""Seconds without a checkpoint after which the writer of a turn is taken for dead, whatever its process id says."""

TITLE_LENGTH = 60
"""Characters of a title taken from the first prompt."""

UNINDEXED = "SELECT 1 FROM turn WHERE indexed = 0 AND state <> 'streaming' LIMIT 1"
"""Whether `index_new` has something to do."""

PIECES = (
    "CASE WHEN t.state <> 'streaming' THEN '' ELSE (SELECT coalesce(group_concat(text, ''), '') FROM"
    " (SELECT text FROM piece WHERE turn_id = t.id AND kind = '{kind}' ORDER BY stop)) END"
)
"""What an answer `t` that streams has grown by since it was last joined; kind is text or reasoning."""


async def add(db: aiosqlite.Connection, turn: Turn, now: float) -> None:
    """Insert the turn and make it the end of the branch that is shown."""
    await _insert(db, turn, now)
    title = _title_of(turn.text) if turn.role is Role.USER else NOTHING
    await db.execute(
        "UPDATE conversation SET leaf_id = ?, updated_at = ?, turns = turns + 1,"
        " title = CASE WHEN title = '' THEN ? ELSE title END WHERE id = ?",
        (turn.id, now, title, turn.conversation_id),
    )


def _title_of(text: CleanText) -> CleanText:
    """Return the first line of a prompt, cut to the length of a title."""
    line = " ".join(text.strip().partition("\n")[0].split())
    return clean(line if len(line) <= TITLE_LENGTH else f"{line[: TITLE_LENGTH - 1]}…")


async def checkpoint(db: aiosqlite.Connection, turn: Turn, now: float) -> None:
    """Append what the answer has grown by. Its text and reasoning only ever grow. Raises Missing."""
    row = await one(db, "SELECT state, length(text), length(reasoning) FROM turn WHERE id = ?", (turn.id,))
    if row is None:
        raise Missing("This answer's conversation is not in the history any more.")
    if row[0] not in (TurnState.STREAMING, TurnState.INTERRUPTED):
        return
    await _append(db, turn.id, "text", turn.text, row[1])
    await _append(db, turn.id, "reasoning", turn.reasoning, row[2])
    await db.execute(
        "UPDATE turn SET state = ?, model_answered = ?, tool_calls = ?, writer = ?, heartbeat = ? WHERE id = ?",
        (TurnState.STREAMING.value, turn.model_answered, tool_calls_text(turn.tool_calls), writer(), now, turn.id),
    )


async def finish(db: aiosqlite.Connection, turn: Turn, now: float, *, searchable: bool) -> None:
    """Write the last state of the turn, whatever was there. Raises Missing when its conversation is gone."""
    await _unindex(db, turn.id, searchable=searchable)
    updated = await db.execute(
        "UPDATE turn SET state = ?, error = ?, finish_reason = ?, model_asked = ?, model_answered = ?,"
        f" ({FIGURE_COLUMNS}) = (?, ?, ?, ?, ?, ?), tool_calls = ?, reasoning = ?, text = ?,"
        " writer = NULL, heartbeat = NULL WHERE id = ?",
        (
            turn.state.value,
            turn.error,
            turn.finish_reason,
            turn.model_asked,
            turn.model_answered,
            *figures_row(turn.figures),
            tool_calls_text(turn.tool_calls),
            turn.reasoning,
            turn.text,
            turn.id,
        ),
    )
    if updated.rowcount == 0:
        await add(db, turn, now)
        return
    await db.execute("DELETE FROM piece WHERE turn_id = ?", (turn.id,))
    await db.execute("UPDATE conversation SET updated_at = ? WHERE id = ?", (now, turn.conversation_id))


async def settle(db: aiosqlite.Connection, row: sqlite3.Row, *, searchable: bool) -> None:
    """Join the pieces of an answer whose writer died and call it interrupted, unless somebody writes it again."""
    await _unindex(db, row["id"], searchable=searchable)
    updated = await db.execute(
        f"UPDATE turn AS t SET text = text || {PIECES.format(kind='text')},"
        f" reasoning = reasoning || {PIECES.format(kind='reasoning')}, state = ?, writer = NULL, heartbeat = NULL"
        " WHERE id = ? AND state = ? AND writer IS ? AND heartbeat IS ?",
        (TurnState.INTERRUPTED.value, row["id"], TurnState.STREAMING.value, row["writer"], row["heartbeat"]),
    )
    if updated.rowcount:
        await db.execute("DELETE FROM piece WHERE turn_id = ?", (row["id"],))


async def index_new(db: aiosqlite.Connection) -> None:
    """Bring the full-text index up to date. What still streams waits for its end."""
    new = "indexed = 0 AND state <> 'streaming'"
    await db.execute(f"INSERT INTO turn_search (rowid, text) SELECT number, text FROM turn WHERE {new}")
    await db.execute(f"UPDATE turn SET indexed = 1 WHERE {new}")


async def purge(db: aiosqlite.Connection, before: float) -> None:
    """Delete for good the conversations that were deleted before that time (Unix, seconds)."""
    old = "SELECT id FROM conversation WHERE deleted_at < ?"
    if await one(db, f"{old} LIMIT 1", (before,)) is None:
        return
    await db.execute(
        "INSERT INTO turn_search (turn_search, rowid, text) SELECT 'delete', number, text FROM turn"
        f" WHERE indexed = 1 AND conversation_id IN ({old})",
        (before,),
    )
    await db.execute(f"DELETE FROM draft WHERE place IN ({old})", (before,))
    await db.execute("DELETE FROM conversation WHERE deleted_at < ?", (before,))


async def one(db: aiosqlite.Connection, sql: str, parameters: Sequence[object]) -> sqlite3.Row | None:
    """The first row of a query inside a write."""
    return next(iter(await db.execute_fetchall(sql, parameters)), None)


def writer() -> str:
    """Who writes: this process on this machine. A container or another host has a name of its own."""
    return f"{platform.node()}:{os.getpid()}"


def is_abandoned(row: sqlite3.Row, now: float) -> bool:
    """Whether nobody writes this streaming turn any more: its process is gone, or silent for `SILENCE`."""
    heartbeat = row["heartbeat"]
    if not isinstance(heartbeat, (int, float)) or abs(now - heartbeat) > SILENCE:
        return True
    host, _, process = str(row["writer"]).rpartition(":")
    return host == platform.node() and process.isdecimal() and not _is_alive(int(process))


def is_running(name: str) -> bool:
    """Whether the process that `writer` named so runs on this machine."""
    host, _, process = name.rpartition(":")
    return host == platform.node() and process.isdecimal() and _is_alive(int(process))


def _is_alive(process: int) -> bool:
    # On Windows os.kill would end the process; there the heartbeat alone decides.
    if sys.platform == "win32":
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


async def _insert(db: aiosqlite.Connection, turn: Turn, now: float) -> None:
    streaming = turn.state is TurnState.STREAMING
    await db.execute(
        "INSERT INTO turn (id, conversation_id, parent_id, role, state, created_at, error, finish_reason, model_asked,"
        f" model_answered, {FIGURE_COLUMNS}, writer, heartbeat, tool_calls, reasoning, text)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            turn.id,
            turn.conversation_id,
            turn.parent_id,
            turn.role.value,
            turn.state.value,
            turn.created_at,
            turn.error,
            turn.finish_reason,
            turn.model_asked,
            turn.model_answered,
            *figures_row(turn.figures),
            writer() if streaming else None,
            now if streaming else None,
            tool_calls_text(turn.tool_calls),
            turn.reasoning,
            turn.text,
        ),
    )


async def _append(db: aiosqlite.Connection, turn_id: str, kind: str, whole: str, joined: int) -> None:
    row = await one(db, "SELECT max(stop) FROM piece WHERE turn_id = ? AND kind = ?", (turn_id, kind))
    stop = None if row is None else whole_of(row[0])
    known = joined if stop is None else stop
    if len(whole) > known:
        await db.execute(
            "INSERT INTO piece (turn_id, kind, stop, text) VALUES (?, ?, ?, ?)",
            (turn_id, kind, len(whole), whole[known:]),
        )


async def _unindex(db: aiosqlite.Connection, turn_id: str, *, searchable: bool) -> None:
    if not searchable:
        return
    row = await one(db, "SELECT number, text FROM turn WHERE id = ? AND indexed = 1", (turn_id,))
    if row is not None:
        await db.execute("INSERT INTO turn_search (turn_search, rowid, text) VALUES ('delete', ?, ?)", tuple(row))
        await db.execute("UPDATE turn SET indexed = 0 WHERE id = ?", (turn_id,))
