"""Servers that are slow, that never end, or that ask to wait: it is said, and it ends."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from relai_tui.sandbox.faults import error, hang_up
from tests.commands_shell import Shell

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
IN_A_HURRY = """
from relai_tui.api.client import Client
from relai_tui.api.timeouts import Timeouts
Client.__init__.__kwdefaults__["timeouts"] = Timeouts(total=0.3)
from relai_tui.cli import main
main()
"""
"""The program, with less patience."""


@asynccontextmanager
async def server(serve: Serve) -> AsyncIterator[str]:
    """A server on a socket; its base URL."""
    writers = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await serve(reader, writer)

    listening = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
    finally:
        listening.close()
        for writer in writers:
            writer.close()


async def no_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def half_a_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{")


async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b" ")
        await asyncio.sleep(0.1)


async def test_after_three_seconds_it_is_said_who_is_waited_for(shell: Shell) -> None:
    async with server(no_head) as base_url:
        shell.more = {"RELAI_BASE_URL": base_url, "RELAI_API_KEY": "a-key-of-another-server"}
        # `ask` asks for the list of models first, where the server is not Relai.
        commands = (("balance",), ("keys", "list"), ("ask", "hi"))
        running = [await shell.start(*command) for command in commands]
        for process in running:
            assert process.stderr
            assert (await process.stderr.readline()).decode() == "relai-tui: waiting for 127.0.0.1…\n"


@pytest.mark.parametrize("serve", [no_head, half_a_body, trickle])
@pytest.mark.parametrize("command", [("balance",), ("keys", "list"), ("keys", "revoke", "some-id")])
async def test_a_server_that_never_ends_is_given_up(shell: Shell, serve: Serve, command: tuple[str, ...]) -> None:
    async with server(serve) as base_url:
        shell.more = {"RELAI_BASE_URL": base_url}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", IN_A_HURRY, *command, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=shell.environ(),
        )  # fmt: skip
        shell.started.append(process)
        out, err = await process.communicate()
        assert (process.returncode, out) == (3, b""), err
        assert "127.0.0.1 did not send a whole answer within" in err.decode().splitlines()[-1]


async def test_a_wait_the_server_asks_for_is_said_by_every_command(shell: Shell) -> None:
    for path in ("/balance", "/keys", "/usage", "/models", "/chat/completions"):
        shell.sandbox.faults.add(error(429, "rate_limit_exceeded", retry_after=1), path=path, times=1)
    commands = (("balance",), ("keys", "list"), ("usage",), ("doctor",), ("ask", "--no-stream", "hi"))
    for ended in await asyncio.gather(*(shell.run(*command) for command in commands)):
        assert ended.code == 0
        assert ended.err.startswith("relai-tui: trying again in 1 s: ")
        assert "send it again" not in ended.err


async def test_a_countdown_says_why_and_gives_no_advice_of_its_own(shell: Shell) -> None:
    shell.sandbox.faults.add(error(503, "overloaded", retry_after=1), path="/balance", times=1)
    shell.sandbox.faults.add(hang_up(), path="/keys", times=1)
    for ended in await asyncio.gather(shell.run("balance"), shell.run("keys", "list")):
        assert ended.code == 0
        assert "trying again in" in ended.err
        assert "try again" not in ended.err.lower()


async def test_a_rate_limit_has_the_same_exit_code_everywhere(shell: Shell) -> None:
    shell.sandbox.faults.add(error(429, "rate_limit_exceeded", retry_after=900))
    commands = (
        ("balance",),
        ("keys", "list"),
        ("keys", "create", "CI", "--reveal"),
        ("ask", "hi"),
        ("ask", "--no-stream", "hi"),
    )
    ends = await asyncio.gather(*(shell.run(*command) for command in commands))
    assert [ended.code for ended in ends] == [7] * len(commands)
