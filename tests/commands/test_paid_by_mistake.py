"""Nothing typed at a shell is sent by mistake: mistyped commands, terminals that cannot show the screen, keys."""

import codecs
import gzip
import json
import random

import pytest

from relai_tui.commands.standard_input import NotText, decode
from tests.commands_shell import Shell
from tests.terminal import terminal

TEXT = "Grüße, 日本語 🙂\n"
GITHUB = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" * 2


def in_sh(line: str) -> str:
    """A program for Python that becomes a shell; in its line, `"$0"` is Python."""
    return f'import os, sys; os.execv("/bin/sh", ["sh", "-c", {line!r}, sys.executable])'


async def at_terminal(shell: Shell, *arguments: str, **environ: str) -> tuple[int, str]:
    async with terminal(
        "-m", "relai_tui", *arguments, environ=shell.environ() | {"TERM": "xterm"} | environ
    ) as running:
        code = await running.ended()
        await running.until(lambda written: b"relai-tui" in written)
        return code, bytes(running.written).decode()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["ballance"], "balance"),
        (["Balance"], "balance"),
        (["usages"], "usage"),
        (["key"], "keys"),
        (["key", "list"], "keys"),
        (["revoke", "some-id"], "keys revoke"),
        (["aks", "why is the sky blue?"], "ask"),
        (["help"], "--help"),
        (["version"], "--version"),
        (["-m", "smart", "logn"], "login"),
    ],
)
async def test_a_mistyped_command_is_not_sent(shell: Shell, typed: list[str], meant: str) -> None:
    code, shown = await at_terminal(shell, *typed)
    assert code == 2
    assert f"Did you mean {meant}?" in shown
    assert "\x1b[?1049h" not in shown
    assert len(shell.sandbox.requests) == 0
    assert not (shell.home / "data").exists()


@pytest.mark.parametrize(
    "typed", [["xyzzy"], ["why?"], ["why", "is", "it"], ["--", "xyzzy"], ["-c", "xyzzy"], ["空はなぜ青い"]]
)
async def test_words_that_resemble_no_command_are_told_how_to_be_asked(shell: Shell, typed: list[str]) -> None:
    code, shown = await at_terminal(shell, *typed)
    assert code == 2
    assert "relai-tui ask " in shown.replace("\r\n", " ")
    assert "Did you mean" not in shown
    assert len(shell.sandbox.requests) == 0


async def test_a_key_after_a_mistyped_command_is_not_repeated(shell: Shell) -> None:
    code, shown = await at_terminal(shell, "logn", GITHUB)
    assert code == 2
    assert "Did you mean login?" in shown
    assert GITHUB[:12] not in shown


async def test_a_prompt_in_quotes_still_opens_the_screen_and_is_sent(shell: Shell) -> None:
    environ = shell.environ() | {"TERM": "xterm-256color"}
    async with terminal("-m", "relai_tui", "explain monads", environ=environ) as running:
        await running.until(lambda _: shell.asked() == 1)
        assert b"\x1b[?1049h" in running.written


@pytest.mark.parametrize("term", ["dumb", "", "unknown"])
async def test_a_terminal_that_cannot_show_the_screen_is_told_so(shell: Shell, term: str) -> None:
    code, shown = await at_terminal(shell, "explain monads", TERM=term)
    assert code == 2
    assert (f"TERM={term}" if term else "TERM is not set") in shown
    assert "relai-tui ask" in shown
    assert "\x1b" not in shown
    assert len(shell.sandbox.requests) == 0


@pytest.mark.parametrize("redirect", ["</dev/null", ">/dev/null", "2>/dev/null", "| cat"])
async def test_the_screen_does_not_open_in_a_pipe(shell: Shell, redirect: str) -> None:
    environ = shell.environ() | {"TERM": "xterm"}
    line = in_sh(f"\"$0\" -m relai_tui 'say hello' {redirect}; echo ended $?")
    async with terminal("-c", line, environ=environ) as running:
        await running.until(lambda written: b"ended" in written)
        assert b"ended 0" in running.written if redirect == "| cat" else b"ended 2" in running.written
        assert b"\x1b[?1049h" not in running.written
    assert len(shell.sandbox.requests) == 0


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (TEXT.encode("utf-16"), "UTF-16"),
        ("naïve words\nand more".encode("latin-1"), "byte 0xEF in line 1"),
        (gzip.compress(TEXT.encode()), "gzip"),
        (b"a" * (8 * 2**20 + 1), "larger than 8 MiB"),
    ],
    ids=["UTF-16", "latin-1", "gzip", "huge"],
)
async def test_standard_input_that_is_no_text_is_refused(shell: Shell, data: bytes, reason: str) -> None:
    ended = await shell.run("ask", "review this", typed=data)
    assert (ended.code, ended.out) == (2, "")
    assert reason in ended.err
    assert len(ended.err.splitlines()) == 1
    assert len(shell.sandbox.requests) == 0


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (TEXT.encode("utf-16-be"), "UTF-16"),
        ("plain words".encode("utf-16-le"), "UTF-16"),
        (TEXT.encode("utf-32"), "UTF-32"),
        (codecs.BOM_UTF32_BE + TEXT.encode("utf-32-be"), "UTF-32"),
        (TEXT.encode() + b"\xe6\x97", "middle of a character"),
        (b"words\n" * 3 + b"\xa0more", "byte 0xA0 in line 4"),
        (TEXT.encode("utf-32-le"), "UTF-32 text, as it seems"),
        (b"words\0more words", "NUL"),
        (b"a\0b", "NUL"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "PNG"),
        (b"PK\x03\x04\x14\0\0\0", "ZIP"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "PDF"),
        (bytes(range(1, 9)) * 50, "control characters"),
        (random.Random(10).randbytes(4_096), ""),
    ],
    ids=lambda value: repr(value[:12]),
)
def test_bytes_that_are_no_text_have_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(NotText, match=f"{reason}.*Nothing was sent; --force"):
        decode(data)
    assert isinstance(decode(data, force=True), str)


