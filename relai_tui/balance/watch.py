"""The balance over time: when it is read, who of this machine's windows reads it, and what an answer cost by it.

A `BalanceWatch` reads the balance at times of its own: every minute while the Balance room is shown, else every five,
shortly after each answer and again about fifteen seconds later, because charges may settle late. One window reads for
all of a machine, and the others take what it kept in the store. It never reads without a key, stops for good when the
key is refused or the server has no balance, and backs off when it is told to; chat goes first in the key's rate.
"""

import asyncio
import random
import secrets
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from relai_tui.api.errors import BadRequest, Forbidden, KeyRefused, NotOffered, RelaiError, ServerRefused
from relai_tui.balance.attribution import SETTLES, Span, fall
from relai_tui.balance.attribution import Reading as Reading
from relai_tui.conversation import CostBasis
from relai_tui.moments import DAY
from relai_tui.store.errors import StoreError

if TYPE_CHECKING:
    from relai_tui.api.models import Balance
    from relai_tui.spending_records import KeptReading

INTERVAL = 300.0
"""Seconds between readings while nothing happens."""
ATTENTIVE = 60.0
"""The same while the Balance room is shown."""
SETTLING = (1.0, 15.0)
"""Seconds after an answer at which the balance is read."""
LONGEST_WAIT = 1_800.0
"""Seconds: the backoff's cap."""
LEAST_WAIT = 30.0
"""Seconds left between tries where the server says wait, doubled each time; a longer wait it names is obeyed."""
POSTPONED = 15.0
"""Seconds after which a reading is tried again that the chat's requests left no room for."""


class Shelf(Protocol):
    """Where the readings of a profile are kept, for all windows of this machine. Methods raise `StoreError`."""

    async def keep(self, micro: int, as_of: float) -> None:
        """Keep a reading made at that Unix time in seconds."""

    async def newest(self) -> "KeptReading | None":
        """The newest one, whoever made it."""

    async def take_lease(self, holder: str, now: float, until: float) -> bool:
        """Whether `holder` is the one to read until then."""

    async def thin_out(self) -> None:
        """Thin what is old."""


