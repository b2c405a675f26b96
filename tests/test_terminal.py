"""What reaches a real terminal: never a command of foreign text, never a key, and it is always handed back in order."""

import asyncio
import os
import pty
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from textual.drivers._writer_thread import MAX_QUEUED_WRITES, WriterThread

from relai_tui.conversation import TurnState
from relai_tui.credentials.daemon import in_daemon_thread
from relai_tui.sandbox.server import Sandbox
from relai_tui.store.database import Store
from relai_tui.ui.terminal_gone import LastingFile
from tests.terminal import Terminal, terminal

LEFT = re.compile(rb"\x1b\[\?1049l")
"""The terminal's own screen is back."""
MOUSE_OFF = re.compile(rb"\x1b\[\?1000l")
ALLOWED = re.compile(
    rb"\x1b\[[0-9;:?<=>]*[a-zA-Z]|\x1b\[>?[0-9;]*[a-z]|\x1b\]22;[a-z-]*\x07|\x1b\][0-9;]*\?(?:\x07|\x1b\\)|\x1b\[\?[0-9;]*\$p|\x1b[=>78M()][A-Z0-9]?|\x1bP\+q[0-9a-fA-F;]*\x1b\\"
)
"""What Textual's own driver writes: CSI sequences and queries. No OSC that sets anything."""


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(tokens_per_second=0) as running:
        yield running


def environ(sandbox: Sandbox, home: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        "RELAI_TUI_HOME": str(home),
        "RELAI_BASE_URL": sandbox.base_url,
        "RELAI_API_KEY": sandbox.keys[1],
        "TEXTUAL_ANIMATIONS": "none",
    }


async def painted(at: Terminal) -> None:
    await at.until(lambda written: b"anything" in written and b"sandbox" not in written[:0])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_hands_the_terminal_back_and_keeps_the_answer(
    sandbox: Sandbox, tmp_path: Path, number: signal.Signals
) -> None:
    async with terminal("-m", "relai_tui", environ=environ(sandbox, tmp_path)) as at:
        await painted(at)
        at.press("very long 4000 at 100/s\r")
        await at.until(lambda written: b"answering" in written)
        at.kill(number)
        assert await at.ended() == 128 + number
        assert LEFT.search(at.written)
        assert MOUSE_OFF.search(at.written)
    async with await Store.open(tmp_path / "data" / "relai.db") as store:
        latest = await store.conversations.latest()
        assert latest is not None
        (prompt, answer), _ = await store.conversations.page(latest.id)
    assert prompt.text == "very long 4000 at 100/s"
    assert answer.state is TurnState.STOPPED
    assert answer.text


async def test_a_closed_window_ends_the_program_and_keeps_the_answer(sandbox: Sandbox, tmp_path: Path) -> None:
    async with terminal("-m", "relai_tui", environ=environ(sandbox, tmp_path)) as at:
        await painted(at)
        at.press("very long 4000 at 100/s\r")
        await at.until(lambda written: b"answering" in written)
        at.hang_up()
        assert await at.ended() == 128 + signal.SIGHUP
    async with await Store.open(tmp_path / "data" / "relai.db") as store:
        latest = await store.conversations.latest()
        assert latest is not None
        (_, answer), _ = await store.conversations.page(latest.id)
    assert answer.state is TurnState.STOPPED
    assert answer.text


async def test_however_much_is_drawn_for_a_terminal_that_is_gone_its_writer_can_be_ended() -> None:
    ours, theirs = pty.openpty()
    file = os.fdopen(theirs, "w")
    writer = WriterThread(LastingFile(file))  # type: ignore[arg-type]  # a file in all that is used of it
    writer.start()
    os.close(ours)

    def draw() -> None:
        for number in range(10 * MAX_QUEUED_WRITES):
            writer.write(f"picture {number}")
        writer.stop()

    async with asyncio.timeout(10):
        await in_daemon_thread(draw, "draws")
    assert not writer.is_alive()
    file.close()


async def test_no_hostile_answer_and_no_key_reaches_the_terminal(sandbox: Sandbox, tmp_path: Path) -> None:
    async with terminal("-m", "relai_tui", "hostile, please", environ=environ(sandbox, tmp_path)) as at:
        await at.until(lambda written: b"tokens" in written)
        at.press("\x11")
        assert await at.ended() == 0
        written = bytes(at.written)
    assert b"\x1b]52" not in written
    assert b"\x1b]0" not in written
    assert b"\x1b]8" not in written
    assert not re.search(rb"\xc2[\x80-\x9f]", written)
    for bidi in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c":
        assert bidi.encode() not in written
    assert b"\x1b" not in ALLOWED.sub(b"", written)
    assert sandbox.keys[1].encode() not in written


@pytest.mark.parametrize("bell", [True, False], ids=["wanted", "not wanted"])
async def test_low_credits_ring_the_bell_only_where_that_is_wanted(
    sandbox: Sandbox, tmp_path: Path, *, bell: bool
) -> None:
    config = tmp_path / "config" / "config.toml"
    config.parent.mkdir()
    config.write_text(f"[alerts]\nbell = {str(bell).lower()}\nlow = {{ floor = 100000 }}\n")
    async with terminal("-m", "relai_tui", environ=environ(sandbox, tmp_path)) as at:
        await at.until(lambda written: b"The credits run low" in written)
        at.press("\x11")
        assert await at.ended() == 0
        rest = ALLOWED.sub(b"", bytes(at.written))
    assert rest.count(b"\x07") == int(bell)


CRASHING = """
import sys
from pydantic import SecretStr
from relai_tui.account import Account, Launch
from relai_tui.api.keys import read_key
from relai_tui.credentials.os_keyring import Keyring
from relai_tui.settings import Paths, load
from relai_tui.ui.app import RelaiApp

class Crashing(RelaiApp):
    def on_mount(self):
        api_key = "rk-eu-" + "canary" * 4
        headers = {"Authorization": f"Bearer {api_key}"}
        self.fall(api_key)

    def fall(self, api_key):
        raise RuntimeError("something broke")

settings = load(Paths.find({"RELAI_TUI_HOME": sys.argv[1]}))
Crashing(Account(settings, settings.profile(), Keyring(read_key), {}, base_url="http://127.0.0.1:9/v1"), Launch()).run()
"""


async def test_a_crash_shows_where_and_never_a_local_that_may_hold_a_key(sandbox: Sandbox, tmp_path: Path) -> None:
    async with terminal("-c", CRASHING, str(tmp_path), environ=environ(sandbox, tmp_path)) as at:
        await at.ended()
        await at.until(lambda written: b"something broke" in written)
        assert b"canary" not in at.written
        assert LEFT.search(at.written)
