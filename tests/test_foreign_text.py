"""Stories of a shell: what was meant is sent and kept, a pipe gets the data, a terminal gets its marks."""

import asyncio
import json
import re
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relai_tui.sandbox.faults import answer
from relai_tui.sandbox.server import Sandbox
from tests.commands_shell import Shell
from tests.terminal import terminal

HIDDEN = "user\u202etxt.exe zero\u200bwidth \ufeffbom 👩‍💻 می‌خواهم"


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[Shell]:
    async with Sandbox(tokens_per_second=0) as sandbox:
        at = Shell(sandbox, tmp_path / "home")
        yield at
        await at.end()


def sent(shell: Shell) -> str:
    (request,) = shell.sandbox.requests.of("POST", "/chat/completions")
    return str(request.body["messages"][-1]["content"])


def kept(shell: Shell) -> list[str]:
    (file,) = shell.home.rglob("relai.db")
    with sqlite3.connect(file) as db:
        return [text for (text,) in db.execute("SELECT text FROM turn ORDER BY number")]


async def test_a_byte_order_mark_before_an_argument_is_left_out(shell: Shell) -> None:
    ended = await shell.run("ask", "\ufeffecho: Hello")
    assert (ended.code, ended.out.strip()) == (0, "Hello")
    assert sent(shell) == "echo: Hello"
    assert kept(shell)[0] == "echo: Hello"


@pytest.mark.parametrize("data", ["\ufeffecho: Hello\n".encode(), "\ufeff\ufeffecho: Hello\r\n".encode()])
async def test_a_byte_order_mark_before_a_file_is_left_out(shell: Shell, data: bytes) -> None:
    ended = await piped(shell, data, "ask")
    assert (ended[0], ended[1].strip()) == (0, "Hello")
    assert sent(shell) == "echo: Hello"


async def test_words_before_a_file_with_a_byte_order_mark(shell: Shell) -> None:
    await piped(shell, "\ufeffthe file".encode(), "ask", "echo: the words")
    assert sent(shell) == "echo: the words\n\nthe file"


async def test_a_byte_order_mark_before_a_system_prompt_is_left_out(shell: Shell) -> None:
    await shell.run("ask", "--system", "\ufeffBe brief.", "hello")
    (request,) = shell.sandbox.requests.of("POST", "/chat/completions")
    assert request.body["messages"][0] == {"role": "system", "content": "Be brief."}


async def test_a_pipe_gets_what_the_model_said(shell: Shell) -> None:
    ended = await shell.run("ask", f"echo: {HIDDEN}")
    assert ended.out == f"{HIDDEN}\n"
    assert sent(shell) == f"echo: {HIDDEN}"
    assert [text.rstrip() for text in kept(shell)] == [f"echo: {HIDDEN}", HIDDEN]


async def test_a_pipe_gets_no_character_that_moves_a_terminal(shell: Shell) -> None:
    ended = await shell.run("ask", "echo: a\x1b[2Jb\x07c\x9bd")
    assert ended.out == "a␛[2Jb␇c‹9B›d\n"


async def test_a_terminal_gets_marks_and_the_history_the_data(shell: Shell) -> None:
    async with terminal("-m", "relai_tui", "ask", f"echo: {HIDDEN}", environ=shell.environ()) as at:
        await at.until(lambda written: "می‌خواهم" in written.decode(errors="ignore"))
        assert await at.ended() == 0
        shown = at.written.decode()
    assert "user‹202E›txt.exe zero‹200B›width ‹FEFF›bom 👩‍💻 می‌خواهم" in shown
    assert not re.search("[\u202e\u200b\ufeff]", shown)
    assert kept(shell)[1].rstrip() == HIDDEN


async def piped(shell: Shell, data: bytes, *arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "relai_tui", *arguments, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=shell.environ(),
    )  # fmt: skip
    shell.started.append(process)
    out, _ = await process.communicate(data)
    return process.returncode or 0, out.decode()


async def test_names_of_keys_are_marked_in_a_table_and_data_in_json(shell: Shell) -> None:
    listed = {"keys": [{"id": "key_1\u200b", "name": "prod\u202e me", "prefix": "rk-eu-\u2066"}]}
    shell.sandbox.faults.add(answer(200, json.dumps(listed)), method="GET", path="/keys")
    table = await shell.run("keys", "list")
    assert "prod‹202E› me" in table.out
    assert "key_1‹200B›" in table.out
    assert "rk-eu-‹2066›" in table.out
    told = await shell.run("keys", "list", "--json")
    (key,) = json.loads(told.out)
    assert (key["id"], key["name"]) == ("key_1\u200b", "prod\u202e me")
