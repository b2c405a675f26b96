"""What every room shares: the top bar, the key hints, and one way to tell of trouble."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from rich.cells import cell_len
from textual import events
from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget

from relai_tui.api.errors import RelaiError
from relai_tui.money import dollars_left
from relai_tui.text import CleanLine, CleanText, clean_line
from relai_tui.ui.compositing import NarrowCompositor
from relai_tui.ui.faults import TellsFaults

if TYPE_CHECKING:
    from textual.binding import ActiveBinding

    from relai_tui.balance.watch import Reading


class Identity(NamedTuple):
    """Who we are towards the server, for the top bar."""

    profile: CleanText
    region: CleanText | None = None
    key_source: CleanLine | None = None
    """Where the key in use comes from; None while there is no key."""


class Credits(NamedTuple):
    """The balance as the top bar shows it."""

    micro: int | None
    """Micro-dollars; None is "not known"."""
    note: CleanLine | None = None
    """What is to be said of it, such as its age."""
    stale: bool = False
    """Whether it is too old to decide by."""
    trend: int = 0
    """-1 where it falls, 1 where it rose, over the last hour."""
    urgency: int = 0
    """0 is all well, 1 low, 2 critical: by floor and by runway."""


_TONES = ("$text-success", "$text-warning", "$text-error")
_TRENDS = {-1: "▾", 1: "▴"}


class TopBar(Widget):
    """One line: where we are, which model answers, what is left."""

    DEFAULT_CSS = """
    TopBar {
        height: 1; dock: top; background: $panel; color: $foreground;
    }
    """

    identity: reactive[Identity | None] = reactive(None)
    """None until the account is known."""
    model: reactive[CleanLine | None] = reactive(None)
    """The id or alias the next prompt goes to."""
    answered: reactive[CleanLine | None] = reactive(None)
    """What that alias last resolved to."""
    credits: reactive[Credits | None] = reactive(None)
    """None where the server has no balance: nothing is shown then."""
    title: reactive[CleanLine | None] = reactive(None)
    """The conversation's title."""
    spent: reactive[CleanLine | None] = reactive(None)
    """What the conversation shown has cost so far, in words; None says nothing of it."""

    def render(self) -> Content:
        """The line, its least important parts left out until it fits."""
        width = self.size.width
        for detail in range(4, -1, -1):
            left, right = self._left(detail), self._right(detail)
            room = width - left.cell_length - right.cell_length
            if room >= 2:
                return Content.assemble(left, " " * room, right)
        return self._left(0).truncate(width, ellipsis=True)

    def _left(self, detail: int) -> Content:
        parts: list[Content | tuple[str, str]] = [(" relai", "bold $text-primary")]
        if self.identity is not None:
            parts.append((f"  {clean_line(self.identity.profile)}", "bold"))
            if self.identity.region:
                parts.append((f" · {clean_line(self.identity.region).upper()}", "$text-secondary"))
            if detail >= 1:
                parts.append((f" · {self.identity.key_source or 'no key'}", "$foreground 60%"))
        if detail >= 4 and self.title:
            parts.append(("  │  ", "$foreground 30%"))
            parts.append((self.title, "$foreground 80%"))
        return Content.assemble(*parts)

    def _right(self, detail: int) -> Content:
        parts: list[Content | tuple[str, str]] = []
        if self.model:
            name = self.model if cell_len(self.model) < 32 or detail >= 3 else CleanLine(clean_line(self.model, 31))
            parts.append((name, "bold $text-accent"))
            if self.answered and self.answered != self.model and detail >= 2:
                parts.append((f" → {self.answered}", "$foreground 70%"))
            parts.append("   ")  # type: ignore[arg-type]  # assemble takes plain strings too
        if self.spent and detail >= 2:
            parts.append((f"{self.spent}   ", "$foreground 70%"))
        if self.credits is not None:
            parts.append(self._credits(self.credits, detail))
        return Content.assemble(*parts, " ")

    def _credits(self, held: Credits, detail: int) -> Content:
        note = f" {held.note}" if held.note and detail >= 1 else ""
        if held.micro is None:
            return Content.assemble(("credits —", "$foreground 60%"), (note, "$foreground 50%"))
        tone = _TONES[2] if held.micro <= 0 else _TONES[held.urgency]
        trend = f"{_TRENDS[held.trend]} " if held.trend and not held.stale else ""
        figure = (trend + dollars_left(held.micro), f"{tone} 60%" if held.stale else f"bold {tone}")
        if held.stale:
            return Content.assemble(("⚠ ", "$text-warning 70%"), figure, (note, "$text-warning 70%"))
        return Content.assemble(figure, (note, "$foreground 50%"))


