"""Opening the history file: its folder, its permissions, what is wrong with it, and what is done about that.

All of it is plain blocking sqlite3 and runs in the thread of the connection it returns. A lock file beside the
database is held meanwhile, so that two programs that start at once neither migrate nor set aside together.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from relai_tui.private_files import Distrusted, check_written, make_folder, opened_for_writing
from relai_tui.store import migrations, salvage
from relai_tui.store.errors import StoreUnavailable, in_words, is_environment
from relai_tui.store.search import register_functions
from relai_tui.store.soundness import Damaged, check_header, check_pages, check_values
from relai_tui.text import CleanLine, clean_line

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

BUSY_TIMEOUT = 5.0
"""Seconds a statement waits for another program."""

CHECKED_WHOLE = 16 * 1024 * 1024
"""Bytes up to which a file is checked from end to end at each start (measured: about 5 ms a MB)."""

_LOCK_WAIT = 15.0
_ENDS = ("", "-wal", "-shm", "-journal", ".lock", ".damaged")


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection that is ready, and what was found."""

    db: sqlite3.Connection
    read_only: bool = False
    searchable: bool = False
    """Whether the full-text index can be used."""
    notice: CleanLine | None = None
    """What was wrong with the file and what was done about it."""


def open_file(path: Path, now: float) -> Opened:
    """Open or make the history at `path` for writing; a broken file is set aside, a newer one is opened read-only.

    Raises StoreUnavailable when there is no way to have a file there.
    """
    import sqlite3

    try:
        for end in _ENDS:
            check_written(_beside(path, end))
        if path.exists() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
            return _open_unwritable(path)
        make_folder(path.parent)
        with _locked(path):
            return _open_or_set_aside(path, now)
    except Distrusted as error:
        raise StoreUnavailable(f"The history is not used: {error.strerror}. {error.way_on}.") from error
    except OSError as error:
        raise StoreUnavailable(
            f"The history cannot be kept at {path}: {error.strerror or error}. "
            "Check the folder, or choose another with RELAI_TUI_HOME."
        ) from error
    except sqlite3.Error as error:
        words = in_words(error)
        raise StoreUnavailable(f"{words} ({path})") from error
    except (UnicodeError, OverflowError) as error:
        raise StoreUnavailable(f"The history at {path} cannot be read. Move it away to begin a new one.") from error


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
    with suppress(OSError), opened_for_writing(_damage_mark(path)):
        pass


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
        _check(db, closely=path.stat().st_size <= CHECKED_WHOLE)
    except (Damaged, UnicodeError) as damage:
        db.close()
        words = damage if isinstance(damage, Damaged) else "is damaged"
        raise StoreUnavailable(f"The history {words}, and it may not be set aside. ({path})") from damage
    except BaseException:
        db.close()
        raise
    return Opened(db, True, _has_index(db), clean_line(f"The history at {path} may not be written: it is read-only."))


def _open_or_set_aside(path: Path, now: float) -> Opened:
    try:
        return _open_sound(path, now)
    except Damaged as damage:
        aside = _set_aside(path, now)
        opened = _open_sound(path, now)
        saved = salvage.save_rows(opened.db, aside)
        with_rows = f"; {saved:,} of its messages could be read and are here" if saved else ", and a new one begins"
        words = f"The history {damage}. It was set aside as {aside.name}, nothing of it was deleted{with_rows}."
        return Opened(opened.db, opened.read_only, opened.searchable, clean_line(words))


def _open_sound(path: Path, now: float) -> Opened:
    """Open a file that is whole, and bring it up to date. Raises `Damaged`, and `sqlite3.Error` for other trouble."""
    import sqlite3

    with opened_for_writing(path):  # made here and not by sqlite, whose files are readable by others
        pass
    for end in ("-wal", "-shm"):  # these take over the file's mode when sqlite makes them
        if _beside(path, end).exists():
            with opened_for_writing(_beside(path, end)):
                pass
    check_header(path)
    db = _connect(path)
    try:
        return _checked(db, path, now)
    except (sqlite3.Error, UnicodeError, OverflowError) as error:
        db.close()
        if isinstance(error, sqlite3.Error) and is_environment(error):
            raise
        raise Damaged("is damaged or no database") from error
    except BaseException:
        db.close()
        raise


def _checked(db: sqlite3.Connection, path: Path, now: float) -> Opened:
    mark = _damage_mark(path)
    closely = path.stat().st_size <= CHECKED_WHOLE or mark.exists()
    _check(db, closely=closely)
    ours = {step.__name__ for step in migrations.MIGRATIONS}
    applied = migrations.applied(db)
    if applied - ours:
        if ours - applied:  # a newer program has done all that this one knows
            raise Damaged("is damaged")
        db.execute("PRAGMA query_only = ON")
        words = "The history was written by a newer relai-tui: it is opened read-only, and new chats are not kept."
        return Opened(db, True, _has_index(db), clean_line(words))
    _use_wal(db)
    migrations.migrate(db, now)
    searchable = migrations.make_search_index(db) and _has_index(db)
    if closely:
        if applied:  # else it was made just now
            check_values(db, indexed=searchable)
        with suppress(OSError):
            mark.unlink(missing_ok=True)
    elif not migrations.tables(db) >= migrations.TABLES:
        raise Damaged("lacks tables it should have")
    return Opened(db, searchable=searchable)


def _check(db: sqlite3.Connection, *, closely: bool) -> None:
    found = migrations.tables(db)
    if found and "migration" not in found:
        raise Damaged("is not one of relai-tui")
    if closely:
        check_pages(db)


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


def _set_aside(path: Path, now: float) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
    for count in range(1, 1_000):
        more = "" if count == 1 else f"-{count}"
        aside = path.with_name(f"{path.stem}.broken-{stamp}{more}{path.suffix}")
        if not any(_beside(aside, end).exists() for end in ("", "-wal", "-shm", "-journal")):
            break
    else:
        raise StoreUnavailable("There are too many broken histories beside this one. Move some away.")
    for end in ("-wal", "-shm", "-journal", ""):
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
    with opened_for_writing(_beside(path, ".lock")) as held:
        deadline = time.monotonic() + _LOCK_WAIT
        while not _try_lock(held):
            if time.monotonic() > deadline:
                raise StoreUnavailable("Another relai-tui has been opening the history for too long.")
            time.sleep(0.01)
        yield


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
