"""Progress of a request that is not streamed, for callers that say why they wait.

A streamed answer tells its waits itself, as `Waiting` deltas. Everything else is silent until its answer is there;
a client's observer is called meanwhile.
"""

from collections.abc import Callable
from dataclasses import dataclass

from relai_tui.api.deltas import Waiting
from relai_tui.text import CleanLine

STILL_WAITING = 3.0
"""Seconds after which an observer is told that no answer has come yet."""


@dataclass(frozen=True, slots=True)
class StillWaiting:
    """The answer is not there yet. Told once for each request."""

    seconds: float
    """Time spent on the request so far, announced waits left out."""
    host: CleanLine


OnWait = Callable[[Waiting], None]
"""Told before each wait between two tries."""

Observer = Callable[[Waiting | StillWaiting], None]
"""Called from the event loop; must not block.

`Waiting(seconds, attempt, because)` comes before each wait between two tries, `StillWaiting` once, after
`STILL_WAITING` seconds without a whole answer.
"""
