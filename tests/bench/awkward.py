"""One awkward document in the whole app without a terminal: a process of its own, which prints one line of JSON.

    python -m tests.bench.awkward BASE_URL KIND SIZE RATE [--escape SECONDS]

The app is the real one, the answer comes from the mock server. A ticker of 2 ms on the app's own loop tells how long
the screen stood still: the longest gap between two ticks, beyond what was asked for.
"""

import argparse
import asyncio
import gc
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from relai_tui.account import Account, Launch
from relai_tui.api.keys import read_key
from relai_tui.cli import TURN
from relai_tui.credentials.os_keyring import Keyring
from relai_tui.settings import Paths, load
from relai_tui.ui.app import RelaiApp
from relai_tui.ui.chat.prompt import Draft
from relai_tui.ui.chat.status import Status
from relai_tui.ui.chat.transcript import Transcript
from tests.bench.clients import KEY
from tests.bench.terminal import COLUMNS, ROWS

_TICK = 0.002
_LONGEST = 120.0
"""Seconds allowed for a document."""


class Ticker:
    """Ticks from `with` to the end of it."""

    def __init__(self) -> None:
        self.worst = 0.0
        """Seconds between two ticks, beyond what was asked for."""
        self.worst_cpu = 0.0
        """Of the loop's own processor time in any one gap: what is left when other programs are not counted."""

    @asynccontextmanager
    async def ticking(self) -> AsyncIterator[None]:
        """Tick beside what is done inside."""
        task = asyncio.create_task(self._tick())
        yield
        await asyncio.sleep(5 * _TICK)
        task.cancel()

    async def _tick(self) -> None:
        while True:
            began, cpu = time.perf_counter(), time.thread_time()
            await asyncio.sleep(_TICK)
            self.worst = max(self.worst, time.perf_counter() - began - _TICK)
            self.worst_cpu = max(self.worst_cpu, time.thread_time() - cpu)


async def _until(holds: Callable[[], bool]) -> float:
    """Seconds until it held."""
    began = time.perf_counter()
    async with asyncio.timeout(_LONGEST):
        while not holds():
            await asyncio.sleep(_TICK)
    return time.perf_counter() - began


class Reader:
    """Someone who asks one thing and looks on, or presses Esc."""

    def __init__(self, app: RelaiApp, pilot: Pilot[None]) -> None:
        page = app.screen_stack[0]
        self._app, self._pilot, self._ticker = app, pilot, Ticker()
        self._transcript, self._status = page.query_one(Transcript), page.query_one(Status)
        self._draft = page.query_one(Draft)

    async def ask(self, prompt: str, escape_after: float | None) -> dict[str, float]:
        """What it cost; with `escape_after`, how long Esc took instead."""
        await self._settled()
        self._draft.insert(prompt)
        await self._pilot.pause(0.1)
        cpu, began = time.process_time(), time.perf_counter()
        async with self._ticker.ticking():
            self._app.simulate_key("enter")
            await _until(lambda: self._status.streaming)
            if escape_after is not None:
                return {"escape_ms": await self._escape(escape_after) * 1000}
            await _until(lambda: self._status.answering is None)
            await _until(lambda: self._transcript.drawing_done)
        return {
            "total_s": time.perf_counter() - began,
            "cpu_s": time.process_time() - cpu,
            "stall_ms": self._ticker.worst * 1000,
            "stall_cpu_ms": self._ticker.worst_cpu * 1000,
            "lines": self._transcript.virtual_size.height,
        }

    async def _settled(self) -> None:
        """Wait until what the start loads in threads is loaded."""
        await _until(lambda: any(worker.group == "balance" for worker in self._app.workers))
        await self._pilot.pause(0.5)

    async def _escape(self, after: float) -> float:
        await asyncio.sleep(after)
        assert self._status.answering is not None, "the answer was over before Esc was pressed"
        self._app.simulate_key("escape")
        return await _until(lambda: self._status.answering is None)


async def _run(options: argparse.Namespace, home: Path) -> dict[str, float]:
    settings = load(Paths.find({"RELAI_TUI_HOME": str(home)}))
    environ = {"RELAI_API_KEY": KEY}
    account = Account(settings, settings.profile(), Keyring(read_key), environ, base_url=options.base_url)
    gc.freeze()  # this and the next as the command line does; TEXTUAL_FPS is in the environment
    sys.setswitchinterval(TURN)
    app = RelaiApp(account, Launch(), settled=gc.freeze)
    async with app.run_test(size=(COLUMNS, ROWS)) as pilot:
        prompt = f"{options.kind}-{options.size}r{options.rate}k1"
        figures = await Reader(app, pilot).ask(prompt, options.escape)
    if app.faults:
        raise app.faults[0]
    return figures


def main() -> None:
    """Measure one document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base_url")
    parser.add_argument("kind")
    parser.add_argument("size", type=int)
    parser.add_argument("rate", type=int)
    parser.add_argument("--escape", type=float, help="press Esc so many seconds after the first token")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        print(json.dumps(asyncio.run(_run(options, Path(home)))))


if __name__ == "__main__":
    main()