@pytest.mark.parametrize(
    ("data", "sent"),
    [
        (b"caf\xe9 words", "caf\ufffd words"),
        (TEXT.encode("utf-16"), TEXT.strip()),
        (b"a\0b", "a\u2400b"),
    ],
)
async def test_force_sends_it(shell: Shell, data: bytes, sent: str) -> None:
    assert (await shell.run("ask", "--force", typed=data)).code == 0
    assert (await shell.kept())[0].text == sent


@pytest.mark.parametrize(
    "data", [b"\x1b[31m- gone\x1b[m\n" * 9, b"BZhello", b"GIF8 words", b"%PDF- is a mark", b"", b"\n"]
)
def test_text_that_looks_odd_is_text(data: bytes) -> None:
    assert decode(data) == data.decode()


async def test_a_byte_order_mark_is_no_part_of_the_prompt(shell: Shell) -> None:
    assert (await shell.run("ask", typed=codecs.BOM_UTF8 + TEXT.encode())).code == 0
    assert (await shell.kept())[0].text == TEXT.strip()


async def test_arguments_that_are_no_text_are_refused_and_a_mark_is_taken_off(shell: Shell) -> None:
    refused = await shell.run("ask", b"caf\xe9")
    assert refused.code == 2
    assert "no text" in refused.err
    assert shell.asked() == 0
    assert (await shell.run("ask", codecs.BOM_UTF8 + b"hello")).code == 0
    assert (await shell.kept())[0].text == "hello"


async def test_a_key_by_standard_input_leaves_the_rest_for_the_prompt(shell: Shell) -> None:
    rest = "".join(f"line {number}\n" for number in range(3_000))
    ended = await shell.run("ask", "--api-key-stdin", typed=f"{shell.key}\n{rest}".encode())
    assert ended.code == 0
    assert (await shell.kept())[0].text == rest.strip("\n")


async def test_ask_says_that_it_reads_and_stops_by_ctrl_c(shell: Shell) -> None:
    environ = shell.environ() | {"TERM": "xterm"}
    line = (
        'import os,sys; os.execv("/bin/sh", ["sh", "-c", "sleep 600 | \\"$0\\" -m relai_tui ask hi", sys.executable])'
    )
    async with terminal("-c", line, environ=environ) as running:
        await running.until(lambda written: b"reading standard input" in written)
        running.press("\x03")
        assert await running.ended() in (-2, 130)
    assert len(shell.sandbox.requests) == 0


@pytest.mark.parametrize("where", ["argument", "standard input", "system prompt"])
async def test_a_key_in_what_would_be_sent_stops_it(shell: Shell, where: str) -> None:
    shell.more = {"HOME": "/nonexistent"}
    words = f"+ token = {GITHUB}\n"
    arguments = {
        "argument": ("ask", words),
        "standard input": ("ask", "review"),
        "system prompt": ("ask", "--system", words, "hi"),
    }[where]
    typed = words.encode() if where == "standard input" else None
    stopped = await shell.run(*arguments, typed=typed)
    assert (stopped.code, stopped.out) == (10, "")
    assert "GitHub token" in stopped.err
    assert "--allow-secrets" in stopped.err
    assert GITHUB not in stopped.err
    assert len(shell.sandbox.requests) == 0
    assert not any(GITHUB.encode() in file.read_bytes() for file in shell.home.rglob("*") if file.is_file())
    assert (await shell.run(arguments[0], "--allow-secrets", *arguments[1:], typed=typed)).code == 0
    assert GITHUB in json.dumps(shell.sandbox.requests.of("POST", "/chat/completions")[0].body)


async def test_the_key_in_use_is_known_whatever_its_shape(shell: Shell) -> None:
    stopped = await shell.run("ask", f"what is xx{shell.key}xx?")
    assert stopped.code == 10
    assert "the key in use" in stopped.err
    assert shell.asked() == 0


async def test_a_key_that_is_broken_over_lines_is_known(shell: Shell) -> None:
    broken = f"{shell.key[:12]}\n{shell.key[12:20]}\r\n  {shell.key[20:]}"
    stopped = await shell.run("ask", "review", typed=broken.encode())
    assert (stopped.code, shell.asked()) == (10, 0)
    assert shell.key[20:] not in stopped.err


async def test_several_keys_are_counted_and_the_line_is_told(shell: Shell) -> None:
    stopped = await shell.run("ask", typed=f"one\ntwo {GITHUB}\nthree {GITHUB[:-2]}Zz\n".encode())
    assert stopped.code == 10
    assert "in line 2, and 1 more" in stopped.err


async def test_the_screen_does_not_take_a_system_prompt_with_a_key(shell: Shell) -> None:
    code, shown = await at_terminal(shell, "--system", f"use {GITHUB}")
    assert code == 10
    assert GITHUB not in shown
    assert len(shell.sandbox.requests) == 0
