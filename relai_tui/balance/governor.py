"""The rate of a key: how much of this minute is used, and how long the next request must wait.

A key has a limit of requests a minute; the server counts them in a minute that slides. Chat goes first: polling asks
`may_poll`, and leaves a tenth of the minute free.
"""

import math
import time
from collections import deque
from collections.abc import Callable

MINUTE = 60.0
"""Seconds in which a server counts a key's requests."""
RESERVED = 10
"""Per cent of the minute that is kept free of polling."""


class RateGovernor:
    """One key's requests. `limit` is in requests a minute, None when it is not known: then nothing is held back.

    `clock` is a monotonic clock in seconds.
    """

    def __init__(self, limit: int | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._clock = clock
        self._sent: deque[float] = deque()
        self._held_until = -math.inf

    def used(self) -> int:
        """Requests sent in the minute that ends now."""
        self._forget()
        return len(self._sent)

    def sent(self) -> None:
        """A request leaves now."""
        self._forget()
        self._sent.append(self._clock())

    def hold(self, seconds: float) -> None:
        """The server said to wait so long (429, Retry-After)."""
        self._held_until = max(self._held_until, self._clock() + max(0.0, seconds))

    def wait(self) -> float:
        """Seconds until the next request may leave; 0 when it may leave now."""
        now = self._clock()
        wait = max(0.0, self._held_until - now)
        if self.limit is not None and self.limit > 0 and self.used() >= self.limit:
            wait = max(wait, self._sent[-self.limit] + MINUTE - now)
        return wait

    def may_poll(self) -> bool:
        """Whether a reading of the balance may be asked for: it must leave a tenth of the minute to the chat."""
        if self.wait() > 0:
            return False
        return self.limit is None or self.used() < self.limit - max(1, self.limit * RESERVED // 100)

    def _forget(self) -> None:
        # A request counts until its minute is over: one sent exactly a minute ago does not.
        end = self._clock() - MINUTE
        while self._sent and self._sent[0] <= end:
            self._sent.popleft()
