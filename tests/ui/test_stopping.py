"""Stopping an answer: from the worker's cancellation to the server that sees its client gone."""

import time
from pathlib import Path

import pytest

from relai_tui.conversation import TurnState
from relai_tui.sandbox.faults import endless
from relai_tui.sandbox.server import run_in_thread
from tests.ui.conftest import account_on, desk

SOON = {"a paced answer": 0.1, "a flood": 0.3}
"""Seconds; on a quiet machine both take about 10 ms, which is how often the test looks."""


@pytest.mark.parametrize("kind", SOON)
async def test_stopping_closes_the_socket_soon(kind: str, home: Path) -> None:
    with run_in_thread(tokens_per_second=0 if kind == "a flood" else 500) as sandbox:
        sandbox.faults.add(endless(), times=1)
        async with desk(account_on(sandbox, home)) as at:
            await at.send("on and on")
            await at.until(lambda: at.page.here and len(at.page.here.reply.answer.text) > 20_000)
            running = at.page.here
            assert running is not None
            assert sandbox.answering == 1
            began = time.perf_counter()
            running.worker.cancel()
            await at.until(lambda: sandbox.answering == 0)
            took = time.perf_counter() - began
            await at.until(lambda: at.page.here is None)
            answer = (await at.kept())[-1]
    assert answer.state is TurnState.STOPPED
    assert took < SOON[kind]
