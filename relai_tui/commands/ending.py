"""How a command ends: stopped in order by a signal, and with its last words on standard error."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from relai_tui.commands.exit_codes import ExitCode
from relai_tui.text import clean_line

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from relai_tui.account import Account

GRACE = 5.0
"""Seconds after the first signal for which more of them change nothing: what came is being written."""
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""What asks a command to end: Ctrl+C, `kill`, and a terminal that was closed."""

_hold: list[str] = []


def say(words: str) -> None:
    """Say it on standard error, in one line."""
    with suppress(OSError, ValueError):
        print(f"relai-tui: {clean_line(words, 600)}", file=sys.stderr, flush=True)


@contextmanager
def held_back(words: str) -> Iterator[None]:
    """Let the first signal only say `words`, as while an answer is on its way that holds a secret; the next one stops.

    A signal that was held back stops the command afterwards.
    """
    _hold.append(words)
    try:
        yield
        if not _hold and (task := asyncio.current_task()) is not None:
            task.cancel()
    finally:
        _hold.clear()


@contextmanager
def said_if_stopped(words: str) -> Iterator[None]:
    """Say `words` if the command is stopped meanwhile."""
    try:
        yield
    except asyncio.CancelledError:
        say(words)
        raise


async def until_stopped(account: Account, work: Coroutine[object, object, int]) -> int:
    """Do a command's work, then close the account; its exit code.

    SIGINT, SIGTERM and SIGHUP cancel it: what came is kept. One that is ignored, as under `nohup`, stays ignored.
    """
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    first: float | None = None

    def stop() -> None:
        nonlocal first
        if _hold:
            say(_hold.pop())
        elif first is None or time.monotonic() - first > GRACE:
            first = first or time.monotonic()
            account.observer = None
            task.cancel()

    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            with suppress(NotImplementedError, RuntimeError):  # Windows: KeyboardInterrupt does it there
                loop.add_signal_handler(number, stop)
    try:
        return await task
    except asyncio.CancelledError:
        return ExitCode.STOPPED
    finally:
        await account.close()
