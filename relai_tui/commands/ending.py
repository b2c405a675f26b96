"""How a command ends: stopped in order by a signal, and with its last words on standard error."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from relai_tui.text import clean_line

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from relai_tui.account import Account

STOPPED = 130
"""The exit code of a command that SIGINT or SIGTERM ended."""


def say(words: str) -> None:
    """Say it on standard error, in one line."""
    print(f"relai-tui: {clean_line(words, 600)}", file=sys.stderr, flush=True)


async def until_stopped(account: Account, work: Coroutine[object, object, int]) -> int:
    """Do a command's work, then close the account; its exit code. SIGINT and SIGTERM cancel it: what came is kept."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows: KeyboardInterrupt does it there
            loop.add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return STOPPED
    finally:
        await account.close()
