"""All the places a key may come from, in their order, and what to say when one fails.

Given for this run (`--api-key-stdin`, `--api-key-file`) → `RELAI_API_KEY` → `RELAI_API_KEY_FILE` → the profile's
`key_command` → the keyring → none. There is no `--api-key VALUE`: it would be seen in the process list and stay in the
shell's history. The first place that has something decides; if that is unusable, the places after it are not tried, so
that nobody is charged on an account they did not mean.
"""

from __future__ import annotations

import asyncio
import errno
import os
import select
import signal
import stat
import sys
import time
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from relai_tui.credentials.daemon import in_daemon_thread
from relai_tui.credentials.errors import KeyCommandFailed, KeyFileUnreadable, UnusableSource
from relai_tui.credentials.process import wipe_variable
from relai_tui.private_files import Distrusted, read_regular
from relai_tui.text import CleanLine, clean_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping
    from typing import TextIO

    from pydantic import SecretStr

    from relai_tui.credentials.os_keyring import Keyring

    ReadKey = Callable[[str], SecretStr]

KEY_VARIABLE = "RELAI_API_KEY"
FILE_VARIABLE = "RELAI_API_KEY_FILE"

COMMAND_LIMIT = 30.0
"""Seconds a key_command may take; a person may have to touch a token or type a PIN."""

_LONGEST = 64 * 1024
_DESCRIPTORS = ("/dev/fd", "/proc/self/fd")


class KeySource(StrEnum):
    """Where a key came from."""

    STDIN = "stdin"
    FILE = "file"
    ENVIRONMENT = "environment"
    ENVIRONMENT_FILE = "environment_file"
    COMMAND = "command"
    KEYRING = "keyring"
    SESSION = "session"


class Credential(NamedTuple):
    """A key and where it came from."""

    key: SecretStr
    source: KeySource
    label: CleanLine
    """The place in words, such as `environment RELAI_API_KEY`."""
    hides: KeySource | None = None
    """The next place that would have been asked and holds a key as well, as far as is known without asking it."""

    @classmethod
    def for_session(cls, key: SecretStr) -> Credential:
        """A key that was typed in and is kept nowhere."""
        return cls(key, KeySource.SESSION, clean_line("this session only"))


async def find(
    profile: str,
    *,
    read_key: ReadKey,
    environ: Mapping[str, str],
    given: Credential | None = None,
    key_command: tuple[str, ...] | None = None,
    keyring: Keyring | None = None,
    in_keyring: bool = False,
) -> Credential | None:
    """The key to use for a profile, or None when no place has one.

    `in_keyring` says that the keyring is known to hold one; it is not asked only to find out what is hidden. Raises
    `CredentialError`s: what was chosen and does not work is said and never passed over.
    """
    offered = _offered(environ, given, key_command, in_keyring=in_keyring)
    hides = offered[1] if len(offered) > 1 else None
    match offered[0] if offered else None:
        case KeySource.ENVIRONMENT:
            label = clean_line(f"environment {KEY_VARIABLE}")
            return Credential(_read(read_key, environ[KEY_VARIABLE], label), KeySource.ENVIRONMENT, label, hides)
        case KeySource.ENVIRONMENT_FILE:
            path = environ[FILE_VARIABLE].strip()
            label = clean_line(f"file {path} ({FILE_VARIABLE})")
            # In a thread: it may be a pipe of the shell's whose writer takes its time.
            key = await in_daemon_thread(lambda: _read_file(read_key, Path(path), label), "relai-tui key file")
            return Credential(key, KeySource.ENVIRONMENT_FILE, label, hides)
        case KeySource.COMMAND if key_command:
            label = clean_line(f"command {Path(key_command[0]).name}")
            printed = await _printed_by(key_command, environ)
            return Credential(_read(read_key, printed, label), KeySource.COMMAND, label, hides)
        case KeySource.KEYRING | None:
            found = await keyring.read(profile) if keyring is not None else None
            return None if found is None else Credential(found, KeySource.KEYRING, clean_line("keyring"))
    if given is None:
        return None
    return Credential(given.key, given.source, given.label, hides)


def from_stdin(stream: TextIO, read_key: ReadKey) -> Credential:
    """The key on standard input, for `--api-key-stdin`: its first line. Raises UnusableSource."""
    label = clean_line("standard input")
    return Credential(_read(read_key, stream.readline(_LONGEST), label), KeySource.STDIN, label)


def from_file(path: Path, read_key: ReadKey) -> Credential:
    """The key in a file, for `--api-key-file`. Raises KeyFileUnreadable and UnusableSource."""
    label = clean_line(f"file {path}")
    return Credential(_read_file(read_key, path, label), KeySource.FILE, label)


