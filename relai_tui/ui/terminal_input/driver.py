"""Driver that reads the terminal through an `InputPipeline` (textual 8.2).

Replaces the input thread of Textual's Linux and macOS driver; its writing stays. Two faults of that driver are mended
on the way: input that is no UTF-8 ended the app, and SIGCONT without a suspension started a second input thread.
"""

import os
import selectors
from codecs import getincrementaldecoder
from threading import Lock
from time import monotonic
from typing import Any

from textual.driver import Driver

from relai_tui.ui.terminal_input.early import Early
from relai_tui.ui.terminal_input.pipeline import InputPipeline

READ_SIZE = 65_536
"""Bytes taken from the terminal at once."""
LOOK = 0.1
"""Seconds between two looks at whether to end."""


def reading_driver(driver: type[Driver], early: Early | None = None) -> type[Driver]:
    """Return the driver with our input thread; as it is where it has none, as in tests and on Windows.

    `early` holds the terminal's settings from before the program changed them, to be restored at its end.
    """
    if not hasattr(driver, "run_input_thread"):
        return driver

    class ReadingDriver(driver):  # type: ignore[misc, valid-type]  # the system's driver class is chosen at run time
        """The system's driver, reading through the pipeline."""

        attrs_before: list[Any] | None

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.pipeline = InputPipeline(self.process_message)
            self._lock = Lock()
            self._suspended = False

        def start_input(self) -> None:
            """Hand on what was typed so far, and from here on everything at once."""
            with self._lock:
                self.pipeline.start()

        def start_application_mode(self) -> None:
            super().start_application_mode()
            if early is not None and early.settings is not None:
                self.attrs_before = early.settings

        def _sigtstp_application(self, *arguments: Any) -> None:
            self._suspended = True
            super()._sigtstp_application(*arguments)

        def _sigcont_application(self, *arguments: Any) -> None:
            if self._suspended:
                self._suspended = False
                super()._sigcont_application(*arguments)
            elif self._auto_restart:  # stopped from outside, without a chance to leave the screen
                self.send_message(self.SignalResume())

        def run_input_thread(self) -> None:
            """Read until the app ends."""
            pipeline, fileno = self.pipeline, self.fileno
            decode = getincrementaldecoder("utf-8")("replace").decode
            with selectors.SelectSelector() as selector:
                selector.register(fileno, selectors.EVENT_READ)
                while not self.exit_event.is_set():
                    wait = pipeline.wait(monotonic())
                    ready = selector.select(LOOK if wait is None else min(wait, LOOK))
                    data = os.read(fileno, READ_SIZE) if ready else None
                    if data == b"":
                        break  # the terminal is gone
                    with self._lock:
                        pipeline.feed(decode(data), monotonic()) if data else pipeline.tick(monotonic())

    return ReadingDriver
