"""Standard streams that cannot bring a command down: closed, full, broken, or in an encoding that lacks characters.

`prepare` replaces `sys.stdout` and `sys.stderr`. Afterwards a write to standard output raises `OutputFailed` once and
is swallowed from then on; a write to standard error never raises.
"""

import codecs
import errno
import io
import os
import select
import sys
from typing import TextIO

_ERRORS = "relai_tui.replace"
_PLAIN = {
    "…": "...", "—": "-", "–": "-", "−": "-", "·": "-", "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "×": "x",
    "→": "->", "←": "<-", "≥": ">=", "≤": "<=", "✓": "+", "✗": "x", "⚠": "!", "•": "*", "‹": "<", "›": ">",
    "\u00a0": " ", "\u202f": " ",
}  # fmt: skip
"""What stands for a character that an encoding lacks; `?` for all others."""


class OutputFailed(Exception):
    """Standard output cannot be written. `str()` says why in a few words."""

    def __init__(self, why: str, *, reader_gone: bool = False) -> None:
        super().__init__(why)
        self.reader_gone = reader_gone
        """Whoever read it has ended, as `head` does."""


class _Output(io.FileIO):
    """Standard output, unbuffered: the first failure raises `OutputFailed`, later writes vanish."""

    closed_at_start = False
    failed = False

    def write(self, data: object, /) -> int:
        view = memoryview(data).cast("B")  # type: ignore[arg-type]  # BufferedWriter hands on buffers
        if self.failed:
            return len(view)
        try:
            written = super().write(view)
        except OSError as error:
            self.failed = True
            raise _in_words(error, closed=self.closed_at_start, terminal=_is_terminal(self.fileno())) from None
        if written is None:  # a pipe that another program made non-blocking, and that is full
            select.select([], [self.fileno()], [])
            return self.write(view)
        return written


class _Errors(io.FileIO):
    """Standard error, unbuffered: what cannot be written vanishes."""

    def write(self, data: object, /) -> int:
        view = memoryview(data).cast("B")  # type: ignore[arg-type]  # as above
        try:
            written = super().write(view)
        except OSError:
            written = None
        return len(view) if written is None else written


def prepare() -> None:
    """Make the standard streams safe to use. Call it once, before anything is opened or printed."""
    codecs.register_error(_ERRORS, _plainly)
    closed = [number for number in (0, 1, 2) if _hold_open(number)]
    if sys.stdin is None:
        number = 0 if 0 in closed else os.open(os.devnull, os.O_RDONLY)
        sys.stdin = os.fdopen(number, encoding="utf-8", errors="replace")
    output = _Output(1, "w", closefd=False)
    _Output.closed_at_start = 1 in closed
    sys.stdout = _text(output, sys.stdout)
    sys.stderr = _text(_Errors(2, "w", closefd=False), sys.stderr, unbuffered=True)


def as_typed(argument: str) -> str:
    """Return an argument as the UTF-8 text it is, also where the locale made Python read it as something narrower."""
    if argument.isascii():
        return argument
    try:
        return os.fsencode(argument).decode("utf-8")
    except UnicodeError:
        return argument


def restore() -> None:
    """Put back the streams Python made, for a program that draws on the terminal itself."""
    if sys.__stdout__ is not None and sys.__stderr__ is not None:
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__


def output_closed() -> bool:
    """Whether standard output was closed when the program started."""
    return _Output.closed_at_start


def flush_output() -> None:
    """Write what standard output still holds. Raises `OutputFailed`."""
    sys.stdout.flush()


def _text(raw: io.FileIO, former: TextIO | None, *, unbuffered: bool = False) -> TextIO:
    encoding = getattr(former, "encoding", None) or "utf-8"
    lines = unbuffered or _is_terminal(raw.fileno())
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding=encoding, errors=_ERRORS, line_buffering=lines)


def _hold_open(number: int) -> bool:
    """Open the null device where a standard descriptor is closed, so that no file or socket takes its number.

    Descriptor 1 is opened for reading: writing to it still fails, and is told. Returns whether it was closed.
    """
    try:
        os.fstat(number)
    except OSError:
        opened = os.open(os.devnull, os.O_WRONLY if number == 2 else os.O_RDONLY)
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)
        os.set_inheritable(number, True)
        return True
    return False


def _in_words(error: OSError, *, closed: bool, terminal: bool) -> OutputFailed:
    gone = error.errno == errno.EPIPE or (error.errno == errno.EIO and terminal)
    gone = gone or (os.name == "nt" and error.errno == errno.EINVAL)
    if gone:
        return OutputFailed("nobody reads standard output any more", reader_gone=True)
    why = "it is closed" if closed else error.strerror or type(error).__name__
    return OutputFailed(f"standard output cannot be written: {why}")


def _is_terminal(number: int) -> bool:
    try:
        return os.isatty(number)
    except OSError:
        return False


def _plainly(error: UnicodeError) -> tuple[str, int]:
    """Codec error handler: common signs in ASCII, `?` for every other character."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(character, "?") for character in error.object[error.start : error.end]), error.end
