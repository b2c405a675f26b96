"""The command line as a user types it."""

import subprocess
import sys

import pytest

from relai_tui import __version__
from relai_tui.cli import COMMANDS, split_command


@pytest.mark.parametrize(
    ("typed", "command", "rest"),
    [
        ([], None, []),
        (["why is the sky blue?"], None, ["why is the sky blue?"]),
        (["ask", "why?"], "ask", ["why?"]),
        (["--profile", "ask", "ask", "why?"], "ask", ["--profile", "ask", "why?"]),
        (["--demo", "ask", "doctor"], "ask", ["--demo", "doctor"]),
        (["--", "ask"], None, ["--", "ask"]),
        (["tell me", "ask"], None, ["tell me", "ask"]),
        (["-m", "smart", "doctor"], "doctor", ["-m", "smart"]),
        (["--below", "usage", "balance"], "balance", ["--below", "usage"]),
        (["--since", "month", "-o", "usage", "receipt"], "receipt", ["--since", "month", "-o", "usage"]),
    ],
)
def test_a_command_may_stand_after_options(typed: list[str], command: str | None, rest: list[str]) -> None:
    assert split_command(typed) == (command, rest)


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "relai_tui", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        stdin=subprocess.DEVNULL,
    )


def test_version_and_help() -> None:
    assert run("--version").stdout == f"relai-tui {__version__}\n"
    shown = run("--help")
    assert shown.returncode == 0
    assert "RELAI_API_KEY" in shown.stdout
    assert "ask" in run("ask", "--help").stdout


def test_no_flag_takes_a_key_as_its_value() -> None:
    for command in ([], *([name] for name in COMMANDS)):
        words = run(*command, "--help").stdout
        assert "--api-key " not in words
        assert "--api-key=" not in words
    refused = run("--api-key", "rk-eu-0123456789abcdef")
    assert refused.returncode == 2


def test_the_screen_needs_a_terminal_and_says_what_to_use_instead() -> None:
    refused = run("say hello")
    assert refused.returncode == 2
    assert "relai-tui ask" in refused.stderr


def test_wrong_arguments_end_with_two() -> None:
    assert run("--no-such-option").returncode == 2
    assert run("sandbox", "--port", "99999").returncode == 2
