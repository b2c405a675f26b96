"""Files and folders of the user's own: made for nobody else, read only where nobody else could have written them.

The rules, and why:

- A folder or file that is made is closed to others (0700, 0600) whatever the umask; one of the user's that is open to
  others is closed.
- Nothing of another user is used, except what belongs to root (a mounted configuration). Root in a container owns
  everything, so this costs it nothing.
- A link in the place of a file that is written is never followed: somebody could choose what is overwritten or opened
  to others. Mode bits are changed through an open descriptor, never through a name.
- A file that is only read may be a link, because people keep their settings in a repository (stow, chezmoi) and
  Kubernetes mounts secrets as links. The link must be the user's or root's; so must settings, but not a key file.
- Pipes, devices and sockets are refused before they are opened: opening one may wait for ever.

Windows has no such modes: there, only links and kinds are looked at.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_UNFOLLOWED = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
_READ_ONLY = os.O_RDONLY
for _flag in ("O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY", "O_BINARY"):
    _READ_ONLY |= getattr(os, _flag, 0)


class Distrusted(PermissionError):
    """A file or folder that is not safe to use. `strerror` says why, and names it; `way_on` says what to do."""

    def __init__(self, why: str, way_on: str) -> None:
        super().__init__(errno.EPERM, why)
        self.way_on = way_on


def make_folder(folder: Path) -> None:
    """Make the folder and its missing parents for the user alone; close one that is there. Raises `OSError`."""
    missing = []
    for each in (folder, *folder.parents):
        if os.path.lexists(each):
            break
        missing.append(each)
    for each in reversed(missing):
        with suppress(FileExistsError):  # another window makes it too
            each.mkdir(mode=0o700)
    close_folder(folder, 0o077)


def close_folder(folder: Path, others: int = 0o022) -> None:
    """Take the mode bits `others` from a folder of the user's. Raises `Distrusted` where others can write to it."""
    if sys.platform == "win32":
        return
    linked = folder.is_symlink()
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | (0 if linked else os.O_NOFOLLOW))
    try:
        found = os.fstat(descriptor)
        if found.st_uid == os.geteuid() and found.st_mode & others and not linked:
            with suppress(OSError):  # a disk that is read-only or knows no modes
                os.fchmod(descriptor, 0o700)
            found = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    _refuse_foreign(folder, found)
    if found.st_mode & 0o022 and not _is_own_group(found):
        raise Distrusted(
            f"other users can write to the folder {folder}",
            f"Run chmod 700 {_quoted(folder)}, or choose another folder with RELAI_TUI_HOME",
        )


def check_written(path: Path) -> None:
    """Refuse a file to be written that is a link, no regular file, or another user's. One that is not there is fine."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if stat.S_ISLNK(found.st_mode):
        raise Distrusted(f"{path} is a link, which is not followed", "Put the file itself there, or move the link away")
    if not stat.S_ISREG(found.st_mode):
        raise Distrusted(f"{path} is {kind_of(found.st_mode)} and no file", "Move it away")
    _refuse_foreign(path, found)


@contextmanager
def opened_for_writing(path: Path) -> Iterator[int]:
    """A descriptor of a file, made if missing and closed to others; its end closes it. Raises `OSError`."""
    check_written(path)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _UNFOLLOWED, 0o600)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise Distrusted(f"{path} is {kind_of(found.st_mode)} and no file", "Move it away")
        if sys.platform != "win32" and found.st_mode & 0o077:
            with suppress(OSError):
                os.fchmod(descriptor, 0o600)
        yield descriptor
    finally:
        os.close(descriptor)


def write(path: Path, text: str, *, newline: str | None = None) -> None:
    """Write a file for the user alone: whole or not at all, and instead of what was there. Raises `OSError`.

    It is written beside its place and then moved there, so that a link is replaced and not followed.
    """
    beside = path.with_name(f".{path.name[:80]}.{os.urandom(4).hex()}.tmp")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline=newline) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def read_regular(path: Path, limit: int, *, only_own: bool) -> bytes:
    """At most `limit` bytes of a regular file. Raises `OSError`.

    `only_own` refuses what somebody else wrote or could have written; without it, only a link of somebody else's is.
    """
    named = path.lstat()
    if stat.S_ISLNK(named.st_mode):
        _refuse_foreign(path, named, "the link ")
    _refuse_irregular(path, path.stat().st_mode)
    descriptor = os.open(path, _READ_ONLY)
    try:
        found = os.fstat(descriptor)
        _refuse_irregular(path, found.st_mode)
        if only_own:
            _refuse_foreign(path, found)
            _refuse_open(path, found)
    except BaseException:
        os.close(descriptor)
        raise
    with os.fdopen(descriptor, "rb") as file:
        return file.read(limit)


def kind_of(mode: int) -> str:
    """The kind of thing that is no regular file, in words."""
    for is_kind, words in (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    ):
        if is_kind(mode):
            return words
    return "something else"


def _quoted(path: Path) -> str:
    from shlex import quote  # only where something is wrong

    return quote(str(path))


def _refuse_irregular(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise Distrusted(f"{path} is {kind_of(mode)} and no file", "Put a file there, or move it away")


def _refuse_foreign(path: Path, found: os.stat_result, kind: str = "") -> None:
    if sys.platform != "win32" and found.st_uid not in (os.geteuid(), 0):
        raise Distrusted(
            f"{kind}{path} belongs to another user (uid {found.st_uid})",
            "Use one of your own, without sudo, or choose another folder with RELAI_TUI_HOME",
        )


def _refuse_open(path: Path, found: os.stat_result) -> None:
    if sys.platform != "win32" and found.st_mode & 0o022 and not _is_own_group(found):
        raise Distrusted(f"other users can write to {path}", f"Look through it, then run: chmod go-w {_quoted(path)}")


if sys.platform != "win32":

    def _is_own_group(found: os.stat_result) -> bool:
        """Whether only the group may write, and it is the user's own, as where each user has a group of that name."""
        if found.st_mode & 0o002 or found.st_uid != os.geteuid():
            return False
        import grp  # only where a group may write
        import pwd

        try:
            group, user = grp.getgrgid(found.st_gid), pwd.getpwuid(found.st_uid)
        except KeyError:
            return False
        return group.gr_name == user.pw_name and not set(group.gr_mem) - {user.pw_name}
