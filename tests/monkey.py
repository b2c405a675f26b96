"""Monkey: random keys, pastes, clicks, resizes and faults over the whole app on the real sandbox.

    uv run python -m tests.monkey [--runs N] [--seed S] [--steps K]

Each run checks that nothing crashed, that the server was asked nothing but what was sent with Enter from the prompt,
and that every prompt sent is on disk. A seed that fails fails again.
"""

import argparse
import asyncio
import random
import sys
import tempfile
from collections import Counter
from contextlib import chdir
from pathlib import Path

from relai_tui.conversation import Role
from relai_tui.sandbox.faults import Fault, cut, null_events, stream_error
from relai_tui.sandbox.server import Sandbox
from relai_tui.ui.chat.page import CONTINUE
from relai_tui.ui.chat.prompt import Draft, slash_command
from relai_tui.ui.chat.prompt_document import drawn
from tests.ui.conftest import Desk, account_on, desk
from tests.ui.terminal_input.typing import Line

WORDS = (
    "hello",
    "日本\u3000語",
    "می\u200cخواهم",
    "👨‍👩‍👧",
    "e\u0301",
    "\u202eabc",
    "[/bold]",
    "$5 and $6",
    "are you sure",
)
PASTES = ("one\ntwo", "x" * 900, "line\n" * 14, "with \x1b in it\rand more", "\ufeffmark", "[Pasted #1 +14 lines]")
KEYS = (
    "\x1b", "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[H", "\x1b[F", "\x1b[5~", "\x1b[6~", "\t", "\x1b[Z",
    "\x7f", "\x17", "\x1f", "\x0c", "\x0e", "\x10", "\x13", "\x14", "\x19", "\x1bOP", "\x1b[15~", "\x1b[17~",
    "\x1b[18~", "\x1b[1;3A", "\x1b[1;3B", "\x1b[1;2A", "\x1b\r", "\x1bx", "\n", "r", "u", "y", "n", "x", "t",
    "e", "m", " ", "/", "*", "1", "R", "\x1b[I",
)  # fmt: skip
SIZES = ((120, 40), (80, 24), (60, 15), (40, 10), (20, 5))


class Monkey:
    """One run: what it does follows from the seed."""

    def __init__(self, at: Desk, sandbox: Sandbox, seed: int) -> None:
        self.at, self.sandbox, self.random = at, sandbox, random.Random(seed)
        driver = at.app._driver
        assert driver is not None
        self._line = Line(driver.process_message)
        self.sent: list[str] = []
        self.confirmed = 0
        self.log: list[str] = []

    async def step(self) -> None:
        """Do something."""
        do = self.random.choices(
            (self._type, self._paste, self._unmarked, self._keys, self._click, self._send, self._resize, self._fault),
            (4, 2, 1, 6, 3, 3, 1, 1),
        )[0]
        self.log.append(do.__name__)
        await do()
        await self.at.pilot.pause()
        assert not self.at.app.faults, self.at.app.faults

    async def _write(self, text: str) -> None:
        self.log[-1] += f" {text!r}"
        self._line.write(text, 1.0)
        await asyncio.sleep(0)

    async def _type(self) -> None:
        await self._write(self.random.choice(WORDS))

    async def _paste(self) -> None:
        await self._write(f"\x1b[200~{self.random.choice(PASTES)}\x1b[201~")

    async def _unmarked(self) -> None:
        await self._write("first\rsecond\rthird")

    async def _keys(self) -> None:
        await self._write(self.random.choice(KEYS) * self.random.choice((1, 1, 1, 2)))

    async def _click(self) -> None:
        width, height = self.at.app.size
        x, y = self.random.randint(1, width), self.random.randint(1, height)
        await self._write(f"\x1b[<0;{x};{y}M\x1b[<0;{x};{y}m" * self.random.choice((1, 1, 2, 3)))

    async def _resize(self) -> None:
        await self.at.pilot.resize_terminal(*self.random.choice(SIZES))

    async def _fault(self) -> None:
        # None that the client answers with another try: each send is one request.
        fault: Fault = self.random.choice((cut(3), null_events(2), stream_error()))
        self.sandbox.faults.add(fault, path="/chat/completions", times=1)

    async def _send(self) -> None:
        """Press Enter, once or twice; where that is in the prompt, what stands there is sent."""
        at = self.at
        if not isinstance(at.app.focused, Draft):
            await self._write("\x1b[15~")
            await at.pilot.pause()
        if not isinstance(at.app.focused, Draft) or at.app.screen is not at.app._chat:
            return
        await self._write(f"say {len(self.sent)} ")
        await at.pilot.pause()
        draft = at.app._chat.draft
        text = draft.whole
        if not draft.locked and not slash_command(text):
            self.sent.append(text[1:] if text.startswith("//") else text)
        await self._write("\r" * self.random.choice((1, 1, 2)))

    async def check(self) -> None:
        """Compare what the server was asked and what is on disk with what was sent."""
        at = self.at
        asked = [each.body["messages"][-1]["content"] for each in self.sandbox.requests.of("POST", "/chat/completions")]
        unasked = Counter(text for text in asked if text != CONTINUE) - Counter(self.sent)
        assert unasked.total() <= self.confirmed, f"unasked: {unasked}"
        await at.app._chat.close_room()
        store = await at.account.store()
        kept: list[str] = [draft.text for draft in [await store.conversations.draft(None)]]
        for conversation in await store.conversations.recent(limit=500):
            kept.append(conversation.draft.text)
            turns, _ = await store.conversations.page(conversation.id, limit=500)
            kept += [turn.text for turn in turns if turn.role is Role.USER]
        shown = "\n".join(drawn(line)[0] for line in at.app._chat.draft.text.split("\n"))
        for text in self.sent:
            assert any(text in each for each in kept), f"lost: {text!r}; in the prompt: {shown!r}"


async def run(seed: int, steps: int) -> None:
    """Let one monkey loose. Raises AssertionError, with what it did, where it broke something."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as home, chdir(home):  # exports are named by what was typed
        async with (
            Sandbox(tokens_per_second=chance.choice((0, 0, 300))) as sandbox,
            desk(account_on(sandbox, Path(home)), size=chance.choice(SIZES[:3])) as at,
        ):
            at.app.open_url = lambda *_, **__: None  # type: ignore[method-assign]
            monkey = Monkey(at, sandbox, seed)
            again = at.page.action_ask_again

            def confirmed() -> object:
                monkey.confirmed += 1
                return again()

            at.page.action_ask_again = confirmed  # type: ignore[method-assign, assignment]
            try:
                for _ in range(steps):
                    await monkey.step()
                await monkey.check()
            except BaseException as broken:
                broken.add_note("\n".join(["", f"seed {seed}:", *monkey.log]))
                raise


def main() -> None:
    """Run many; print the seeds that failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--steps", type=int, default=60)
    options = parser.parse_args()
    failed = []
    for seed in range(options.seed, options.seed + options.runs):
        try:
            asyncio.run(asyncio.wait_for(run(seed, options.steps), 120))
            print(f"seed {seed}: well", flush=True)
        except Exception as broken:  # noqa: BLE001 - whatever it is, the next seed follows
            failed.append(seed)
            print(f"seed {seed}: {type(broken).__name__}: {str(broken)[:500]}", *broken.__notes__, sep="\n", flush=True)
    print(f"{options.runs - len(failed)} well, failed: {failed}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
