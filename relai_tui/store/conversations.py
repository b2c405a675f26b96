"""Conversations and their turns: a tree each, of which one branch is shown."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from relai_tui.conversation import NO_DRAFT, Conversation, DraftText, Figures, Turn, TurnState, new_id
from relai_tui.store import drafts, turns
from relai_tui.store.errors import Missing, StoreError
from relai_tui.store.rows import FIGURE_COLUMNS, conversation_of, draft_of, figures_row, text_of, turn_of
from relai_tui.store.search import Search
from relai_tui.text import NOTHING, CleanText, clean, clean_name

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    import aiosqlite

    from relai_tui.store.connection import Database

KEPT_DELETED = 30 * 86_400.0
"""Seconds a deleted conversation can still be restored."""

_SELECT = (
    "SELECT c.*, coalesce(d.text, '') AS draft, d.blocks AS draft_blocks, {excerpt} AS excerpt"
    " FROM conversation c LEFT JOIN draft d ON d.place = c.id {join} WHERE c.deleted_at IS NULL"
)
_NEWEST_FIRST = " ORDER BY c.updated_at DESC, c.id DESC"
_PLAIN = _SELECT.format(excerpt="NULL", join="")

# Up from a turn to its ancestors. The limit bounds it, so that parents in a circle (a damaged file) end as well.
_UP = """
    WITH RECURSIVE up (id, parent_id, depth) AS (
        SELECT id, parent_id, 1 FROM turn WHERE id = :start AND conversation_id = :conversation
        UNION ALL
        SELECT t.id, t.parent_id, up.depth + 1 FROM up JOIN turn t ON t.id = up.parent_id
        WHERE up.depth < :limit AND t.conversation_id = :conversation
    )
    SELECT t.*, {text} AS text_pieces, {reasoning} AS reasoning_pieces
    FROM up JOIN turn t ON t.id = up.id ORDER BY up.depth DESC""".format(
    text=turns.PIECES.format(kind="text"), reasoning=turns.PIECES.format(kind="reasoning")
)


class Conversations:
    """The conversations of a store. Methods raise `StoreError`s only; those that write, ReadOnly where they may not."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._db, self._clock = database, clock
        self._new_place = drafts.new_place()

    # -- reading

    async def get(self, conversation_id: str) -> Conversation | None:
        """The conversation, or None when there is none with this id or it was deleted."""
        rows = await self._db.read(f"{_PLAIN} AND c.id = ?", (conversation_id,))
        return conversation_of(rows[0]) if rows else None

    async def latest(self) -> Conversation | None:
        """The one most recently used that has at least one turn."""
        rows = await self._db.read(f"{_PLAIN} AND c.turns > 0 {_NEWEST_FIRST} LIMIT 1")
        return conversation_of(rows[0]) if rows else None

    async def count(self) -> int:
        """How many there are, deleted ones left out."""
        rows = await self._db.read("SELECT count(*) FROM conversation WHERE deleted_at IS NULL")
        return int(rows[0][0])

    async def recent(self, *, search: str = "", limit: int = 50, offset: int = 0) -> tuple[Conversation, ...]:
        """Newest first; with `search`, those whose title or one of whose turns holds all its words, with an excerpt.

        The last letters of a word may be missing. Nothing in `search` is syntax.
        """
        wanted = Search.typed(search)
        if not wanted:
            rows = await self._db.read(f"{_PLAIN} {_NEWEST_FIRST} LIMIT ? OFFSET ?", (limit, offset))
            return tuple(map(conversation_of, rows))
        if self._db.searchable and wanted.match:
            with suppress(StoreError):
                return await self._found(wanted, limit, offset, indexed=True)
        return await self._found(wanted, limit, offset, indexed=False)

    async def page(
        self, conversation_id: str, *, before: str | None = None, leaf: str | None = None, limit: int = 50
    ) -> tuple[tuple[Turn, ...], bool]:
        """The last turns of a branch, oldest first, and whether there are older ones.

        The branch is the one that is shown, or that ends in `leaf`; with `before`, the turns above that one. Costs what
        the page costs, however long the history is.
        """
        if before is None:
            start = leaf or await self._leaf(conversation_id)
        else:
            rows = await self._db.read("SELECT parent_id FROM turn WHERE id = ?", (before,))
            start = rows[0][0] if rows else None
        rows = await self._up(conversation_id, start, limit + 1)
        older = len(rows) > limit
        return await self._loaded(rows[1:] if older else rows), older

    async def branch(self, conversation_id: str, leaf: str | None = None) -> tuple[Turn, ...]:
        """All turns of the branch that is shown, or that ends in `leaf`, oldest first: what a request sends."""
        rows = await self._db.read("SELECT count(*) FROM turn WHERE conversation_id = ?", (conversation_id,))
        start = leaf or await self._leaf(conversation_id)
        return await self._loaded(await self._up(conversation_id, start, int(rows[0][0])))

    async def siblings(self, turn_id: str) -> tuple[str, ...]:
        """The ids of the turns with the same parent, itself among them, in the order they were made."""
        rows = await self._db.read(
            "SELECT s.id FROM turn t JOIN turn s ON s.conversation_id = t.conversation_id"
            " AND s.parent_id IS t.parent_id WHERE t.id = ? ORDER BY s.number",
            (turn_id,),
        )
        return tuple(text_of(row[0]) for row in rows)

    async def newest_leaf(self, turn_id: str) -> str:
        """The turn last made below this one, or itself: where to go when a sibling is chosen."""
        rows = await self._db.read(
            "WITH RECURSIVE down (id, number) AS (SELECT id, number FROM turn WHERE id = ?"
            " UNION SELECT t.id, t.number FROM down JOIN turn t ON t.parent_id = down.id)"
            " SELECT id FROM down ORDER BY number DESC LIMIT 1",
            (turn_id,),
        )
        return text_of(rows[0][0]) if rows else turn_id

    async def prompts(self, limit: int = 200, search: str = "") -> tuple[CleanText, ...]:
        """What the user has sent, newest first, each text once; with `search`, those that hold all its words."""
        wanted = Search.typed(search)
        rows = await self._db.read(
            "SELECT t.text FROM turn t JOIN conversation c ON c.id = t.conversation_id"
            " WHERE t.role = 'user' AND t.text <> '' AND c.deleted_at IS NULL"
            + (" AND holds_all(t.text, ?)" if wanted else "")
            + " GROUP BY t.text ORDER BY max(t.number) DESC LIMIT ?",
            (*([wanted.whole] if wanted else []), limit),
        )
        return tuple(text_of(row[0]) for row in rows)

    async def draft(self, conversation_id: str | None) -> DraftText:
        """Return what was typed and not sent; None for the conversation that is not yet created.

        Each window has a draft of its own for that. Those of windows that are gone become part of this one's.
        """
        if conversation_id is not None or self._db.read_only:
            rows = await self._db.read(
                "SELECT text, blocks FROM draft WHERE place = ?", (conversation_id or self._new_place,)
            )
            return draft_of(*rows[0]) if rows else NO_DRAFT
        return await self._db.write(lambda db: drafts.adopt(db, self._new_place, self._clock()))

    async def drafts(self) -> tuple[DraftText, ...]:
        """Return all drafts there are, those of other windows too."""
        return tuple(draft_of(*row) for row in await self._db.read("SELECT text, blocks FROM draft"))

    # -- writing conversations

    async def create(
        self,
        *,
        model: CleanText,
        system: CleanText = NOTHING,
        region: CleanText | None = None,
        title: CleanText = NOTHING,
    ) -> Conversation:
        """A new conversation without turns."""
        now = self._clock()
        made = Conversation(new_id(), title, now, now, model, system, region)
        await self._change(
            "INSERT INTO conversation (id, title, created_at, updated_at, model, region, system)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (made.id, title, now, now, model, region, system),
        )
        return made

    async def rename(self, conversation_id: str, title: str) -> None:
        """Give it another title. Raises Missing."""
        await self._set(conversation_id, "title", clean_name(title))

    async def set_model(self, conversation_id: str, model: CleanText) -> None:
        """The model the next prompt goes to. Raises Missing."""
        await self._set(conversation_id, "model", model)

    async def set_system(self, conversation_id: str, system: CleanText) -> None:
        """Another system prompt. Raises Missing."""
        await self._set(conversation_id, "system", system)

    async def select_leaf(self, conversation_id: str, turn_id: str | None) -> None:
        """Show the branch that ends in this turn of the conversation; None for an empty one. Raises Missing."""
        await self._change_one(
            "UPDATE conversation SET leaf_id = ? WHERE id = ? AND (? IS NULL OR EXISTS"
            " (SELECT 1 FROM turn t WHERE t.id = ? AND t.conversation_id = conversation.id))",
            (turn_id, conversation_id, turn_id, turn_id),
        )

    async def delete(self, conversation_id: str) -> None:
        """Take it out of sight. It can be restored for 30 days and is then deleted for good. Raises Missing."""
        await self._set(conversation_id, "deleted_at", self._clock())

    async def restore(self, conversation_id: str) -> None:
        """Undo `delete`. Raises Missing when it is gone for good."""
        await self._set(conversation_id, "deleted_at", None)

    async def save_draft(self, conversation_id: str | None, draft: DraftText) -> None:
        """Keep what is being typed; None for the conversation that is not yet created."""
        place = conversation_id or self._new_place
        await self._db.write(lambda db: drafts.save(db, place, draft, self._clock()))

    async def purge(self) -> None:
        """Delete for good what was deleted 30 days ago; the store does it when it opens."""
        if self._db.searchable:
            await self._db.write(lambda db: turns.purge(db, self._clock() - KEPT_DELETED))

    # -- writing turns

    async def add_turn(self, turn: Turn) -> None:
        """Keep a turn at the end of the branch that is shown; the first prompt gives the title.

        Raises Missing when its conversation or parent is not there.
        """
        await self._db.write(lambda db: turns.add(db, turn, self._clock()))

    async def add_prompt(self, turn: Turn, places: Sequence[str | None]) -> None:
        """Keep a prompt as `add_turn` does, and drop in the same step the drafts it was (None: of a new conversation).

        Raises Missing when its conversation or parent is not there.
        """

        async def change(db: aiosqlite.Connection) -> None:
            await turns.add(db, turn, self._clock())
            await db.executemany("DELETE FROM draft WHERE place = ?", [(place or self._new_place,) for place in places])

        await self._db.write(change)

    async def checkpoint(self, turn: Turn) -> None:
        """Keep what has come of an answer that streams: its growth since the last time, and a sign of life.

        Writes nothing to a turn that was finished. Raises Missing when it is not there.
        """
        await self._db.write(lambda db: turns.checkpoint(db, turn, self._clock()))

    async def finish_turn(self, turn: Turn) -> None:
        """Write the last state of a turn, added before or not. Raises Missing when its conversation is gone."""
        await self._db.write(lambda db: turns.finish(db, turn, self._clock(), searchable=self._db.searchable))

    async def update_figures(self, turn_id: str, figures: Figures) -> None:
        """What is measured of an answer, as it becomes known. Raises Missing."""
        await self._change_one(
            f"UPDATE turn SET ({FIGURE_COLUMNS}) = (?, ?, ?, ?, ?, ?) WHERE id = ?", (*figures_row(figures), turn_id)
        )

    # -- how

    async def _set(self, conversation_id: str, column: str, value: object) -> None:
        await self._change_one(f"UPDATE conversation SET {column} = ? WHERE id = ?", (value, conversation_id))

    async def _change(self, sql: str, parameters: Sequence[object]) -> int:
        async def change(db: aiosqlite.Connection) -> int:
            return (await db.execute(sql, parameters)).rowcount

        return await self._db.write(change)

    async def _change_one(self, sql: str, parameters: Sequence[object]) -> None:
        if await self._change(sql, parameters) == 0:
            raise Missing("This is not in the history any more.")

    async def _leaf(self, conversation_id: str) -> str | None:
        rows = await self._db.read("SELECT leaf_id FROM conversation WHERE id = ?", (conversation_id,))
        return rows[0][0] if rows else None

    async def _up(self, conversation_id: str, start: str | None, limit: int) -> list[sqlite3.Row]:
        if start is None:
            return []
        return await self._db.read(_UP, {"start": start, "conversation": conversation_id, "limit": limit})

    async def _loaded(self, rows: list[sqlite3.Row]) -> tuple[Turn, ...]:
        return tuple([await self._load(row) for row in rows])

    async def _load(self, row: sqlite3.Row) -> Turn:
        turn = turn_of(row)
        if turn.state is not TurnState.STREAMING:
            return turn
        turn = replace(
            turn,
            text=clean(turn.text + text_of(row["text_pieces"])),
            reasoning=clean(turn.reasoning + text_of(row["reasoning_pieces"])),
        )
        if not turns.is_abandoned(row, self._clock()):
            return turn
        with suppress(StoreError):  # a history that is read-only or busy still tells the truth
            await self._db.write(lambda db: turns.settle(db, row, searchable=self._db.searchable))
        return replace(turn, state=TurnState.INTERRUPTED)

    async def _found(self, wanted: Search, limit: int, offset: int, *, indexed: bool) -> tuple[Conversation, ...]:
        if indexed and not self._db.read_only and await self._db.read(turns.UNINDEXED):
            await self._db.write(turns.index_new)
        found, parameters = wanted.found_in_turns(indexed=indexed)
        rows = await self._db.read(
            f"WITH hit AS (SELECT conversation_id, max(number) AS number FROM ({found}) GROUP BY conversation_id),"
            " chosen AS (SELECT c.id, hit.number FROM conversation c LEFT JOIN hit ON hit.conversation_id = c.id"
            " WHERE c.deleted_at IS NULL AND (hit.number IS NOT NULL OR holds_all(c.title, ?))"
            f" {_NEWEST_FIRST} LIMIT ? OFFSET ?) "
            + _SELECT.format(
                excerpt="CASE WHEN t.number IS NOT NULL THEN excerpt_of(t.text, ?) END",
                join="JOIN chosen ON chosen.id = c.id LEFT JOIN turn t ON t.number = chosen.number",
            )
            + _NEWEST_FIRST,
            (*parameters, wanted.whole, limit, offset, wanted.whole),
        )
        return tuple(map(conversation_of, rows))
