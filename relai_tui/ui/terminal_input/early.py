"""Terminal settings for the time before the screen is drawn.

While modules load, the terminal would echo what is typed, and turn Enter into a line feed that arrives as Ctrl+J.
"""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from typing import Any


class Early:
    """The terminal's own settings, and the ones for the start: no echo, no line editing, Enter stays Enter."""

    def __init__(self) -> None:
        self.settings: list[Any] | None = None
        """The settings from before; None where there is no such terminal."""

    def begin(self) -> None:
        """Stop echoing. Signals of the keyboard work on."""
        with suppress(Exception):  # Windows has no termios; what is no terminal has no settings
            import termios

            fileno = sys.__stdin__.fileno() if sys.__stdin__ else 0
            before = termios.tcgetattr(fileno)
            now = [*before[:6], list(before[6])]
            now[0] &= ~(termios.ICRNL | termios.INLCR | termios.IGNCR)
            now[3] &= ~(termios.ECHO | termios.ICANON)
            # Without a handler SIGTERM would leave the terminal as it is now; the app sets its own.
            signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
            termios.tcsetattr(fileno, termios.TCSANOW, now)
            self.settings = before

    def end(self) -> None:
        """Put the terminal's own settings back."""
        if self.settings is not None:
            with suppress(Exception):  # the terminal may be gone
                import termios

                termios.tcsetattr(sys.__stdin__.fileno() if sys.__stdin__ else 0, termios.TCSANOW, self.settings)
