"""The balance over time: when to read it, and what its fall says about the cost of an answer.

A `BalanceWatch` reads the balance at times of its own (every five minutes, shortly after each answer and again about
fifteen seconds later, because charges may settle late) and hands out each `Reading`. It never reads without a key,
stops for good when the key is refused or the server has no balance, and backs off when it is told to.

What an answer cost is measured as the fall of the balance between the last reading before it and a reading after it,
and only where no other answer of this program overlapped. The pure part is `fall`.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from relai_tui.api.errors import BadRequest, Forbidden, KeyRefused, NotOffered, RelaiError, ServerRefused
from relai_tui.balance.attribution import Reading as Reading
from relai_tui.balance.attribution import Span, fall
from relai_tui.conversation import CostBasis

if TYPE_CHECKING:
    from relai_tui.api.models import Balance

INTERVAL = 300.0
"""Seconds between readings while nothing happens."""
SETTLING = (1.0, 15.0)
"""Seconds after an answer at which the balance is read."""
LONGEST_WAIT = 1_800.0
"""Seconds: the backoff's cap."""


class BalanceWatch:
    """Reads the balance at the right times. One for each client; `readings()` is iterated once."""

    def __init__(
        self,
        ask: "Callable[[], Awaitable[Balance]]",
        *,
        clock: Callable[[], float] = time.monotonic,
        interval: float = INTERVAL,
        settling: tuple[float, ...] = SETTLING,
    ) -> None:
        self._ask, self._clock, self._interval, self._settling = ask, clock, interval, settling
        self._due: list[float] = [clock()]
        self._wake = asyncio.Event()
        self._read = asyncio.Condition()
        self._history: deque[Reading] = deque(maxlen=64)
        self._spans: deque[Span] = deque(maxlen=64)
        self._failures = 0
        self._closed = False
        self.attentive = False
        """Whether the Balance room is shown."""

    @property
    def last(self) -> Reading | None:
        """The newest reading that has a figure."""
        return next((reading for reading in reversed(self._history) if reading.micro is not None), None)

    def read_soon(self) -> None:
        """Read now, as after a key press."""
        self._plan(0.0)

    def began(self, turn_id: str) -> None:
        """An answer begins."""
        self._spans.append(Span(turn_id, self._clock()))

    def ended(self, turn_id: str) -> None:
        """An answer is over: what it cost will show in the next readings."""
        now = self._clock()
        for index, span in enumerate(self._spans):
            if span.turn_id == turn_id:
                self._spans[index] = replace(span, end=now)
        for wait in self._settling:
            self._plan(wait)

    async def readings(self) -> AsyncGenerator[Reading, None]:
        """Each reading as it is made; ends when there is nothing to read here."""
        try:
            while self._due:
                wait = min(self._due) - self._clock()
                if wait > 0:
                    self._wake.clear()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), wait)
                    continue
                yield await self._make_reading()
        finally:
            self._closed = True
            async with self._read:
                self._read.notify_all()

    async def cost(self, turn_id: str) -> AsyncGenerator[tuple[int | None, CostBasis], None]:
        """What the answer cost, once for each reading while it settles: the last word is the best."""
        seen: Reading | None = None
        for _ in self._settling:
            seen = await self._newer(turn_id, seen)
            yield self._cost(turn_id, seen)
            if self._closed:
                return

    async def _newer(self, turn_id: str, seen: Reading | None) -> Reading | None:
        async with self._read:
            await self._read.wait_for(lambda: self._closed or self._after(turn_id) not in (None, seen))
        return self._after(turn_id)

    def _plan(self, wait: float) -> None:
        if self._due:
            self._due.append(self._clock() + wait)
            self._wake.set()

    async def _make_reading(self) -> Reading:
        asked_at = self._clock()
        self._due = [due for due in self._due if due > asked_at]
        reading = await self._ask_once(asked_at)
        if reading.micro is not None or not self._due:
            wait = min(self._interval * 2**self._failures, LONGEST_WAIT) * random.uniform(0.9, 1.1)
            self._due = [due for due in self._due if due - asked_at < max(self._settling)] + [asked_at + wait]
        self._history.append(reading)
        if not reading.offered:
            self._due.clear()
        async with self._read:
            self._read.notify_all()
        return reading

    async def _ask_once(self, asked_at: float) -> Reading:
        try:
            balance = await self._ask()
        except (NotOffered, KeyRefused, Forbidden, BadRequest) as error:
            return Reading(None, asked_at, self._clock(), str(error), offered=False)
        except RelaiError as error:
            self._failures = min(self._failures + 1, 6)
            if isinstance(error, ServerRefused) and error.retry_after:
                self._due = [asked_at + error.retry_after]
            return Reading(None, asked_at, self._clock(), str(error))
        self._failures = 0
        if balance.credits_micro is None:
            return Reading(None, asked_at, self._clock(), "the server's answer holds no balance")
        return Reading(balance.credits_micro, asked_at, self._clock())

    def _after(self, turn_id: str) -> Reading | None:
        span = next((span for span in self._spans if span.turn_id == turn_id), None)
        if span is None or span.end is None:
            return None
        later = [reading for reading in self._history if reading.asked_at >= (span.end or 0.0)]
        return later[-1] if later else None

    def _cost(self, turn_id: str, after: Reading | None) -> tuple[int | None, CostBasis]:
        span = next((span for span in self._spans if span.turn_id == turn_id), None)
        if span is None:
            return None, CostBasis.UNKNOWN
        earlier = [r for r in self._history if r.micro is not None and r.as_of <= span.start]
        others = tuple(other for other in self._spans if other.turn_id != turn_id)
        return fall(span, others, earlier[-1] if earlier else None, after)
