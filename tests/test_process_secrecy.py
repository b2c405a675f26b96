"""A running program as a place where a key may be seen: its core dump, its memory, its environment, its children."""

import asyncio
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from shutil import which

import pytest
from textual.command import Command, CommandList

from relai_tui.sandbox.server import Sandbox
from relai_tui.ui.screenshot import save_picture
from tests.commands_shell import Shell
from tests.terminal import terminal
from tests.ui.conftest import Desk, account_on, desk

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
ROOT = Path(__file__).parent.parent
CORES_ON = "import os, resource, sys; resource.setrlimit(resource.RLIMIT_CORE, [resource.getrlimit(4)[1]] * 2); "


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(tokens_per_second=50) as running:
        yield running


async def start_with_cores(shell: Shell, folder: Path, *arguments: str) -> asyncio.subprocess.Process:
    """Run the program where every crash leaves a core file in `folder`, as far as this machine lets it."""
    program = CORES_ON + "os.chdir(sys.argv[1]); os.execv(sys.executable, [sys.executable, *sys.argv[2:]])"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(folder), *arguments, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=shell.environ() | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    shell.started.append(process)
    return process


@linux
async def test_an_aborted_program_leaves_no_core_and_no_key_for_others(sandbox: Sandbox, tmp_path: Path) -> None:
    shell, folder = Shell(sandbox, tmp_path / "home"), tmp_path / "cores"
    folder.mkdir()
    control = await start_with_cores(shell, folder, "-c", "import os; os.abort()")
    await control.wait()
    for core in folder.iterdir():
        core.unlink()
    process = await start_with_cores(shell, folder, "-m", "relai_tui", "ask", "very long 4000 at 50/s")
    assert process.stdout
    assert await process.stdout.read(1)
    proc = Path(f"/proc/{process.pid}")
    assert re.search(r"Max core file size +0 ", (proc / "limits").read_text())
    environ = (proc / "environ").read_bytes()
    assert b"RELAI_TUI_HOME=" in environ
    assert shell.key.encode() not in environ
    assert shell.key[-12:].encode() not in environ
    process.send_signal(signal.SIGABRT)
    await process.communicate()
    assert process.returncode == -signal.SIGABRT
    assert list(folder.iterdir()) == []


@linux
def test_no_core_is_written_even_where_the_limit_does_not_count() -> None:
    """As where cores are piped to a program."""
    program = (
        "import ctypes; from relai_tui.credentials.process import keep_memory_private; keep_memory_private();"
        "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == ("0\n", "")


@linux
def test_programs_started_from_here_do_not_inherit_the_key() -> None:
    program = (
        "import os, subprocess, sys; from relai_tui.credentials.sources import forget_environment_key;"
        "forget_environment_key(os.environ); forget_environment_key(os.environ);"
        "print(subprocess.run(['env'], capture_output=True, text=True).stdout, open('/proc/self/environ').read())"
    )
    environ = {"PATH": os.environ["PATH"], "RELAI_API_KEY": "rk-eu-CANARYcanary", "AFTER": "stays"}
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environ, capture_output=True, text=True)
    assert ran.stderr == ""
    assert "canary" not in ran.stdout.lower()
    assert ran.stdout.count("AFTER=stays") == 2


@pytest.mark.skipif(sys.platform == "win32" or not which("bash"), reason="speaks to a shell")
@pytest.mark.parametrize(
    "line",
    [
        'relai ask --api-key-file <(printf %s "$KEY") Hello',
        'RELAI_API_KEY_FILE=<(printf %s "$KEY") relai ask Hello',
        'printf %s "$KEY" | relai balance --api-key-file /dev/stdin',
        'relai ask --api-key-file /dev/fd/3 Hello 3<<< "$KEY"',
    ],
)
async def test_a_key_from_the_shell_reaches_a_program_that_nobody_may_look_into(
    sandbox: Sandbox, tmp_path: Path, line: str
) -> None:
    shell = Shell(sandbox, tmp_path)
    environ = shell.environ() | {"KEY": shell.key, "PYTHON": sys.executable, "PYTHONPATH": str(ROOT)}
    del environ["RELAI_API_KEY"]
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", f'relai() {{ "$PYTHON" -m relai_tui "$@"; }}; {line}', env=environ,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert (process.returncode, bool(out)) == (0, True), err