class KeyHints(Widget):
    """One line: what can be pressed here, from the bindings themselves; a click does the same."""

    DEFAULT_CSS = """
    KeyHints {
        height: 1; dock: bottom; background: $panel; color: $foreground 70%;
    }
    """

    def on_mount(self) -> None:
        """Follow the focus."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.refresh())

    def render(self) -> Content:
        """As many hints as fit, in the order of their declaration; help and palette always."""
        hints = {active.binding.id or active.binding.action: active for active in self._shown()}
        last = [hints.pop(name) for name in ("app.help", "app.palette") if name in hints]
        width, right = self.size.width, self._line(last)
        line = Content(" ")
        for active in hints.values():
            hint = self._line([active])
            if line.cell_length + hint.cell_length + right.cell_length > width:
                break
            line += hint
        return line + Content(" " * max(0, width - line.cell_length - right.cell_length)) + right

    def _shown(self) -> "Iterator[ActiveBinding]":
        seen: set[str] = set()
        for active in self.screen.active_bindings.values():
            if active.binding.show and active.enabled and active.binding.action not in seen:
                seen.add(active.binding.action)
                yield active

    def _line(self, actives: "list[ActiveBinding]") -> Content:
        line = Content("")
        for active in actives:
            binding = active.binding
            key = Content.styled(self.app.get_key_display(binding), "bold $text-primary")
            hint = Content.assemble(key, " ", binding.description, "  ")
            line += hint
        return line

    def on_click(self, event: events.Click) -> None:
        """Run the action of the hint that was clicked."""
        at, text = event.x, self.render().plain
        for active in self._shown():
            label = f"{self.app.get_key_display(active.binding)} {active.binding.description}"
            start = text.find(label)
            if start >= 0 and cell_len(text[:start]) <= at < cell_len(text[: start + len(label)]):
                self.run_worker(self.app.run_action(active.binding.action, active.node), exit_on_error=False)
                return


class Page(TellsFaults, Screen[None]):
    """A room: top bar above, key hints below, the room between."""

    class BalanceRead(Message):
        """The balance was read, or could not be; None where there is nothing to read any more."""

        def __init__(self, reading: "Reading | None") -> None:
            super().__init__()
            self.reading = reading

    BINDINGS: ClassVar = [
        Binding("f1", "app.help", "Help", id="app.help", tooltip="What can be done here, key by key"),
        Binding(
            "ctrl+p", "app.command_palette", "Palette", id="app.palette", priority=True, tooltip="Search all commands"
        ),
    ]

    def __init__(self, *, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._compositor = NarrowCompositor()

    class Shown(Message):
        """A room was mounted, and wants the figure of its top bar."""

        def __init__(self, page: "Page") -> None:
            super().__init__()
            self.page = page

    def on_mount(self) -> None:
        """Ask for what the top bar of every room shows."""
        self.post_message(self.Shown(self))

    def show_credits(self, held: Credits | None) -> None:
        """Show the balance in the top bar; None where the server has none."""
        for bar in self.query(TopBar):
            bar.credits = held

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Tell trouble with the server as one toast, and go on."""
        try:
            yield
        except RelaiError as error:
            self.notify(error.message, severity="error", markup=False, timeout=8)
