"""Where a key is looked for, in which order, and what is said when a place fails."""

import asyncio
import io
import os
import signal
import socket
import subprocess
import sys
import time
import traceback
from pathlib import Path

import keyring as os_level
import pytest
from pydantic import SecretStr

from relai_tui.credentials import sources
from relai_tui.credentials.errors import CredentialError, KeyCommandFailed, KeyFileUnreadable, UnusableSource
from relai_tui.credentials.os_keyring import Keyring, service_of
from relai_tui.credentials.sources import Credential, KeySource, find, forget_environment_key, from_file, from_stdin
from tests.test_credentials_keyring import DESKTOP, Memory, restored

__all__ = ["restored"]

SHELL = os.environ.get("PATH", "")


class NotAKey(Exception):
    """As the reader of the wire raises it."""


def read_key(text: str) -> SecretStr:
    text = text.strip()
    if not text.startswith("rk-") or " " in text or not text.isascii():
        raise NotAKey("This cannot be an API key.")
    return SecretStr(text)


def key(name: str) -> str:
    return f"rk-eu-canary-{name}"


def value(credential: Credential | None) -> str:
    assert credential
    return credential.key.get_secret_value()


@pytest.fixture
def ring() -> Keyring:
    backend = Memory()
    backend.kept[service_of("prod"), "api-key"] = key("keyring")
    os_level.set_keyring(backend)
    return Keyring(read_key, environ=DESKTOP, trusted=(Memory,))


async def test_the_order_of_the_places(tmp_path: Path, ring: Keyring) -> None:
    file = tmp_path / "key"
    file.write_text(key("file") + "\n")
    given: Credential | None = from_stdin(io.StringIO(key("stdin") + "\nmore\n"), read_key)
    command: tuple[str, ...] | None = ("echo", key("command"))
    environ = {"RELAI_API_KEY": key("variable"), "RELAI_API_KEY_FILE": str(file), "PATH": SHELL}

    async def look() -> Credential | None:
        return await find(
            "prod",
            read_key=read_key,
            environ=environ,
            given=given,
            key_command=command,
            keyring=ring,
            in_keyring=True,
        )

    found = await look()
    assert (value(found), found and found.source, found and found.hides) == (
        key("stdin"),
        KeySource.STDIN,
        KeySource.ENVIRONMENT,
    )
    given = None
    found = await look()
    assert found
    assert (value(found), found.label) == (key("variable"), "environment RELAI_API_KEY")
    assert found.hides is KeySource.ENVIRONMENT_FILE
    environ["RELAI_API_KEY"] = "  "
    found = await look()
    assert found
    assert (value(found), found.source, found.hides) == (key("file"), KeySource.ENVIRONMENT_FILE, KeySource.COMMAND)
    assert str(file) in found.label
    environ["RELAI_API_KEY_FILE"] = ""
    found = await look()
    assert found
    assert (value(found), found.label, found.hides) == (key("command"), "command echo", KeySource.KEYRING)
    command = None
    found = await look()
    assert found
    assert (value(found), found.source, found.hides) == (key("keyring"), KeySource.KEYRING, None)
    assert await find("other", read_key=read_key, environ=environ, keyring=ring) is None
    assert await find("other", read_key=read_key, environ=environ) is None


async def test_a_key_in_the_environment_leaves_the_keyring_alone(ring: Keyring) -> None:
    await find("prod", read_key=read_key, environ={"RELAI_API_KEY": key("x")}, keyring=ring, in_keyring=True)
    backend = os_level.get_keyring()
    assert isinstance(backend, Memory)
    assert backend.reads == 0


@pytest.mark.parametrize("text", ["no key at all canary", "rk-eu-canary two", "ключ-canary"])
async def test_what_cannot_be_a_key_is_said_with_its_place_and_not_passed_over(text: str, ring: Keyring) -> None:
    with pytest.raises(UnusableSource, match="environment RELAI_API_KEY cannot be used") as caught:
        await find("prod", read_key=read_key, environ={"RELAI_API_KEY": text}, keyring=ring)
    assert "canary" not in said(caught.value)


