"""`--demo`: an account on a local sandbox, in a folder that goes away. Nothing of the user's is read or written."""

import asyncio
import atexit
import contextlib
import tempfile
import time
from bisect import bisect_right
from itertools import accumulate
from pathlib import Path

from relai_tui.account import Account, Arranged
from relai_tui.api.keys import read_key
from relai_tui.conversation import CostBasis, Figures, Role, Turn, TurnState, new_id
from relai_tui.credentials.os_keyring import Keyring
from relai_tui.moments import DAY, HOUR
from relai_tui.settings import Paths, Profile, load
from relai_tui.store.database import Store
from relai_tui.text import clean, clean_line

PROFILE = clean_line("demo")


def demo_account(*, read_only: bool = False) -> Account:
    """An account whose server starts when it is first needed and stops with the program."""
    room = tempfile.TemporaryDirectory(prefix="relai-tui-demo-", ignore_cleanup_errors=True)
    atexit.register(room.cleanup)
    settings = load(Paths.find({"RELAI_TUI_HOME": str(Path(room.name))}))
    return Account(
        settings,
        Profile(name=PROFILE),
        Keyring(read_key),
        {},
        arrange=start_sandbox,
        furnish=add_history,
        read_only=read_only,
    )


HISTORY: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "claude-sonnet-4.6",
        (
            (
                "What is the difference between a mutex and a semaphore?",
                "A **mutex** is owned: the task that locks it unlocks it. A **semaphore** is a counter\n"
                "that anyone may raise or lower.\n\n"
                "| | mutex | semaphore |\n|---|---|---|\n| holders | one | up to *n* |\n"
                "| owner | the locker | nobody |\n| typical use | guard a value | count free slots |\n\n"
                "Use a mutex to protect, a semaphore to signal or to limit.\n",
            ),
            (
                "Show me the limit case in Python.",
                "```python\nimport asyncio\n\nslots = asyncio.Semaphore(4)\n\n\nasync def fetch(url: str) -> bytes:\n"
                "    async with slots:  # at most four at once\n        return await download(url)\n```\n",
            ),
        ),
    ),
    (
        "smart",
        (
            (
                "Draft a polite reminder about an unpaid invoice.",
                "> Dear Ms Okafor,\n>\n> our invoice **2026-0417** of 3 October is still open. Perhaps it slipped"
                " through;\n> could you let us know when we may expect it?\n>\n> With kind regards\n\n"
                "Two sentences are enough: one fact, one question.\n",
            ),
        ),
    ),
    (
        "fast",
        (
            (
                "日本の四季を一言ずつで",
                "- 春：**桜**が咲く\n- 夏：蝉の声\n- 秋：山が紅く\n- 冬：静かな雪\n",
            ),
        ),
    ),
)
"""Conversations a demo starts with, newest first: the model asked, then prompts and answers."""

ANSWERED_BY = {"smart": "claude-sonnet-4.6", "fast": "claude-haiku-4.5"}
"""What the aliases resolved to in those conversations."""


async def add_history(path: Path) -> None:
    """Write the demo's conversations, as if they had been had on the days before, and a month of readings."""
    when = 0.0
    async with await Store.open(path, clock=lambda: when) as store:
        for days, (model, exchanges) in reversed(list(enumerate(HISTORY, 1))):
            when = time.time() - days * DAY
            await _add_conversation(store, model, exchanges, when)
        readings = await asyncio.to_thread(_month_of_readings, time.time())
        await store.ledger.add_readings(PROFILE, "eu", readings, "balance")


def _month_of_readings(now: float) -> list[tuple[int, float]]:
    """The sandbox's balance as it would have been read: every five minutes of late, every hour before."""
    from relai_tui.sandbox.account import Account as SandboxAccount
    from relai_tui.sandbox.seed import seed_demo

    account = SandboxAccount(credits_micro=0, seed=1)
    seed_demo(account)
    rows = sorted((row.created_at, row.delta_micro) for row in account.ledger)
    times, sums = [at for at, _ in rows], list(accumulate((delta for _, delta in rows), initial=0))
    hourly = [now - 29 * DAY + hour * HOUR for hour in range(27 * 24)]
    lately = [now - 2 * DAY + number * 300 for number in range(576)]
    return [(sums[bisect_right(times, at)], at) for at in (*hourly, *lately)]


async def _add_conversation(store: Store, model: str, exchanges: tuple[tuple[str, str], ...], when: float) -> None:
    asked = clean_line(model)
    conversation = await store.conversations.create(model=asked, region=clean_line("eu"))
    parent = None
    for prompt, answer in exchanges:
        question = Turn(new_id(), conversation.id, parent, Role.USER, clean(prompt), TurnState.COMPLETE, when)
        reply = Turn(
            id=new_id(),
            conversation_id=conversation.id,
            parent_id=question.id,
            role=Role.ASSISTANT,
            text=clean(answer),
            state=TurnState.COMPLETE,
            created_at=when + 1,
            finish_reason=clean_line("stop"),
            model_asked=asked,
            model_answered=clean_line(ANSWERED_BY.get(model, model)),
            figures=Figures(24, len(answer) // 4, 0.4, 2.1, len(answer) * 4, CostBasis.EXACT),
        )
        await store.conversations.add_turn(question)
        await store.conversations.add_turn(reply)
        await store.ledger.record_cost(
            reply.id,
            conversation.id,
            PROFILE,
            model=reply.model_answered,
            cost_micro=reply.figures.cost_micro,
            basis=reply.figures.cost_basis,
            at=reply.created_at,
            seconds=reply.figures.seconds,
            tokens_in=reply.figures.prompt_tokens,
            tokens_out=reply.figures.completion_tokens,
        )
        parent = reply.id


async def start_sandbox() -> Arranged:
    """Start the sandbox in a thread of its own, seeded with an account; it ends with the program."""
    return await asyncio.to_thread(_start)


def _start() -> Arranged:
    from relai_tui.sandbox.account import Account as SandboxAccount
    from relai_tui.sandbox.seed import seed_demo
    from relai_tui.sandbox.server import run_in_thread

    stack = contextlib.ExitStack()
    sandbox = stack.enter_context(run_in_thread(account=SandboxAccount(credits_micro=0, seed=1)))
    atexit.register(stack.close)
    seed_demo(sandbox.account)
    return Arranged(sandbox.base_url, read_key(sandbox.keys[2]), clean_line("sandbox"))
