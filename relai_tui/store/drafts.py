"""Drafts as they are written: one for each conversation, and one for each window that has not begun its own yet."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from relai_tui.conversation import DraftText, joined
from relai_tui.store.rows import draft_of
from relai_tui.store.turns import is_running, writer
from relai_tui.text import clean

if TYPE_CHECKING:
    import aiosqlite

_NEW = "new"
"""The place of the draft of a conversation that is not yet created: as it was, and before each window's name."""


def new_place() -> str:
    """Return the place of this window's draft for a conversation that is not yet created."""
    return f"{_NEW}:{writer()}"


async def save(db: aiosqlite.Connection, place: str, draft: DraftText, now: float) -> None:
    """Write a draft; an empty one is removed."""
    if not draft.text:
        await db.execute("DELETE FROM draft WHERE place = ?", (place,))
        return
    await db.execute(
        "INSERT INTO draft (place, text, blocks, saved_at) VALUES (?, ?, ?, ?) ON CONFLICT (place)"
        " DO UPDATE SET text = excluded.text, blocks = excluded.blocks, saved_at = excluded.saved_at",
        (place, clean(draft.text), json.dumps(draft.blocks) if draft.blocks else None, now),
    )


async def adopt(db: aiosqlite.Connection, place: str, now: float) -> DraftText:
    """Return the draft of a window, joined from its own and those of windows that are gone."""
    rows = await db.execute_fetchall(
        "SELECT place, text, blocks FROM draft WHERE place = ? OR place LIKE ? ORDER BY saved_at", (_NEW, f"{_NEW}:%")
    )
    found: list[DraftText] = []
    gone: list[tuple[str]] = []
    for row in rows:
        if row[0] != place and is_running(str(row[0]).removeprefix(f"{_NEW}:")):
            continue
        found.append(draft_of(row[1], row[2]))
        gone += [(row[0],)] if row[0] != place else []
    draft = joined(*found)
    if gone:
        await db.executemany("DELETE FROM draft WHERE place = ?", gone)
        await save(db, place, draft, now)
    return draft
