"""`relai-tui balance`: what is left, how old that is and how long it lasts; once, or on and on with `--watch`."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from relai_tui.commands.balance_words import FORMATS, as_json, for_people, plain
from relai_tui.commands.exit_codes import ExitCode
from relai_tui.commands.outcome import TROUBLES, exit_code, run, say
from relai_tui.spending.desk import BalanceDesk

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncGenerator, Callable

    from relai_tui.account import Account
    from relai_tui.balance.watch import Reading
    from relai_tui.commands.outcome import Trouble
    from relai_tui.spending.standing import Standing

FRESH_ENOUGH = 60.0
"""Seconds: a status bar is shown a reading that any window of this machine made so lately, and nothing is asked."""
TICK = 30.0
"""Seconds after which a watch looks whether its line has become old."""


def balance(account: Account, options: argparse.Namespace) -> int:
    """Do what `relai-tui balance …` says; the exit code."""
    desk = BalanceDesk(account)
    show = _form(options)
    if options.watch:
        return run(account, _watch(desk, show, options))
    return run(account, _once(desk, show, options))


def _form(options: argparse.Namespace) -> Callable[[Standing], str]:
    if options.json:
        return as_json
    if options.format:
        return FORMATS[options.format]
    return _timed if options.watch else for_people


def _timed(standing: Standing) -> str:
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(standing.now))}  {plain(standing)}"


# -- once


async def _once(desk: BalanceDesk, show: Callable[[Standing], str], options: argparse.Namespace) -> ExitCode:
    trouble: Trouble | None = None
    try:
        await desk.read(max_age=FRESH_ENOUGH if options.format else 0.0)
    except TROUBLES as error:
        trouble = error
    now = await desk.standing(str(trouble) if trouble else None)
    if now.last is not None or options.json or options.format:
        print(show(now), flush=True)
    if trouble is not None:
        code = say(_next_step(trouble, now), exit_code(trouble))
        # A bar that is told of trouble by the exit code would hide the figure that has just been printed for it.
        return ExitCode.DONE if options.format and options.below is None else code
    return _judged(now, options.below)


def _judged(standing: Standing, below: int | None) -> ExitCode:
    if below is not None and standing.micro is not None and not standing.stale and standing.micro < below:
        return ExitCode.BELOW
    return ExitCode.DONE


def _next_step(trouble: Trouble, standing: Standing) -> str:
    if exit_code(trouble) is ExitCode.REFUSED and not standing.last:
        return f"no balance to show: {trouble}"
    kept = " What is shown was read earlier." if standing.last is not None else ""
    return f"{trouble}{kept}"


# -- on and on


async def _watch(desk: BalanceDesk, show: Callable[[Standing], str], options: argparse.Namespace) -> ExitCode:
    await desk.account.connect()
    readings = desk.account.watch.readings()
    return await follow_readings(desk, readings, lambda now: print(show(now), flush=True), below=options.below)


async def follow_readings(
    desk: BalanceDesk,
    readings: AsyncGenerator[Reading, None],
    tell: Callable[[Standing], None],
    *,
    below: int | None,
    tick: float = TICK,
) -> ExitCode:
    """Tell the standing at each reading, and once more when a figure has become old; ends below `below`.

    Keeps nothing but the last standing: a watch may run for months. `tick` is in seconds.
    """
    coming: asyncio.Task[Reading] | None = None
    told: Standing | None = None
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(readings))
            await asyncio.wait({coming}, timeout=tick)
            if coming.done():
                try:
                    reading = coming.result()
                except StopAsyncIteration:
                    return await _ended(desk)
                coming = None
                if reading.trouble and reading.offered and not (told and told.trouble == reading.trouble):
                    say(reading.trouble)
                told = await desk.standing(reading.trouble)
                tell(told)
                if _judged(told, below) is ExitCode.BELOW:
                    return ExitCode.BELOW
            elif told is not None and not told.stale and told.at(desk.clock()).stale:
                told = told.at(desk.clock())
                tell(told)
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
        await readings.aclose()


async def _ended(desk: BalanceDesk) -> ExitCode:
    """The watch has nothing more to read. Asking once more raises what tells why, with its own exit code."""
    await desk.read()
    return say("there is no balance to watch here", ExitCode.REFUSED)
