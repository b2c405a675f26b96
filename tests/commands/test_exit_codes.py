"""One table of exit codes: in the code, in each `--help` and in the README."""

import re
from pathlib import Path

import pytest

from relai_tui.account import NoCredential
from relai_tui.api.errors import InsufficientBalance, KeyRefused, RateLimited, RefusedToSend, ServerFault, TimedOut
from relai_tui.cli import COMMANDS, parser_for
from relai_tui.commands.exit_codes import CODES_OF, MEANINGS, ExitCode
from relai_tui.commands.outcome import Trouble, exit_code
from relai_tui.credentials.errors import KeyringLocked

README = Path(__file__).parent.parent.parent / "README.md"


def test_every_command_has_its_codes_and_every_code_a_meaning() -> None:
    assert set(CODES_OF) == set(COMMANDS)
    assert set(MEANINGS) == set(ExitCode)
    assert {code for codes in CODES_OF.values() for code in codes} == set(ExitCode)


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help_shows_the_codes_of_the_command(command: str | None) -> None:
    shown = parser_for(command).format_help()
    table = dict(re.findall(r"^  (\d+) +(\S.*)$", shown.partition("exit codes:")[2].partition("\n\n")[0], re.MULTILINE))
    assert table == {str(code.value): MEANINGS[code] for code in (CODES_OF[command] if command else ExitCode)}


def test_the_readme_has_the_same_table() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \|$", README.read_text(), re.MULTILINE)
    assert {int(code): words for code, words, _ in rows} == {code.value: words for code, words in MEANINGS.items()}
    for code, _, commands in rows:
        named = COMMANDS if commands == "all" else re.findall(r"`(\w+)`", commands)
        assert set(named) == {command for command, codes in CODES_OF.items() if int(code) in codes}, code


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (NoCredential("none"), 5),
        (KeyRefused("no"), 5),
        (KeyringLocked("locked"), 5),
        (InsufficientBalance("too little"), 6),
        (RateLimited("slow down"), 7),
        (RefusedToSend("not there"), 2),
        (ServerFault("oops"), 4),
        (TimedOut("late"), 3),
    ],
)
def test_the_same_trouble_has_the_same_code_everywhere(trouble: Trouble, code: int) -> None:
    assert exit_code(trouble) == code
