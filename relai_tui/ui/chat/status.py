"""One line between transcript and prompt: who is answering and for how long, what is waited for."""

from collections.abc import Callable
from math import ceil

from textual.content import Content
from textual.reactive import reactive
from textual.timer import Timer
from textual.widget import Widget

from relai_tui.text import CleanLine


class Status(Widget):
    """Empty while nothing happens. Ticks once a second while something does, and never otherwise."""

    DEFAULT_CSS = """
    Status { height: 1; color: $foreground 60%; padding: 0 1; }
    """

    answering: reactive[CleanLine | None] = reactive(None)
    """The model asked, while an answer is on its way."""
    since: reactive[float] = reactive(0.0)
    """When it was asked, on the given clock."""
    waiting: reactive[tuple[float, CleanLine] | None] = reactive(None)
    """Until when a retry is held back, on the given clock, and why."""
    holding: reactive[tuple[float, CleanLine] | None] = reactive(None)
    """Until when a prompt is held back before it is sent, on the given clock, and why."""
    rate: reactive[CleanLine | None] = reactive(None)
    """How much of the key's minute is used, where that is worth a look."""
    streaming: reactive[bool] = reactive(False)
    """The first token came."""
    notice: reactive[CleanLine | None] = reactive(None)
    """Something to know that stays until it is solved, such as "not saved"."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock
        self._ticking: Timer | None = None

    def watch_answering(self) -> None:
        """Tick only while an answer is on its way, or held back."""
        self._tick()

    def watch_holding(self) -> None:
        """The same."""
        self._tick()

    def _tick(self) -> None:
        wanted = self.answering is not None or self.holding is not None
        if self._ticking is not None and not wanted:
            self._ticking.stop()
            self._ticking = None
        elif self._ticking is None and wanted:
            self._ticking = self.set_interval(1.0, self.refresh)

    def render(self) -> Content:
        """The line; the key's rate at its right."""
        left, width = self._left(), self.content_size.width
        if not self.rate:
            return left.truncate(max(1, width), ellipsis=True)
        right = Content.styled(self.rate, "$text-warning")
        room = width - left.cell_length - right.cell_length
        return Content.assemble(left, " " * room, right) if room > 1 else left

    def _left(self) -> Content:
        now = self._clock()
        if self.holding is not None:
            until, because = self.holding
            left = max(0, ceil(until - now))
            return Content.assemble((f"sending in {left} s", "$text-warning"), f" · {because} · Esc gives up")
        if self.waiting is not None:
            until, because = self.waiting
            left = max(0, ceil(until - now))
            return Content.assemble((f"trying again in {left} s", "$text-warning"), f" · {because} · Esc gives up")
        if self.answering is not None:
            seconds = int(now - self.since)
            doing = "is answering" if self.streaming else "was asked"
            return Content.assemble((self.answering, "$text-accent"), f" {doing} · {seconds} s · Esc stops")
        return Content.styled(self.notice or "", "$text-warning")
