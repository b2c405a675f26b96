"""Keeper of drafts: a draft belongs to its conversation and is on disk half a second behind the keys."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from textual.message_pump import MessagePump

from relai_tui.conversation import DraftText, joined
from relai_tui.store.errors import StoreError
from relai_tui.text import CleanLine, clean_line

if TYPE_CHECKING:
    from relai_tui.store.database import Store

DELAY = 0.5
"""Seconds after a key until the draft is on disk."""


class DraftKeeper:
    """Writes the draft of the conversation shown; `now` tells which that is (None: one to be begun) and its text."""

    def __init__(
        self,
        timers: MessagePump,
        store: "Callable[[], Awaitable[Store]]",
        now: Callable[[], tuple[str | None, DraftText]],
        trouble: Callable[[CleanLine], None],
    ) -> None:
        self._timers, self._store, self._now, self._trouble = timers, store, now, trouble
        self._due = False
        self.ready = False
        """Whether the draft from before was shown. Until then nothing is written in its place."""

    def keep_soon(self) -> None:
        """Write it in half a second, once, however many keys come."""
        if not self._due:
            self._due = True
            self._timers.set_timer(DELAY, self.keep)

    async def keep(self) -> None:
        """Write it now."""
        self._due = False
        if not self.ready:
            return
        try:
            store = await self._store()
            # Looked up with nothing awaited before the write is queued: a send in between drops the draft for good.
            await store.conversations.save_draft(*self._now())
        except StoreError as error:
            self._trouble(clean_line(f"the draft is not saved: {error}"))

    async def finish(self) -> None:
        """Write it at the end. What was typed before the draft on disk could be shown follows that one."""
        if self.ready:
            await self.keep()
            return
        where, typed = self._now()
        try:
            kept = await (await self._store()).conversations.draft(where)
        except StoreError:
            return
        if typed.text:
            await self.write(where, joined(kept, typed))

    async def write(self, where: str | None, draft: DraftText) -> None:
        """Write the draft of a conversation, or of the one to be begun."""
        try:
            store = await self._store()
            await store.conversations.save_draft(where, draft)
        except StoreError as error:
            self._trouble(clean_line(f"the draft is not saved: {error}"))
