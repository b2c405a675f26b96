"""Settings that are ignored are told where the user is: on the screen, by `ask`, and by `doctor`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relai_tui.sandbox.server import Sandbox
from relai_tui.settings import Paths
from tests.commands_shell import Shell
from tests.ui.conftest import account_on, desk

MISSPELLED = "theme = 'nrod'\n[keymap]\n'chat.nwe' = 'f2'\n[limits]\ndya = { hard = 5 }\nmonht = { hard = 50 }\n"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(tokens_per_second=0) as running:
        yield running


def configure(home: Path, text: str) -> None:
    paths = Paths.find({"RELAI_TUI_HOME": str(home)})
    paths.config.mkdir(parents=True)
    paths.config_file.write_text(text)


async def test_the_screen_tells_of_three_and_where_the_others_are(sandbox: Sandbox, tmp_path: Path) -> None:
    configure(tmp_path, MISSPELLED)
    async with desk(account_on(sandbox, tmp_path)) as at:
        await at.until(lambda: at.app._notifications)
        (note,) = [note for note in at.app._notifications if note.title.startswith("Settings in ")]
        assert note.severity == "warning"
        assert note.message.count("is ignored") + note.message.count("no such theme") == 3
        assert "“dya” in [limits]" in note.message
        assert note.message.endswith("1 more: relai-tui doctor shows all.")
        await at.sees("Settings in")
        await at.sees("line 5: “dya” in [limits]")
        assert at.draft.has_focus


async def test_the_screen_says_nothing_where_all_is_well(sandbox: Sandbox, tmp_path: Path) -> None:
    configure(tmp_path, "theme = 'nord'\n[limits]\nday = { hard = 5 }\n")
    async with desk(account_on(sandbox, tmp_path)) as at:
        await at.sees("anything")
        assert [note.title for note in at.app._notifications if note.title.startswith("Settings in ")] == []


async def test_ask_tells_of_all_on_standard_error_and_answers(sandbox: Sandbox, tmp_path: Path) -> None:
    configure(tmp_path, MISSPELLED)
    ended = await Shell(sandbox, tmp_path).run("ask", "Hello")
    assert ended.code == 0
    assert ended.out
    assert "Did you mean" not in ended.out
    assert [ended.err.count(f"Did you mean “{name}”?") for name in ("day", "month", "nord", "chat.new")] == [1] * 4


async def test_doctor_tells_of_all(sandbox: Sandbox, tmp_path: Path) -> None:
    configure(tmp_path, MISSPELLED)
    ended = await Shell(sandbox, tmp_path).run("doctor")
    assert ended.code == 1
    assert [ended.out.count(f"Did you mean “{name}”?") for name in ("day", "month", "nord", "chat.new")] == [1] * 4
    assert ended.out.count("✗ configuration") == 4


async def test_a_limit_that_is_no_table_stops_before_anything_is_sent(sandbox: Sandbox, tmp_path: Path) -> None:
    configure(tmp_path, "[limits]\nday = 5\n")
    for command in (("ask", "Hello"), ("doctor",)):
        ended = await Shell(sandbox, tmp_path).run(*command)
        assert ended.code == 2
        assert "such as day = { soft = 2.00, hard = 5.00 }" in ended.err
    assert len(sandbox.requests.of("POST", "/chat/completions")) == 0