async def test_a_demo_hands_no_key_of_the_users_on(sandbox: Sandbox, tmp_path: Path) -> None:
    shell = Shell(sandbox, tmp_path)
    program = (
        "import os; from relai_tui.cli import parser_for; from relai_tui.commands.build import build;"
        "build(parser_for(None).parse_args(['--demo'])); print('RELAI_API_KEY' in os.environ)"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, cwd=ROOT, env=shell.environ(), stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert out == b"False\n"


async def test_variables_of_textual_write_no_log_and_press_no_key(sandbox: Sandbox, tmp_path: Path) -> None:
    log, pictures = tmp_path / "textual.log", tmp_path / "pictures"
    pictures.mkdir()
    environ = Shell(sandbox, tmp_path / "home").environ() | {
        "TERM": "xterm-256color",
        "TEXTUAL_ANIMATIONS": "none",
        "TEXTUAL": "devtools,debug",
        "TEXTUAL_DEBUG": "1",
        "TEXTUAL_LOG": str(log),
        "TEXTUAL_PRESS": "p,a,i,d,enter",
        "TEXTUAL_SCREENSHOT": "0",
        "TEXTUAL_SCREENSHOT_LOCATION": str(pictures),
        "TEXTUAL_SCREENSHOT_FILENAME": "screen.svg",
        "TEXTUAL_DRIVER": "nowhere:Nothing",
        "TEXTUAL_SHOW_RETURN": "1",
    }
    async with terminal("-m", "relai_tui", environ=environ) as at:
        await at.until(lambda written: b"anything" in written)
        at.press("short: canary\r")
        await at.until(lambda written: b"tokens" in written)
        at.press("\x11")
        assert await at.ended() == 0
    assert not log.exists()
    assert list(pictures.iterdir()) == []
    assert [request.method for request in sandbox.requests.of("POST", "/chat/completions")] == ["POST"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs Unix permissions")
async def test_a_screenshot_is_for_the_user_alone_and_says_where_it_is(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    downloads = tmp_path / "Downloads"
    downloads.mkdir()
    monkeypatch.setenv("XDG_DOWNLOAD_DIR", str(downloads))
    before = os.umask(0)
    try:
        async with desk(account_on(sandbox, tmp_path / "home")) as at:
            await at.sees("anything")
            await at.pilot.press("ctrl+p", *"screenshot")
            await at.until(lambda: highlighted(at) == "Screenshot")
            await at.pilot.press("enter")
            await at.until(lambda: list(downloads.glob("relai-tui-*.svg")))
            await at.until(lambda: any("Only you can read it" in note.message for note in at.app._notifications))
            (picture,) = downloads.iterdir()
            (note,) = [note.message for note in at.app._notifications if "Screenshot" in note.message]
            assert str(picture) in note
    finally:
        os.umask(before)
    assert stat.S_IMODE(picture.stat().st_mode) == 0o600
    assert picture.read_text().startswith("<svg")


def highlighted(at: Desk) -> str | None:
    """The command the palette would run."""
    (commands,) = at.app.screen.query(CommandList)
    option = commands.highlighted_option
    return option.hit.text if isinstance(option, Command) else None


def test_two_pictures_of_one_second_are_two_files(tmp_path: Path) -> None:
    made = {save_picture(f"<svg>{number}</svg>", "now.svg", str(tmp_path)) for number in range(5)}
    assert {path.read_text() for path in made} == {f"<svg>{number}</svg>" for number in range(5)}