def forget_environment_key(environ: MutableMapping[str, str]) -> None:
    """Take the key out of the environment, so that programs started from here do not inherit it.

    Of this process's own environment it is also wiped where the kernel shows it to others; see `process`.
    """
    if environ is os.environ and KEY_VARIABLE in environ:
        wipe_variable(KEY_VARIABLE)
    environ.pop(KEY_VARIABLE, None)


def _offered(
    environ: Mapping[str, str], given: Credential | None, key_command: tuple[str, ...] | None, *, in_keyring: bool
) -> list[KeySource]:
    offered = [
        (given is not None, given.source if given else KeySource.SESSION),
        (bool(environ.get(KEY_VARIABLE, "").strip()), KeySource.ENVIRONMENT),
        (bool(environ.get(FILE_VARIABLE, "").strip()), KeySource.ENVIRONMENT_FILE),
        (bool(key_command), KeySource.COMMAND),
        (in_keyring, KeySource.KEYRING),
    ]
    return [source for is_offered, source in offered if is_offered]


def _read(read_key: ReadKey, text: str, label: CleanLine) -> SecretStr:
    trouble = "it holds nothing"
    if text.strip():
        try:
            return read_key(text)
        except Exception as error:  # noqa: BLE001  # the reader's own error, which is not ours to name; said below
            trouble = str(error)
    raise UnusableSource(f"The key from {label} cannot be used: {trouble}")


def _read_file(read_key: ReadKey, path: Path, label: CleanLine) -> SecretStr:
    try:
        raw = _contents(path.expanduser())
    except Distrusted as error:
        raise KeyFileUnreadable(f"The key in {label} is not used: {error.strerror}. {error.way_on}.") from error
    except (OSError, ValueError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or "it is no usable path"
        raise KeyFileUnreadable(f"The key in {label} cannot be read: {why}.") from error
    if len(raw) > _LONGEST:
        raise KeyFileUnreadable(f"The key in {label} cannot be read: the file is too large for one.")
    return _read(read_key, raw.decode("utf-8", "replace"), label)


def _contents(path: Path) -> bytes:
    """The bytes of a regular file, or of a pipe that the shell made for this program alone: `<(pass show relai)`."""
    descriptor = _descriptor(path)
    if descriptor is None or not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        return read_regular(path, _LONGEST + 1, only_own=False)
    raw, deadline = b"", time.monotonic() + COMMAND_LIMIT
    while len(raw) <= _LONGEST:
        if not select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise TimeoutError(errno.ETIMEDOUT, f"nothing more came within {COMMAND_LIMIT:g} seconds")
        piece = os.read(descriptor, _LONGEST)
        if not piece:
            break
        raw += piece
    return raw


def _descriptor(path: Path) -> int | None:
    """The descriptor that a path such as `/dev/fd/63` names; None for a path in the file system."""
    if path.as_posix() == "/dev/stdin":
        return 0
    return int(path.name) if path.parent.as_posix() in _DESCRIPTORS and path.name.isdecimal() else None


async def _printed_by(command: tuple[str, ...], environ: Mapping[str, str]) -> str:
    """The first line the command prints. It gets no terminal to type into and what it says on stderr is dropped."""
    name = clean_line(Path(command[0]).name, 60)
    if _others_can_change(command[0], environ):
        raise KeyCommandFailed(
            f"The key_command “{name}” is not run: other users can write to it. Look through it, then run: chmod go-w"
        )
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={name: value for name, value in environ.items() if name != KEY_VARIABLE},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no command"
        raise KeyCommandFailed(f"The key_command “{name}” cannot be started: {why}.") from None
    try:
        async with asyncio.timeout(COMMAND_LIMIT):
            printed = await _read_to_end(process)
            status = await process.wait()
    except TimeoutError:
        raise KeyCommandFailed(f"The key_command “{name}” took longer than {COMMAND_LIMIT:g} seconds.") from None
    finally:
        await _end(process)
    if status != 0:
        raise KeyCommandFailed(f"The key_command “{name}” failed with status {status}. Run it in a shell to see why.")
    return printed.decode("utf-8", "replace").lstrip("\r\n").partition("\n")[0]


def _others_can_change(program: str, environ: Mapping[str, str]) -> bool:
    """Whether anybody may write to the program. Links and owners are as the user's system has them."""
    from shutil import which  # only with a key_command

    found = which(program, path=environ.get("PATH")) if "\0" not in program else None
    return found is not None and sys.platform != "win32" and bool(Path(found).stat().st_mode & 0o002)


async def _read_to_end(process: asyncio.subprocess.Process) -> bytes:
    printed = b""
    while process.stdout is not None and len(printed) <= _LONGEST:
        piece = await process.stdout.read(_LONGEST)
        if not piece:
            break
        printed += piece
    else:
        raise KeyCommandFailed("The key_command printed far more than a key.")
    return printed


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
    # asyncio waits for the pipe's end too, which does not come while it is too full to be read or another holds it.
    process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001
    await process.wait()
