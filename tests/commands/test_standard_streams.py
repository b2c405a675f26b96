"""Standard streams that are closed, full, broken or not UTF-8: an answer that was paid for is whole on disk."""

import asyncio
import sys

import pytest

from relai_tui.conversation import TurnState
from tests.commands_shell import Shell

PROMPT = "Say “naïve” 日本 ✓ to me"
COMMANDS = (("balance",), ("keys", "list"), ("receipt",), ("doctor",), ("--help",))


@pytest.mark.parametrize("redirect", [">&-", ">/dev/full", "<&- >&-", "<&- >&- 2>&-", ">/dev/full 2>/dev/full"])
@pytest.mark.parametrize("options", [(), ("--no-stream",)], ids=["streamed", "whole"])
async def test_an_answer_that_cannot_be_printed_is_read_to_its_end(
    shell: Shell, redirect: str, options: tuple[str, ...]
) -> None:
    ended = await shell.run("ask", *options, PROMPT, redirect=redirect)
    _, answer = await shell.kept()
    assert answer.state is TurnState.COMPLETE
    assert PROMPT in answer.text
    assert (ended.code, ended.out) == (11, "")
    told = ended.err.splitlines()
    assert len(told) == ("2>" not in redirect)
    assert all("and kept" in line for line in told)


@pytest.mark.parametrize("redirect", ["<&-", "2>&-", "<&- 2>&-", "2>/dev/full"])
async def test_other_streams_do_not_matter(shell: Shell, redirect: str) -> None:
    ended = await shell.run("ask", PROMPT, redirect=redirect)
    assert (ended.code, ended.err) == (0, "")
    assert PROMPT in ended.out


async def test_closed_standard_input_holds_nothing(shell: Shell) -> None:
    assert (await shell.run("ask", redirect="<&-")).code == 2
    assert (await shell.run("ask", "--api-key-stdin", "hi", redirect="<&-")).code == 5


async def test_an_answer_nobody_reads_is_stopped_and_kept(shell: Shell) -> None:
    ended = await shell.run("ask", "very long 4000 at 200/s", redirect="| head -c 1")
    assert len(ended.out) == 1
    assert ended.err.count("\n") == 1
    assert "What came is kept" in ended.err
    _, answer = await shell.kept()
    assert answer.state is TurnState.STOPPED
    assert answer.text


async def test_every_command_tells_in_one_line_that_it_cannot_print(shell: Shell) -> None:
    for number, command in enumerate(COMMANDS):
        ended = await shell.run(*command, redirect=(">&-", ">/dev/full")[number % 2])
        assert ended.code == 11, command
        assert "standard output cannot be written" in ended.err.splitlines()[-1], command
        assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    "environ",
    [
        {"PYTHONIOENCODING": "cp1252"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1:strict"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=["cp1252", "ascii", "latin-1", "C"],
)
async def test_characters_an_encoding_lacks_are_replaced_and_kept_whole(shell: Shell, environ: dict[str, str]) -> None:
    shell.more = environ
    ended = await shell.run("ask", PROMPT)
    assert (ended.code, ended.err) == (0, "")
    assert "?? +" in ended.out
    assert PROMPT in (await shell.kept())[1].text


async def test_no_command_breaks_where_characters_are_lacking(shell: Shell) -> None:
    shell.more = {"PYTHONIOENCODING": "ascii"}
    for command in (*COMMANDS, ("ask", "-m", "no-such-“modèl”", "hi"), ("keys", "revoke", "“é日")):
        ended = await shell.run(*command)
        assert "Traceback" not in ended.err
        assert ended.out or ended.err


async def test_a_finding_stays_well_or_not_in_ascii(shell: Shell) -> None:
    shell.more = {"PYTHONIOENCODING": "ascii", "CI": "true"}
    marks = {line.split()[1]: line[0] for line in (await shell.run("doctor")).out.splitlines()}
    assert marks["keyring"] == "x"
    assert marks["server"] == "+"


async def test_a_pipe_that_does_not_block_loses_nothing(shell: Shell) -> None:
    """Another program with the same pipe may have made it so; the answer is longer than a pipe holds."""
    program = "import os, sys; os.set_blocking(1, False); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, "-m", "relai_tui", "ask", "very long 30000", stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=shell.environ(), limit=1_024,
    )  # fmt: skip
    shell.started.append(process)
    out, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert len(out) > 65_536
    assert out.decode().strip() == (await shell.kept())[1].text.strip()