async def test_files_that_hold_no_key(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "huge").write_text("x" * 100_000)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00canary")
    for name, kind in {
        "empty": UnusableSource,
        "huge": KeyFileUnreadable,
        "binary": UnusableSource,
        "missing": KeyFileUnreadable,
        ".": KeyFileUnreadable,
        "nul\0": KeyFileUnreadable,
        "\x1b[2J": KeyFileUnreadable,
    }.items():
        with pytest.raises(CredentialError) as caught:
            await find("prod", read_key=read_key, environ={"RELAI_API_KEY_FILE": f"{tmp_path}/{name}"})
        assert type(caught.value) is kind, name
        assert "canary" not in said(caught.value)
        assert "\x1b" not in str(caught.value)
        with pytest.raises(kind):
            from_file(tmp_path / name, read_key)


async def test_a_file_given_for_this_run(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(key("file") + "\r\n")
    credential = from_file(tmp_path / "key", read_key)
    assert (value(credential), credential.source) == (key("file"), KeySource.FILE)
    assert Credential.for_session(SecretStr("x")).source is KeySource.SESSION


def test_standard_input_that_holds_nothing() -> None:
    with pytest.raises(UnusableSource, match="standard input"):
        from_stdin(io.StringIO(""), read_key)


@pytest.mark.skipif(sys.platform == "win32", reason="needs pipes with a name")
async def test_a_pipe_of_the_shell_may_take_its_time() -> None:
    """`RELAI_API_KEY_FILE=<(pass show relai)`"""
    reader, writer = os.pipe()
    looking = asyncio.create_task(find("prod", read_key=read_key, environ={"RELAI_API_KEY_FILE": f"/dev/fd/{reader}"}))
    for piece in (key("pi"), "pe\n"):
        await asyncio.sleep(0)
        os.write(writer, piece.encode())
    os.close(writer)
    assert value(await looking) == key("pipe")
    os.close(reader)


@pytest.mark.skipif(sys.platform == "win32", reason="needs pipes with a name")
async def test_a_pipe_that_nobody_writes_to_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "COMMAND_LIMIT", 0.05)
    reader, writer = os.pipe()
    with pytest.raises(KeyFileUnreadable, match=r"nothing more came within 0\.05 seconds"):
        await find("prod", read_key=read_key, environ={"RELAI_API_KEY_FILE": f"/dev/fd/{reader}"})
    os.close(reader)
    os.close(writer)


@pytest.mark.skipif(sys.platform == "win32", reason="needs pipes with a name")
async def test_what_is_no_file_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        for path, kind in (
            (tmp_path / "pipe", "a pipe"),
            (tmp_path / "link", "a pipe"),
            (tmp_path / "socket", "a socket"),
            (tmp_path, "a folder"),
            (Path("/dev/zero"), "a device"),
            (Path("/dev/tty"), "a device"),
        ):
            with pytest.raises(KeyFileUnreadable, match=f"is {kind} and no file"):
                await find("prod", read_key=read_key, environ={"RELAI_API_KEY_FILE": str(path)})
            with pytest.raises(KeyFileUnreadable, match=f"is {kind} and no file"):
                from_file(path, read_key)


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
async def test_a_secret_mounted_as_a_link_is_read(tmp_path: Path) -> None:
    """As Kubernetes does it."""
    (tmp_path / "..2026").mkdir()
    (tmp_path / "..2026" / "key").write_text(key("mounted"))
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "key").symlink_to("..data/key")
    assert value(from_file(tmp_path / "key", read_key)) == key("mounted")


