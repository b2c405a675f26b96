"""Two connections to one history: writes go one after another through one, reads run beside them on the other."""

from __future__ import annotations

import asyncio
import atexit
import threading
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from relai_tui.store import opening
from relai_tui.store.errors import ReadOnly, StoreBroken, StoreClosed, spoken

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    import aiosqlite

    from relai_tui.text import CleanLine

    Parameters = Sequence[object] | Mapping[str, object]

Result = TypeVar("Result")


LAST_MOMENT = 2.0
"""Seconds an unclosed connection may take to end when the program does."""


class Database:
    """An open history, asked in SQL by the rest of this package.

    A write belongs to the database, not to who awaits it: it is finished although its caller is cancelled, and
    `close()` waits for it. All methods raise `StoreError`s only.
    """

    def __init__(self, opened: opening.Opened, writer: aiosqlite.Connection) -> None:
        self.read_only = opened.read_only
        self.searchable = opened.searchable
        self.notice: CleanLine | None = opened.notice
        self._writer = writer
        self._reader: aiosqlite.Connection | None = None
        self._path: Path | None = None
        self._turn = asyncio.Lock()
        self._writes: set[asyncio.Task[Any]] = set()
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, path: Path | None, now: float) -> Database:
        """Open the file at `path`, or a history in memory for None. `now` is Unix time in seconds."""
        import logging
        import sqlite3

        # aiosqlite logs each statement with its parameters, which are people's conversations.
        logging.getLogger("aiosqlite").setLevel(logging.WARNING)
        found: list[opening.Opened] = []
        trouble: list[Exception] = []

        def connect() -> sqlite3.Connection:
            try:
                found.append(opening.open_memory(now) if path is None else opening.open_file(path, now))
            except Exception as error:  # noqa: BLE001  # whatever it is, it is raised below
                # A connector that raises leaves its thread to end some time after the loop; closing one awaits it.
                trouble.append(error)
                return sqlite3.connect(":memory:")
            return found[0].db

        with spoken():
            writer = await _connection(connect)
            if trouble:
                await writer.close()
                raise trouble[0]
            database = cls(found[0], writer)
            if path is not None and not found[0].read_only:
                await database._read_beside(path)
        return database

    async def _read_beside(self, path: Path) -> None:
        self._path = path
        try:
            self._reader = await _connection(lambda: opening.open_reader(path))
        except BaseException:
            await self._writer.close()
            raise

    async def read(self, sql: str, parameters: Parameters = ()) -> list[sqlite3.Row]:
        """All rows of one query, as of now: every write awaited before is seen."""
        if self._closing:
            raise StoreClosed("The history is closed.")
        if self._reader is not None:
            return await self._rows(self._reader, sql, parameters)
        async with self._turn:
            return await self._rows(self._writer, sql, parameters)

    async def write(self, work: Callable[[aiosqlite.Connection], Awaitable[Result]]) -> Result:
        """Run `work` in one transaction, after the writes asked for before; all of it happens or nothing."""
        if self.read_only:
            raise ReadOnly("The history is read-only here: this is not kept.")
        if self._closing:
            raise StoreClosed("The history is closed.")
        task = asyncio.create_task(self._transaction(work))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Wait for all writes and close. May be called again, and goes on when its caller is cancelled."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        while self._writes:
            await asyncio.wait(self._writes)
        with spoken():
            if self._reader is not None:
                await self._reader.close()
            await self._writer.close()

    async def _transaction(self, work: Callable[[aiosqlite.Connection], Awaitable[Result]]) -> Result:
        import sqlite3

        async with self._turn:
            try:
                with spoken():
                    try:
                        await self._writer.execute("BEGIN IMMEDIATE")
                        result = await work(self._writer)
                        await self._writer.execute("COMMIT")
                    except BaseException:
                        # Queued behind what still runs. There may be nothing to roll back: sqlite itself ends the
                        # transaction after some errors, such as a full disk.
                        with suppress(sqlite3.Error):
                            await self._writer.execute("ROLLBACK")
                        raise
            except StoreBroken:
                self._note_damage()
                raise
            return result

    async def _rows(self, db: aiosqlite.Connection, sql: str, parameters: Parameters) -> list[sqlite3.Row]:
        try:
            with spoken():
                return list(await db.execute_fetchall(sql, parameters))
        except StoreBroken:
            self._note_damage()
            raise

    def _note_damage(self) -> None:
        if self._path is not None:
            opening.mark_damaged(self._path)


def _connection(connect: Callable[[], sqlite3.Connection]) -> aiosqlite.Connection:
    """A connection, not yet begun, whose thread does not keep a program from ending that crashed and closed nothing.

    A thread is a daemon when the one that made it is; aiosqlite offers no other way to ask for that.
    """
    import aiosqlite

    made: list[aiosqlite.Connection] = []
    maker = threading.Thread(target=lambda: made.append(aiosqlite.Connection(connect, 64)), daemon=True)
    maker.start()
    maker.join()
    _end_at_exit(made[0])
    return made[0]


def _end_at_exit(connection: aiosqlite.Connection) -> None:
    """End the thread of a connection nobody closed, while the interpreter is whole: in its last moments it aborts."""
    reference = weakref.ref(connection)

    def end() -> None:
        left = reference()
        if left is not None and left._thread.is_alive():  # noqa: SLF001  # aiosqlite names its thread nowhere else
            left.stop()
            left._thread.join(LAST_MOMENT)  # noqa: SLF001

    atexit.register(end)
