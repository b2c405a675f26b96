"""Opening the history file: its folder, its permissions, what is wrong with it, and what is done about that.

All of it is plain blocking sqlite3 and runs in the thread of the connection it returns. A lock file beside the
database is held meanwhile, so that two programs that start at once neither migrate nor set aside together.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from relai_tui.store import migrations
from relai_tui.store.errors import StoreError, StoreUnavailable, in_words, is_damage
from relai_tui.store.search import register_functions
from relai_tui.text import CleanLine, clean_line

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

BUSY_TIMEOUT = 5.0
"""Seconds a statement waits for another program."""

CHECKED_WHOLE = 16 * 1024 * 1024
"""Bytes up to which a file is checked from end to end at each start (measured: about 1 ms a MB)."""

_LOCK_WAIT = 15.0


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection that is ready, and what was found."""

    db: sqlite3.Connection
    read_only: bool = False
    searchable: bool = False
    """Whether the full-text index can be used."""
    notice: CleanLine | None = None
    """What was wrong with the file and what was done about it."""


class _Damaged(Exception):
    """The file is no sound history."""


def open_file(path: Path, now: float) -> Opened:
    """Open or make the history at `path` for writing; a broken file is set aside, a newer one is opened read-only.

    Raises StoreUnavailable when there is no way to have a file there.
    """
    import sqlite3

    try:
        if path.exists() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
            return _open_unwritable(path)
        _make_private_folder(path.parent)
        with _locked(path):
            return _open_or_set_aside(path, now)
    except OSError as error:
        raise StoreUnavailable(
            f"The history cannot be kept at {path}: {error.strerror or error}. "
            "Check the folder, or choose another with RELAI_TUI_HOME."
        ) from error
    except sqlite3.Error as error:
        words = in_words(error)
        raise StoreUnavailable(f"{words} ({path})") from error


def open_reader(path: Path) -> sqlite3.Connection:
    """A second connection to a file that `open_file` opened, for reading beside the writer."""
    db = _connect(path, "mode=ro")
    db.execute("PRAGMA query_only = ON")
    return db


def open_memory(now: float) -> Opened:
    """A history that lives in memory and ends with the program."""
    db = _connect(":memory:")
    migrations.migrate(db, now)
    return Opened(db, searchable=migrations.make_search_index(db))


def mark_damaged(path: Path) -> None:
    """Have the next start check the file from end to end, whatever its size."""
    with suppress(OSError):
        _damage_mark(path).touch(mode=0o600)


def _connect(path: Path | str, mode: str = "mode=rwc") -> sqlite3.Connection:
    import sqlite3

    target = f"{path.absolute().as_uri()}?{mode}" if isinstance(path, Path) else path
    db = sqlite3.connect(
        target, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False, uri=isinstance(path, Path)
    )
    db.row_factory = sqlite3.Row
    # A damaged or foreign file may hold bytes that are no UTF-8; what is loaded is cleaned anyway.
    db.text_factory = lambda raw: raw.decode("utf-8", "replace")
    db.execute("PRAGMA foreign_keys = ON")
    register_functions(db)
    return db


def _open_unwritable(path: Path) -> Opened:
    wal = _beside(path, "-wal")
    # Without the right to make files beside it, a history can be read only as one that nobody changes meanwhile.
    db = _connect(path, "mode=ro" if wal.exists() and wal.stat().st_size else "mode=ro&immutable=1")
    try:
        _check(db, path)
    except _Damaged as damage:
        db.close()
        raise StoreUnavailable(f"The history {damage}, and it may not be set aside. ({path})") from damage
    except BaseException:
        db.close()
        raise
    return Opened(db, True, _has_index(db), clean_line(f"The history at {path} may not be written: it is read-only."))


def _open_or_set_aside(path: Path, now: float) -> Opened:
    try:
        return _open_sound(path, now)
    except _Damaged as damage:
        aside = _set_aside(path, now)
        opened = _open_sound(path, now)
        words = (
            f"The history {damage}. It was set aside as {aside.name}, nothing of it was deleted, and a new one begins."
        )
        return Opened(opened.db, opened.read_only, opened.searchable, clean_line(words))


