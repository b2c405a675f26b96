"""The store: one file that holds the conversations and the ledger.

    async with await Store.open(path) as store:
        conversation = await store.conversations.create(model=model)

Several programs may have the file open at once.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Self

from relai_tui.store.connection import Database
from relai_tui.store.conversations import Conversations
from relai_tui.store.errors import (
    DiskFull,
    Missing,
    ReadOnly,
    StoreBroken,
    StoreBusy,
    StoreClosed,
    StoreError,
    StoreUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from relai_tui.store.key_log import KeyLog
    from relai_tui.store.ledger import Ledger
    from relai_tui.store.usage import Usage
    from relai_tui.text import CleanLine

__all__ = [
    "DiskFull",
    "Missing",
    "ReadOnly",
    "Store",
    "StoreBroken",
    "StoreBusy",
    "StoreClosed",
    "StoreError",
    "StoreUnavailable",
    "warm",
]


def warm() -> None:
    """Import what opening a file needs; takes a while, so from a thread where keys are to be echoed meanwhile."""
    import logging  # noqa: F401 - these for their own sake
    import sqlite3  # noqa: F401

    import aiosqlite  # noqa: F401


class Store:
    """An open history. `close()` it, or use it with `async with`: only that waits for the last writes."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database, self._clock = database, clock
        self.conversations = Conversations(database, clock)
        self.notice: CleanLine | None = database.notice
        """What was wrong with the file and what was done about it; None when all is well."""
        self.read_only: bool = database.read_only
        """Whether every write raises ReadOnly."""

    # What a conversation does not need is loaded when it is first asked for: no start waits for it.

    @cached_property
    def ledger(self) -> Ledger:
        """What was spent from here, readings of the balance, and what was told of it."""
        from relai_tui.store.ledger import Ledger

        return Ledger(self._database, self._clock)

    @cached_property
    def usage(self) -> Usage:
        """What the server told of requests and movements."""
        from relai_tui.store.usage import Usage

        return Usage(self._database)

    @cached_property
    def key_log(self) -> KeyLog:
        """What was done to API keys from here."""
        from relai_tui.store.key_log import KeyLog

        return KeyLog(self._database, self._clock)

    @classmethod
    async def open(cls, path: Path, *, clock: Callable[[], float] = time.time) -> Store:
        """Open or make the history at `path`, readable by nobody else.

        A damaged file is set aside, with what can be read of it brought into a new one, and a newer one opened
        read-only: `notice` says so. Raises StoreUnavailable when no file can be had there, with words that say why.
        """
        opened = asyncio.create_task(cls._open(path, clock))
        try:
            return await asyncio.shield(opened)
        except asyncio.CancelledError:
            while not opened.done():  # whoever gives up may say so more than once
                with suppress(asyncio.CancelledError):
                    await asyncio.wait({opened})
            if not opened.cancelled() and opened.exception() is None:
                await opened.result().close()  # nobody else will
            raise

    @classmethod
    async def _open(cls, path: Path, clock: Callable[[], float]) -> Store:
        store = cls(await Database.open(path, clock()), clock)
        try:
            await store._look()
        except StoreBroken:
            # A large file is not checked from end to end; now it is marked, and this time it will be.
            await store.close()
            store = cls(await Database.open(path, clock()), clock)
        if not store.read_only:
            # Housekeeping that can wait for another day, such as when another window is busy.
            with suppress(StoreError):
                await store.conversations.purge()
        return store

    @classmethod
    async def in_memory(cls, *, clock: Callable[[], float] = time.time) -> Store:
        """A store that keeps nothing beyond this run: for a demo, and where there is no disk to write to."""
        return cls(await Database.open(None, clock()), clock)

    async def _look(self) -> None:
        """Read what every start reads. Raises StoreBroken."""
        try:
            await self.conversations.latest()
            await self.conversations.drafts()
        except StoreBroken:
            raise
        except StoreError:
            return  # other trouble, such as a busy file, is told when something is wanted of it

    async def close(self) -> None:
        """Wait for every write, also of callers that were cancelled, and close. May be called again."""
        await self._database.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()
