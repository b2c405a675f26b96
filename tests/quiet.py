"""When the app under test is quiet: it has handled what came, and nothing is on its way to it.

Textual's pilot judges that by the processor's time: it sleeps 20 ms and again while the process was at work meanwhile,
twice for a key, and a second long while an answer streams. That was half of the suite's time, and less sure on a busy
machine. Here the event loop is asked instead.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any
from weakref import WeakKeyDictionary

import aiosqlite
import textual.app
import textual.pilot

from relai_tui.credentials import os_keyring, sources
from relai_tui.credentials.daemon import in_daemon_thread

CALM_ROUNDS = 3
"""What was written to a socket is read in the next round, and may be answered in the one after."""
SOON = 0.01
"""Textual draws within 4 ms, and looks at a new size of the terminal after 8."""
BUSY_SECONDS, BUSY_ROUNDS = 0.25, 40
"""With an answer that streams there is always something to do: then a key has had its turn after this."""

_in_threads: WeakKeyDictionary[asyncio.AbstractEventLoop, set[object]] = WeakKeyDictionary()
"""What each loop waits for."""


async def until_quiet(min_sleep: float = 0, max_sleep: float = BUSY_SECONDS) -> None:
    """Return once the loop has nothing to do, not in a thread either, and draws nothing soon."""
    del min_sleep, max_sleep
    loop = asyncio.get_running_loop()
    assert isinstance(loop, asyncio.BaseEventLoop)
    start, rounds, calm, in_threads = loop.time(), 0, 0, _threads_of(loop)
    while calm < CALM_ROUNDS and (rounds < BUSY_ROUNDS or loop.time() < start + BUSY_SECONDS):
        rounds += 1
        if in_threads:
            await asyncio.sleep(0.001)
        elif (due := _next_timer(loop)) < SOON and not loop._ready:  # type: ignore[attr-defined]
            await asyncio.sleep(max(due, 0))
        else:
            await asyncio.sleep(0)
        busy = loop._ready or in_threads or _next_timer(loop) < SOON  # type: ignore[attr-defined]
        calm = 0 if busy else calm + 1


def _threads_of(loop: asyncio.AbstractEventLoop) -> set[object]:
    return _in_threads.setdefault(loop, set())


def _next_timer(loop: asyncio.BaseEventLoop) -> float:
    """Seconds until the next timer."""
    timers = [timer.when() for timer in loop._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]
    return min(timers, default=float("inf")) - loop.time()


def _seen(door: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
    """A way into a thread, with what is under way there known here."""

    @wraps(door)
    async def through(*arguments: Any, **options: Any) -> Any:
        under_way, waited_for = object(), _threads_of(asyncio.get_running_loop())
        waited_for.add(under_way)
        try:
            return await door(*arguments, **options)
        finally:
            waited_for.discard(under_way)

    return through


def _seen_daemon(work: Callable[[], Any], name: str) -> "asyncio.Future[Any]":
    future = in_daemon_thread(work, name)
    waited_for = _threads_of(future.get_loop())
    waited_for.add(future)
    future.add_done_callback(waited_for.discard)
    return future


def ask_the_loop() -> None:
    """Let every pilot wait like this."""
    textual.app.wait_for_idle = textual.pilot.wait_for_idle = until_quiet  # type: ignore[attr-defined]
    asyncio.to_thread = _seen(asyncio.to_thread)
    aiosqlite.Connection._execute = _seen(aiosqlite.Connection._execute)  # type: ignore[method-assign]
    aiosqlite.Connection._connect = _seen(aiosqlite.Connection._connect)  # type: ignore[method-assign]
    os_keyring.in_daemon_thread = sources.in_daemon_thread = _seen_daemon  # type: ignore[attr-defined]