@pytest.mark.skipif(sys.platform == "win32", reason="speaks to a shell")
@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("no-such-program-canary",), "cannot be started"),
        (("false",), "failed with status 1"),
        (("sh", "-c", "echo rk-eu-canary; exit 3"), "“sh” failed with status 3"),
        (("sh", "-c", "echo canary >&2"), "it holds nothing"),
        (("yes", "canary"), "far more than a key"),
        (("echo", "nul\0canary"), "cannot be started"),
    ],
)
async def test_commands_that_print_no_key(command: tuple[str, ...], says: str) -> None:
    with pytest.raises(CredentialError, match=says) as caught:
        await find("prod", read_key=read_key, environ={"PATH": SHELL}, key_command=command)
    assert "rk-eu-canary" not in said(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="speaks to a shell")
async def test_a_command_gets_no_shell_no_key_and_no_terminal() -> None:
    script = "read line; echo rk-eu-$#-$1-${RELAI_API_KEY:-none}-${OTHER}-${line:-nothing}; echo second line"
    found = await find(
        "prod",
        read_key=read_key,
        environ={"PATH": SHELL, "RELAI_API_KEY": " ", "OTHER": "other"},
        key_command=("sh", "-c", script, "sh", "$(id);"),
    )
    assert value(found) == "rk-eu-1-$(id);-none-other-nothing"


@pytest.mark.skipif(sys.platform == "win32", reason="speaks to a shell")
async def test_a_command_that_hangs_is_ended_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "COMMAND_LIMIT", 0.3)
    pid = tmp_path / "pid"
    started = time.monotonic()
    with pytest.raises(KeyCommandFailed, match=r"longer than 0\.3 seconds"):
        await find(
            "prod",
            read_key=read_key,
            environ={"PATH": SHELL},
            key_command=("sh", "-c", f"sleep 50 & echo $! > {pid}; wait"),
        )
    assert time.monotonic() - started < 5
    assert is_gone(int(pid.read_text()))


@pytest.mark.skipif(sys.platform != "linux", reason="needs setsid")
async def test_a_command_that_leaves_a_daemon_with_its_output_does_not_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "COMMAND_LIMIT", 0.3)
    pid = tmp_path / "pid"
    leaving = f"setsid sleep 50 & echo $! > {pid}; wait"
    try:
        async with asyncio.timeout(10):
            with pytest.raises(KeyCommandFailed, match=r"longer than 0\.3 seconds"):
                await find("prod", read_key=read_key, environ={"PATH": SHELL}, key_command=("sh", "-c", leaving))
    finally:
        os.kill(int(pid.read_text()), signal.SIGKILL)


def is_gone(process: int) -> bool:
    """Whether the process ended; one that ended and was not yet collected has."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            if " Z " in Path(f"/proc/{process}/stat").read_text():
                return True
            os.kill(process, 0)
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.01)
    return False


def test_the_environment_forgets_the_key() -> None:
    environ = {"RELAI_API_KEY": key("x"), "RELAI_API_KEY_FILE": "/run/secrets/key"}
    forget_environment_key(environ)
    forget_environment_key(environ)
    assert environ == {"RELAI_API_KEY_FILE": "/run/secrets/key"}


def said(error: BaseException) -> str:
    """All that a crash report could show of an error."""
    return "".join(traceback.format_exception(error)) + repr(error) + str(error)


async def test_no_secret_shows_in_what_is_handed_out(ring: Keyring) -> None:
    found = await find("prod", read_key=read_key, environ={}, keyring=ring)
    assert found
    assert "canary" not in repr(found) + str(found) + f"{found}" + repr(ring) + repr(vars(ring))


def test_importing_the_credentials_is_light() -> None:
    program = (
        "import sys, relai_tui.credentials.sources, relai_tui.credentials.os_keyring;"
        "print([m for m in ('keyring', 'pydantic', 'textual', 'httpx') if m in sys.modules])"
    )
    environ = {"PATH": SHELL, "PYTHONPATH": str(Path(__file__).parents[1])}
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environ)
    assert ran.stdout == "[]\n", ran.stderr