class BalanceWatch:
    """Reads the balance at the right times. One for each client; `readings()` is iterated once at a time.

    `clock` is monotonic, `wall` Unix time, both in seconds. `may_poll` says whether the key's rate leaves room.
    """

    def __init__(
        self,
        ask: "Callable[[], Awaitable[Balance]]",
        *,
        shelf: Shelf | None = None,
        may_poll: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        interval: float = INTERVAL,
        settling: tuple[float, ...] = SETTLING,
    ) -> None:
        self._ask, self._shelf, self._clock, self._wall = ask, shelf, clock, wall
        self.may_poll = may_poll
        self._interval, self._settling = interval, settling
        self._holder = secrets.token_hex(8)
        self._wanted: list[float] = [clock()]
        """When a reading is wanted that must be made now: by an answer, a key press, the start."""
        self._next: float | None = None
        """When the next one is due by itself."""
        self._not_before = 0.0
        """Until when the server wants to be left alone."""
        self._attentive = self._stopped = False
        self._thinned: float | None = None
        self._wake = asyncio.Event()
        self._read = asyncio.Condition()
        self._history: deque[Reading] = deque(maxlen=64)
        self._spans: deque[Span] = deque(maxlen=64)
        self._failures = 0
        self._closed = False

    # -- what is known

    @property
    def last(self) -> Reading | None:
        """The newest reading that has a figure."""
        return next((reading for reading in reversed(self._history) if reading.micro is not None), None)

    @property
    def interval(self) -> float:
        """Seconds between two readings now; a figure older than twice that is old."""
        return min(ATTENTIVE, self._interval) if self._attentive else self._interval

    @property
    def attentive(self) -> bool:
        """Whether somebody looks at the balance."""
        return self._attentive

    @attentive.setter
    def attentive(self, attentive: bool) -> None:
        if attentive == self._attentive:
            return
        self._attentive = attentive
        last = self.last
        since = last.as_of if last else self._clock() - self.interval
        if self._next is not None and not self._failures:
            self._next = since + self.interval
            self._wake.set()

    # -- when to read

    def read_soon(self) -> None:
        """Read now, as after a key press."""
        self._want(0.0)

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
            self._want(wait)

    def _want(self, wait: float) -> None:
        if not self._stopped:
            self._wanted.append(max(self._clock() + wait, self._not_before))
            self._wake.set()

    async def readings(self) -> AsyncGenerator[Reading, None]:
        """Each reading as it is made, here or by another window; ends when there is nothing to read here."""
        self._closed = False
        try:
            while not self._stopped:
                due = min([*self._wanted, self._clock() if self._next is None else self._next])
                wait = due - self._clock()
                if wait > 0:
                    self._wake.clear()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), wait)
                    continue
                reading = await self._take_turn()
                if reading is not None:
                    yield reading
        finally:
            self._closed = True
            async with self._read:
                self._read.notify_all()

    async def _take_turn(self) -> Reading | None:
        """A reading that is due: made here, taken from the window that reads for all, or put off (None)."""
        now = self._clock()
        wanted = any(due <= now for due in self._wanted)
        if not wanted:
            if not self.may_poll():
                self._next = now + POSTPONED
                return None
            if not await self._is_ours():
                return await self._take_kept()
        reading = await self._make_reading()
        await self._told(reading)
        return reading

    async def _told(self, reading: Reading) -> None:
        self._history.append(reading)
        async with self._read:
            self._read.notify_all()

    async def _is_ours(self) -> bool:
        """Whether this window reads for all of the machine; so it is where the store cannot be asked."""
        if self._shelf is None:
            return True
        now = self._wall()
        try:
            return await self._shelf.take_lease(self._holder, now, now + 1.2 * self.interval)
        except StoreError:
            return True

    async def _take_kept(self) -> Reading | None:
        """What the other window read since, if it did."""
        self._plan_next()
        assert self._shelf is not None
        try:
            kept = await self._shelf.newest()
        except StoreError:
            return None
        age = max(0.0, self._wall() - kept.as_of) if kept else self.interval
        if kept is None or age >= self.interval:  # who reads for all looks less often than is wanted here, or is gone
            reading = await self._make_reading()
            await self._told(reading)
            return reading
        last, made = self.last, self._clock() - age
        if last is not None and made <= last.as_of + 1.0:
            return None
        reading = Reading(kept.micro, made, made)
        await self._told(reading)
        return reading

    async def _make_reading(self) -> Reading:
        asked_at = self._clock()
        self._wanted = [due for due in self._wanted if due > asked_at]
        reading = await self._ask_once(asked_at)
        if not reading.offered:
            self._stopped = True
            self._wanted.clear()
        if reading.micro is not None:
            await self._keep(reading.micro)
        return reading

    async def _ask_once(self, asked_at: float) -> Reading:
        try:
            balance = await self._ask()
        except (NotOffered, KeyRefused, Forbidden, BadRequest) as error:
            return Reading(None, asked_at, self._clock(), str(error), offered=False)
        except RelaiError as error:
            self._failures = min(self._failures + 1, 6)
            self._plan_next(error.retry_after if isinstance(error, ServerRefused) else None)
            return Reading(None, asked_at, self._clock(), str(error))
        self._failures = 0
        self._plan_next()
        if balance.credits_micro is None:
            return Reading(None, asked_at, self._clock(), "the server's answer holds no balance")
        return Reading(balance.credits_micro, asked_at, self._clock())

    def _plan_next(self, told: float | None = None) -> None:
        """`told`: seconds the server asked to wait. Until then it is asked nothing, also not after an answer."""
        now, jitter = self._clock(), random.uniform(0.9, 1.1)
        if told is not None:
            # A server that always says "in a second" must not be asked every second.
            least = min(LEAST_WAIT * 2 ** (self._failures - 1), LONGEST_WAIT) * jitter
            self._next = self._not_before = now + max(told, least)
            self._wanted = [max(due, self._not_before) for due in self._wanted]
            return
        self._next = now + min(self.interval * 2**self._failures, LONGEST_WAIT) * jitter

    async def _keep(self, micro: int) -> None:
        """Keep it for the other windows and for later. One that cannot be kept is still shown."""
        if self._shelf is None:
            return
        now = self._wall()
        with suppress(StoreError):
            await self._shelf.keep(micro, now)
            if self._thinned is None or now - self._thinned > DAY:
                self._thinned = now
                await self._shelf.thin_out()

    # -- what an answer cost

    def before(self, turn_id: str) -> Reading | None:
        """The last figure known before an answer began."""
        span = next((span for span in self._spans if span.turn_id == turn_id), None)
        if span is None:
            return None
        earlier = [reading for reading in self._history if reading.micro is not None and reading.as_of <= span.start]
        return earlier[-1] if earlier else None

    async def cost(self, turn_id: str) -> AsyncGenerator[tuple[int | None, CostBasis], None]:
        """What the answer cost, once for each reading while it settles: the last word is the best.

        Where two readings differ its charge came late, and one more is made, at the most `SETTLES` seconds after it.
        """
        seen: Reading | None = None
        told: list[int | None] = []
        while len(told) < len(self._settling) or (len(told) == len(self._settling) > 1 and told[-1] != told[-2]):
            if len(told) == len(self._settling):
                self._want(SETTLES - self._settling[-1])
            seen = await self._newer(turn_id, seen)
            if seen is not None and self._is_late(turn_id, seen):
                return
            told.append(seen.micro if seen else None)
            yield self._cost(turn_id, seen)
            if self._closed:
                return

    def _is_late(self, turn_id: str, reading: Reading) -> bool:
        """Whether a reading is too long after an answer to tell of it: others may have spent since."""
        span = next((span for span in self._spans if span.turn_id == turn_id), None)
        return span is None or span.end is None or reading.asked_at > span.end + SETTLES + 1.0

    async def _newer(self, turn_id: str, seen: Reading | None) -> Reading | None:
        async with self._read:
            await self._read.wait_for(lambda: self._closed or self._after(turn_id) not in (None, seen))
        return self._after(turn_id)

    def _after(self, turn_id: str) -> Reading | None:
        span = next((span for span in self._spans if span.turn_id == turn_id), None)
        if span is None or span.end is None:
            return None
        later = [reading for reading in self._history if reading.asked_at >= (span.end or 0.0)]
        return later[-1] if later else None

    def _until_settled(self, span: Span) -> Span:
        """The time in which an answer's charge may come: until it was seen, or two readings told the same."""
        if span.end is None:
            return span
        before, last = self.before(span.turn_id), None
        for reading in self._history:
            if reading.micro is None or reading.asked_at < span.end:
                continue
            charged = before is not None and before.micro is not None and reading.micro < before.micro
            if charged or last == reading.micro:
                return replace(span, end=max(span.end, reading.asked_at))
            last = reading.micro
        return replace(span, end=span.end + SETTLES)

    def _cost(self, turn_id: str, after: Reading | None) -> tuple[int | None, CostBasis]:
        span = next((span for span in self._spans if span.turn_id == turn_id), None)
        if span is None:
            return None, CostBasis.UNKNOWN
        others = tuple(self._until_settled(other) for other in self._spans if other.turn_id != turn_id)
        return fall(span, others, self.before(turn_id), after)
