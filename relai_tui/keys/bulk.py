"""Revoking several keys: one a second at most, each with its own outcome, and again for those that failed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from relai_tui.api.errors import KeyRefused, RelaiError
from relai_tui.keys.guards import NotAllowed, demand_for_several

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from relai_tui.keys.desk import KeyDesk
    from relai_tui.keys.listing import KeyRow
    from relai_tui.text import CleanLine

PACE = 1.0
"""Seconds from one request to the next: the key's rate limit is shared with the chats."""


class Fate(Enum):
    """What became of one of the keys."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    GONE = "gone already"
    FAILED = "failed"


@dataclass(slots=True)
class Doomed:
    """One of the keys."""

    row: KeyRow
    fate: Fate = Fate.WAITING
    why: CleanLine | None = None
    """Why it failed."""


class BulkRevocation:
    """Several keys, fixed by id when this is made. Raises `NotAllowed` where the key in use is among them."""

    def __init__(
        self, desk: KeyDesk, rows: Sequence[KeyRow], *, sleep: Callable[[float], Awaitable[object]] | None = None
    ) -> None:
        import asyncio

        self.demand = demand_for_several(rows)
        self.keys = tuple(Doomed(row) for row in rows)
        self._desk, self._sleep = desk, sleep or asyncio.sleep

    @property
    def left(self) -> tuple[Doomed, ...]:
        """Those that are still to be revoked."""
        return tuple(each for each in self.keys if each.fate not in (Fate.DONE, Fate.GONE))

    async def run(self, typed: str, on_change: Callable[[], None]) -> None:
        """Revoke what is left, in order. Ends early where no further one can succeed.

        Raises `NotAllowed` when `typed` does not confirm it. Cancelled, it stops after the key under way.
        """
        if not self.demand.met_by(typed):
            raise NotAllowed("Not confirmed: nothing was revoked.")
        for number, each in enumerate(self.left):
            if number:
                await self._sleep(PACE)
            each.fate, each.why = Fate.RUNNING, None
            on_change()
            try:
                revocation = await self._desk.revoke(each.row, among_marked=True)
                each.fate = Fate.GONE if revocation.was_gone else Fate.DONE
            except (RelaiError, NotAllowed) as error:
                each.fate, each.why = Fate.FAILED, error.message
                if isinstance(error, KeyRefused):
                    return  # our own key: it is refused for the others too
            except BaseException:
                each.fate = Fate.WAITING
                raise
            finally:
                on_change()
