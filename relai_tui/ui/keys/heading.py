"""Above the list: how many keys there are, and the chips that cut it down. Below it: how fresh it is, and trouble."""

from collections.abc import Callable
from math import ceil

from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.timer import Timer
from textual.widget import Widget

from relai_tui.keys.listing import Chip
from relai_tui.moments import age
from relai_tui.text import CleanLine

_SHORT = {Chip.STALE_30: "30 d", Chip.STALE_90: "90 d", Chip.SESSION: "ours"}
"""What the chips are called where there is little room."""


class Chips(Widget):
    """The chips with their counts; a key press or a click chooses one."""

    DEFAULT_CSS = """
    Chips { height: 1; padding: 0 1; }
    """

    counts: reactive[tuple[tuple[Chip, int], ...]] = reactive(())
    """The chips that are offered, and how many keys each leaves."""
    chosen: reactive[Chip] = reactive(Chip.ALL)

    class Chosen(Message):
        """A click on a chip."""

        def __init__(self, chip: Chip) -> None:
            super().__init__()
            self.chip = chip

    def render(self) -> Content:
        """The line."""
        line = Content("")
        for chip, count in self.counts:
            style = "bold $text-primary on $primary 25%" if chip is self.chosen else "$foreground 60%"
            line += Content.assemble((self._label(chip, count), style), " ")
        return line

    def _label(self, chip: Chip, count: int, *, short: bool | None = None) -> str:
        if short is None:
            long = sum(len(self._label(each, many, short=False)) + 1 for each, many in self.counts)
            short = long > self.content_size.width
        name = _SHORT.get(chip, chip.value) if short else chip.value
        return f" {list(Chip).index(chip) + 1} {name} {count:,} "

    def on_click(self, event: events.Click) -> None:
        """Choose it."""
        at = 1
        for chip, count in self.counts:
            width = len(self._label(chip, count))
            if at <= event.x < at + width:
                self.post_message(self.Chosen(chip))
            at += width + 1


class ListStatus(Widget):
    """One line: how old the list is, what is waited for, what is wrong. Ticks only while it counts down."""

    DEFAULT_CSS = """
    ListStatus { height: 1; padding: 0 1; color: $foreground 60%; }
    """

    as_of: reactive[float | None] = reactive(None)
    """When the list was read: Unix time in seconds."""
    loading_list: reactive[bool] = reactive(False)
    trouble: reactive[CleanLine | None] = reactive(None)
    """Why there is no newer list."""
    waiting: reactive[tuple[float, CleanLine] | None] = reactive(None)
    """Until when a retry is held back (Unix time in seconds), and why."""
    notice: reactive[CleanLine | None] = reactive(None)
    """What goes on beside, such as a revoked key that is tried."""
    extra: reactive[CleanLine | None] = reactive(None)
    """What always stands at the right, such as "read-only"."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self._now = now
        self._ticking: Timer | None = None

    def on_mount(self) -> None:
        """The age moves on by itself, slowly."""
        self.set_interval(20.0, self.refresh)

    def watch_waiting(self, waiting: object) -> None:
        """Count down."""
        if self._ticking is not None:
            self._ticking.stop()
        self._ticking = self.set_interval(1.0, self.refresh) if waiting is not None else None

    def render(self) -> Content:
        """The line."""
        left, right = self._left(), Content.styled(self.extra or "", "bold $text-warning")
        room = self.content_size.width - left.cell_length - right.cell_length
        if room < 1:
            return left.truncate(max(1, self.content_size.width - right.cell_length - 1), ellipsis=True) + " " + right
        return Content.assemble(left, " " * room, right)

    def _left(self) -> Content:
        now = self._now()
        if self.waiting is not None:
            until, because = self.waiting
            seconds = max(0, ceil(until - now))
            return Content.assemble((f"trying again in {seconds} s", "$text-warning"), f" · {because}")
        if self.trouble is not None:
            old = ""
            if self.as_of is not None:
                words = age(self.as_of, now)
                old = f" · the list is {'from just now' if words == 'just now' else f'{words} old'} · R tries again"
            return Content.assemble((self.trouble, "$text-error"), (old, "$text-warning"))
        if self.notice is not None:
            return Content.styled(self.notice, "$text-accent")
        if self.as_of is None:
            return Content("asking the server …" if self.loading_list else "")
        words = age(self.as_of, now)
        return Content(f"read {words if words == 'just now' else words + ' ago'}")
