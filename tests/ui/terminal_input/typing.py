"""A terminal's end of the line, with a clock of its own: what is written and the pauses between."""

from collections.abc import Callable
from itertools import count

from textual.message import Message

from relai_tui.ui.terminal_input.pipeline import InputPipeline

FOREVER = 10.0
"""Seconds after which nothing waits any more."""


class Line:
    """Writes to a pipeline. `write` takes no time; `wait` lets time pass."""

    def __init__(self, emit: Callable[[Message], None], *, started: bool = True) -> None:
        self.pipeline = InputPipeline(emit, started=started)
        self.now = 1_000.0

    def write(self, *parts: str | float) -> "Line":
        for part in parts:
            if isinstance(part, str):
                self.pipeline.feed(part, self.now)
            else:
                self.wait(part)
        return self

    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        for step in count():
            due = self.pipeline.wait(self.now)
            if due is None or self.now + due > end or step > 1_000:
                break
            self.now += due + 1e-6
            self.pipeline.tick(self.now)
        self.now = end
        self.pipeline.tick(end)