def _open_sound(path: Path, now: float) -> Opened:
    import sqlite3

    _make_private_file(path)
    db = _connect_checked(path)
    try:
        unknown = migrations.applied(db) - {step.__name__ for step in migrations.MIGRATIONS}
        if unknown:
            db.execute("PRAGMA query_only = ON")
            words = "The history was written by a newer relai-tui: it is opened read-only, and new chats are not kept."
            return Opened(db, True, _has_index(db), clean_line(words))
        _use_wal(db)
        _migrate(db, now)
        return Opened(db, searchable=migrations.make_search_index(db) and _has_index(db))
    except sqlite3.Error as error:
        db.close()
        if is_damage(error):
            raise _Damaged("is damaged") from error
        raise
    except BaseException:
        db.close()
        raise


def _migrate(db: sqlite3.Connection, now: float) -> None:
    migrations.migrate(db, now)
    if not migrations.tables(db) >= migrations.TABLES:
        raise _Damaged("lacks tables it should have")


def _connect_checked(path: Path) -> sqlite3.Connection:
    import sqlite3

    db = None
    try:
        db = _connect(path)
        _check(db, path)
    except (sqlite3.Error, _Damaged) as error:
        if db is not None:
            db.close()
        if isinstance(error, sqlite3.Error) and is_damage(error):
            raise _Damaged("is damaged or no database") from error
        raise
    return db


def _check(db: sqlite3.Connection, path: Path) -> None:
    found = migrations.tables(db)
    if found and "migration" not in found:
        raise _Damaged("is not one of relai-tui")
    mark = _damage_mark(path)
    if path.stat().st_size <= CHECKED_WHOLE or mark.exists():
        said = db.execute("PRAGMA quick_check(1)").fetchone()
        if said is None or said[0] != "ok":
            raise _Damaged("is damaged")
        with suppress(OSError):
            mark.unlink(missing_ok=True)


def _use_wal(db: sqlite3.Connection) -> None:
    import sqlite3

    # Some file systems have no shared memory for it; the default journal is as safe, only slower.
    with suppress(sqlite3.OperationalError):
        db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")


def _has_index(db: sqlite3.Connection) -> bool:
    import sqlite3

    try:
        db.execute("SELECT rowid FROM turn_search LIMIT 0")
    except sqlite3.OperationalError:
        return False
    return True


def _make_private_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if sys.platform == "win32":
        return
    found = folder.stat()
    # A sticky folder (such as /tmp) is everybody's and not ours to close.
    if found.st_uid == os.geteuid() and found.st_mode & 0o077 and not found.st_mode & stat.S_ISVTX:
        folder.chmod(0o700)


def _make_private_file(path: Path) -> None:
    # Made here and not by sqlite, whose files are readable by others; its -wal and -shm take over the file's mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    if sys.platform == "win32":
        return
    for file in (path, _beside(path, "-wal"), _beside(path, "-shm")):
        with suppress(OSError):
            if file.stat().st_mode & 0o077:
                file.chmod(0o600)


def _set_aside(path: Path, now: float) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
    for count in range(1, 1_000):
        more = "" if count == 1 else f"-{count}"
        aside = path.with_name(f"{path.stem}.broken-{stamp}{more}{path.suffix}")
        if not any(_beside(aside, end).exists() for end in ("", "-wal", "-shm")):
            break
    else:
        raise StoreError("There are too many broken histories beside this one.")
    for end in ("-wal", "-shm", ""):
        with suppress(FileNotFoundError):
            _beside(path, end).rename(_beside(aside, end))
    with suppress(OSError):
        _damage_mark(path).unlink(missing_ok=True)
    return aside


def _beside(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


def _damage_mark(path: Path) -> Path:
    return _beside(path, ".damaged")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock file beside the database; where locking is not offered, go on without."""
    held = os.open(_beside(path, ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + _LOCK_WAIT
        while not _try_lock(held):
            if time.monotonic() > deadline:
                raise StoreUnavailable("Another relai-tui has been opening the history for too long.")
            time.sleep(0.01)
        yield
    finally:
        os.close(held)


if sys.platform == "win32":  # pragma: no cover

    def _try_lock(held: int) -> bool:
        import msvcrt

        try:
            msvcrt.locking(held, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:

    def _try_lock(held: int) -> bool:
        import errno
        import fcntl

        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno not in (errno.EWOULDBLOCK, errno.EACCES)
        return True
