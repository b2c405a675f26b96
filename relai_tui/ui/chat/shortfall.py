"""Out of credit: a place between transcript and prompt that says how much is missing and what can be done."""

from dataclasses import dataclass, replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from relai_tui.balance.ways import Way, WayKind
from relai_tui.conversation import Turn
from relai_tui.money import dollars
from relai_tui.text import CleanLine, clean_line


@dataclass(frozen=True, slots=True)
class Shortage:
    """A prompt that the credits did not cover."""

    answer: Turn
    """The answer that was refused, or broke off."""
    balance_micro: int | None
    required_micro: int | None
    """Micro-dollars as the server told them; None when it did not."""
    said: CleanLine
    """The server's own words."""
    ways: tuple[Way, ...] = ()
    rose: bool = False
    """Whether the balance rose since."""

    @property
    def enough(self) -> bool:
        """Whether the balance covers it now, as far as is known."""
        if self.balance_micro is None:
            return False
        return self.rose and (self.required_micro is None or self.balance_micro >= self.required_micro)

    def with_balance(self, micro: int) -> "Shortage":
        """After a reading of the balance."""
        rose = self.rose or (self.balance_micro is not None and micro > self.balance_micro)
        return replace(self, balance_micro=micro, rose=rose)


class Shortfall(Vertical):
    """The figures and the ways on. Nothing is sent but by Enter on one of them."""

    DEFAULT_CSS = """
    Shortfall {
        display: none; height: auto; max-height: 14; margin: 1 0 0 0; padding: 0 1; background: $surface;
        border-left: thick $error;
        &.-enough { border-left: thick $success; }
        & OptionList, & OptionList:focus {
            height: auto; max-height: 8; border: none; padding: 0; background: $surface; scrollbar-size-vertical: 1;
            background-tint: $foreground 0%; text-wrap: nowrap; text-overflow: ellipsis;
        }
        & OptionList > .option-list--option-highlighted, & OptionList:focus > .option-list--option-highlighted {
            background: $primary 25%; color: $foreground; text-style: none;
        }
        & Static { height: auto; }
    }
    """
    HELP = "The credits do not cover this prompt. Enter does what the marked line says; nothing is sent by itself."
    BINDINGS: ClassVar = [Binding("escape", "leave", "Back", id="shortfall.leave", tooltip="Back to the prompt")]

    shortage: reactive[Shortage | None] = reactive(None)
    """What is missing in the conversation shown; None hides the place."""

    class Chosen(Message):
        """A way on was chosen."""

        def __init__(self, shortage: Shortage, way: Way) -> None:
            super().__init__()
            self.shortage, self.way = shortage, way

    class Left(Message):
        """Back to the prompt."""

    def compose(self) -> ComposeResult:
        """The figures, then the ways."""
        yield Static(id="figures")
        yield OptionList(markup=False)

    def watch_shortage(self, before: Shortage | None, now: Shortage | None) -> None:
        """Show it, keeping the mark where it is."""
        self.display = now is not None
        if now is None or not self.is_mounted:
            return
        self.set_class(now.enough, "-enough")
        content = figures(now)
        self.query_one("#figures", Static).update(content)
        options = self.query_one(OptionList)
        if before is None or before.ways != now.ways or before.enough != now.enough:
            marked = options.highlighted
            options.clear_options()
            width = max((len(way.words) for way in now.ways), default=0) + 2
            for way in now.ways:
                options.add_option(Option(Content.assemble(line(way, now, width)), id=way.kind.value))
            options.highlighted = 0 if now.enough or marked is None else min(marked, len(now.ways) - 1)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if self.shortage is None:
            return
        way = next(way for way in self.shortage.ways if way.kind.value == event.option.id)
        self.post_message(self.Left() if way.kind is WayKind.LEAVE else self.Chosen(self.shortage, way))

    def action_leave(self) -> None:
        """Back to the prompt; the place stays."""
        self.post_message(self.Left())


def figures(shortage: Shortage) -> Content:
    """`Out of credit: $0.12 left, $0.31 needed, $0.19 short.`, or that there is enough now."""
    balance, required = shortage.balance_micro, shortage.required_micro
    if shortage.enough and balance is not None:
        return Content.assemble(
            ("The balance rose", "bold $text-success"),
            f" to {dollars(balance)}. Enter asks again; nothing was sent meanwhile.",
        )
    parts: list[Content | tuple[str, str]] = [("Out of credit", "bold $text-error")]
    if balance is None or required is None:
        parts.append((f": {shortage.said}", ""))
    else:
        short = max(0, required - balance)
        parts.append((f": {dollars(balance)} left, {dollars(required)} needed, ", ""))
        parts.append((f"{dollars(short)} short", "bold"))
        parts.append((".", ""))
    parts.append((" The prompt and what came are kept. Choose with ↑ ↓ and Enter; Esc goes back.", "$foreground 60%"))
    return Content.assemble(*parts)


def line(way: Way, shortage: Shortage, width: int) -> Content:
    """One way on, and what it saves."""
    saves = way.saves
    if way.kind is WayKind.AGAIN and shortage.enough:
        saves = clean_line("the balance covers it now")
    return Content.assemble((way.words.ljust(width), "bold"), (saves, "$foreground 60%"))
