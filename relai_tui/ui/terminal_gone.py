"""Writing to a terminal that may go away: a closed window, a broken SSH line, a tmux server that was killed.

The kernel then refuses every write. Textual's writer thread ends at the first refusal, its queue fills, and whoever
puts the next picture into it waits for good: the program would stay behind without a terminal, its store held open.
"""

import os
from typing import IO, Any

from textual.driver import Driver


def lasting(driver: type[Driver]) -> type[Driver]:
    """The driver, which can be ended also when its terminal is gone."""

    def begin(self: Driver, *arguments: Any, **options: Any) -> None:
        driver.__init__(self, *arguments, **options)
        if (file := getattr(self, "_file", None)) is not None:  # those of Windows and of tests write elsewhere
            self._file = LastingFile(file)  # type: ignore[attr-defined]

    return type(f"Lasting{driver.__name__}", (driver,), {"__init__": begin})


class LastingFile:
    """A terminal's file that takes what is written also when the terminal is gone; then nobody can see it anyway."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Write it, or let it go."""
        try:
            return self._file.write(text)
        except OSError:
            self._let_go()
        return len(text)

    def flush(self) -> None:
        """Write what is held back, or let it go."""
        try:
            self._file.flush()
        except OSError:
            self._let_go()

    def _let_go(self) -> None:
        """Nothing that is written from here on goes anywhere, also what Python itself flushes at the end."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._file.fileno())
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
