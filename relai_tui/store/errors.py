"""What can go wrong with the history on disk. No sqlite exception leaves this package; each of these speaks in words.

StoreError                 str() is one clean line: what is the matter, and the way on
├── StoreUnavailable       it cannot be opened at all: work on with `Store.in_memory()`
├── ReadOnly               it can be read only: made by a newer program, or the file may not be written
├── StoreBusy              another program held the file longer than the busy timeout
├── DiskFull               nothing more can be written
├── StoreBroken            the file is damaged; the next start sets it aside
├── StoreClosed            used after `close()`
└── Missing                the conversation or turn is not there (any more)
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from relai_tui.text import CleanLine, clean_line

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator


class StoreError(Exception):
    """Any trouble with the history on disk. `str(error)` is one clean line fit to show."""

    def __init__(self, message: str) -> None:
        self.message: CleanLine = clean_line(message)
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message


class StoreUnavailable(StoreError):
    """The history cannot be opened. `Store.in_memory()` offers the same, without keeping anything."""


class ReadOnly(StoreError):
    """The history can be read and not written."""


class StoreBusy(StoreError):
    """Another program held the file longer than the busy timeout."""


class DiskFull(StoreError):
    """The disk has no room."""


class StoreBroken(StoreError):
    """The file is damaged. The next start sets it aside and begins a new one with what can be read."""


class StoreClosed(StoreError):
    """The store was used after `close()`."""


class Missing(StoreError):
    """The conversation or turn is not in the store (any more)."""


# Primary result codes: https://sqlite.org/rescode.html
_ENVIRONMENT = frozenset({3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 17, 18, 21, 22, 23})
"""The file may be sound: it is locked, may not be written, the disk is full or failing, memory is short."""
_BROKEN = "The history file is damaged. The next start sets it aside and saves what can be read."
_SHORT_READ = 522
"""An input error that says the file ends too early."""


def is_environment(error: sqlite3.Error) -> bool:
    """Whether the trouble lies outside the file, so that it says nothing about what is in it."""
    return _code(error) in _ENVIRONMENT and getattr(error, "sqlite_errorcode", None) != _SHORT_READ


def in_words(error: sqlite3.Error) -> StoreError:
    """The store's own error for one of sqlite's."""
    if getattr(error, "sqlite_errorcode", None) == _SHORT_READ:
        return StoreBroken(_BROKEN)
    match _code(error):
        case 11 | 26:
            return StoreBroken(_BROKEN)
        case 1:
            return StoreBroken(f"The history could not be used ({error}). The next start looks through the file.")
        case 5 | 6:
            return StoreBusy("The history is held by another program. Try again when it is done.")
        case 8:
            return ReadOnly("The history may not be written: check the permissions of its file and folder.")
        case 13:
            return DiskFull("The disk is full: the history cannot be written. Make room and try again.")
        case 10:
            return DiskFull("The disk refused to write or read the history. It may be full or failing.")
        case 14:
            return StoreUnavailable("The history file cannot be opened: check its folder and permissions.")
        case 19:
            return Missing("What this belongs to is not in the history any more.")
    return StoreError(f"The history could not be used: {error}")


def _code(error: sqlite3.Error) -> int:
    # Errors raised by Python's module itself (not by the library) carry no code.
    code = getattr(error, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else 0


@contextmanager
def spoken() -> Iterator[None]:
    """Turn what sqlite raises inside the block into a `StoreError`."""
    import sqlite3

    try:
        yield
    except sqlite3.Error as error:
        raise in_words(error) from error
    except UnicodeDecodeError as error:
        raise StoreBroken(_BROKEN) from error
    except (OverflowError, UnicodeError) as error:
        raise StoreError("A value does not fit into the history.") from error
