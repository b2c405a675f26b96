"""Stories of a keyboard in front of a real terminal: bytes in, requests and pictures out."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relai_tui.sandbox.server import Sandbox
from relai_tui.store.database import Store
from tests.terminal import Terminal, terminal
from tests.test_terminal import environ

SENT = b"smart"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(tokens_per_second=0) as running:
        yield running


def asked(sandbox: Sandbox) -> list[str]:
    return [each.body["messages"][-1]["content"] for each in sandbox.requests.of("POST", "/chat/completions")]


async def until_asked(sandbox: Sandbox) -> None:
    async with asyncio.timeout(20):
        while not asked(sandbox):
            await asyncio.sleep(0.01)


async def ready(at: Terminal) -> None:
    await at.until(lambda written: b"anything" in written)


async def left(at: Terminal, home: Path) -> str:
    """Quit. Return the draft that is on disk."""
    at.press("\x11")
    assert await at.ended() == 0
    async with await Store.open(home / "data" / "relai.db") as store:
        latest = await store.conversations.latest()
        return (await store.conversations.draft(latest.id if latest else None)).text


async def test_lines_pasted_without_marks_send_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    async with terminal("-m", "relai_tui", environ=environ(sandbox, tmp_path)) as at:
        await ready(at)
        at.press("first line\rsecond line\rthird line")
        await at.until(lambda written: b"third line" in written)
        assert await left(at, tmp_path) == "first line\nsecond line\nthird line"
    assert asked(sandbox) == []


async def test_enter_twice_in_one_read_sends_once(sandbox: Sandbox, tmp_path: Path) -> None:
    async with terminal("-m", "relai_tui", environ=environ(sandbox, tmp_path)) as at:
        await ready(at)
        at.press("hello there\r\r")
        await until_asked(sandbox)
        await at.until(lambda written: b"tokens" in written)
        assert await left(at, tmp_path) == ""
    assert asked(sandbox) == ["hello there"]


async def test_text_after_an_enter_in_one_read_is_the_next_draft(sandbox: Sandbox, tmp_path: Path) -> None:
    async with terminal("-m", "relai_tui", environ=environ(sandbox, tmp_path)) as at:
        await ready(at)
        at.press("hello\rworld again")
        await until_asked(sandbox)
        await at.until(lambda written: b"world again" in written)
        assert await left(at, tmp_path) == "world again"
    assert asked(sandbox) == ["hello"]


async def test_alt_enter_and_other_scripts_are_typed_as_meant(sandbox: Sandbox, tmp_path: Path) -> None:
    async with terminal("-m", "relai_tui", environ=environ(sandbox, tmp_path)) as at:
        await ready(at)
        at.press("日本\u3000語")
        at.press("\x1b\r")
        at.press("می\u200cخواهم\x1bq")
        at.press("\x1b[200~ a\x1bb\x1b[201~")
        await at.until(lambda written: "a␛b".encode() in written)
        assert await left(at, tmp_path) == "日本\u3000語\nمی\u200cخواهم a␛b"
    assert asked(sandbox) == []


async def test_what_is_typed_while_it_starts_is_in_the_prompt(sandbox: Sandbox, tmp_path: Path) -> None:
    async with terminal("-m", "relai_tui", environ=environ(sandbox, tmp_path)) as at:
        for letter in "typed early":
            at.press(letter)
            await asyncio.sleep(0)
        at.press("\r")
        await at.until(lambda written: b"typed early" in written.partition(b"\x1b[?1049h")[2])
        at.press(" and late")
        await at.until(lambda written: b"and late" in written)
        assert await left(at, tmp_path) == "typed early and late"
    assert asked(sandbox) == []


@pytest.mark.parametrize("how", ["ctrl+z", "signal"])
async def test_after_a_suspension_everything_is_drawn_again(sandbox: Sandbox, tmp_path: Path, how: str) -> None:
    async with terminal("-m", "relai_tui", environ=environ(sandbox, tmp_path)) as at:
        await ready(at)
        at.press("half a thought")
        await at.until(lambda written: b"half a thought" in written)
        at.press("\x1a") if how == "ctrl+z" else at.kill(signal.SIGTSTP)
        stopped = await asyncio.to_thread(os.waitpid, at.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(stopped[1])
        await at.until(lambda written: written.endswith((b"\x1b[?1004l", b"\x1b[?25h")) or b"\x1b[?1049l" in written)
        before = len(at.written)
        at.kill(signal.SIGCONT)
        await at.until(lambda written: b"half a thought" in written[before:] and b"anything" in written[before:])
        at.press(" more")
        assert await left(at, tmp_path) == "half a thought more"


async def test_escape_stops_an_answer_at_once(sandbox: Sandbox, tmp_path: Path) -> None:
    async with terminal("-m", "relai_tui", environ=environ(sandbox, tmp_path)) as at:
        await ready(at)
        at.press("very long 4000 at 100/s\r")
        await at.until(lambda written: b"answering" in written)
        at.press("\x1b")
        await at.until(lambda written: b"stopped" in written)
        assert await left(at, tmp_path) == ""
