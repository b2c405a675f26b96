"""Total time limit of a request that is not streamed."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from relai_tui.api.errors import TimedOut
from relai_tui.api.progress import STILL_WAITING, Observer, StillWaiting
from relai_tui.text import clean_line


class Deadline:
    """Async context that raises `TimedOut` when its body takes longer than `seconds`.

    The limit holds however little comes at a time: a server that sends a byte now and then does not move it. Waits
    that were announced before a retry do not count. `observer` learns after `STILL_WAITING` seconds, announced
    waits left out, that nothing is there yet; once.
    """

    def __init__(self, seconds: float, host: str, observer: Observer | None) -> None:
        self._seconds, self._host, self._observer = seconds, host, observer
        self._timeout = asyncio.timeout(seconds)
        self._reminder: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        self._arm()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._disarm()
        late = False
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError:
            late = True
        if late:
            # From None: what was broken off may hold the request, and that holds the key.
            raise TimedOut(
                f"{self._host} did not send a whole answer within {self._seconds:g} s. Try again later.", sent=True
            ) from None

    async def pause(self, sleep: Callable[[float], Awaitable[object]], seconds: float) -> None:
        """Sleep without using up the limit."""
        loop, ends = asyncio.get_running_loop(), self._timeout.when()
        left = None if ends is None else ends - loop.time()
        self._timeout.reschedule(None)
        self._disarm()
        await sleep(seconds)
        self._arm()
        self._timeout.reschedule(None if left is None else loop.time() + left)

    def _arm(self) -> None:
        if self._observer is not None:
            self._reminder = asyncio.get_running_loop().call_later(STILL_WAITING, self._remind)

    def _disarm(self) -> None:
        if self._reminder is not None:
            self._reminder.cancel()

    def _remind(self) -> None:
        observer, self._observer = self._observer, None
        if observer is not None:
            observer(StillWaiting(STILL_WAITING, clean_line(self._host)))
