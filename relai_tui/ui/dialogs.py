"""Questions with one answer, and the help."""

from collections.abc import Mapping
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from relai_tui.text import CleanLine, VisibleText
from relai_tui.ui.dialog import Dialog


class Confirm(Dialog[bool]):
    """One question; the answer that changes nothing has the focus. Esc and a click outside mean no."""

    DEFAULT_CSS = """
    Confirm {
        align: center middle; background: $background 60%;
        & > Vertical {
            width: 64; max-width: 92%; height: auto; padding: 1 2; background: $surface; border-left: thick $warning;
        }
        .buttons { height: auto; margin-top: 1; layout: horizontal; align-horizontal: right; }
        Button { margin-left: 2; }
    }
    """
    BINDINGS: ClassVar = [
        Binding("escape", "no", "Cancel", id="dialog.cancel"),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(self, question: CleanLine, detail: VisibleText, yes: str, no: str = "Cancel") -> None:
        super().__init__()
        self._question, self._detail, self._yes, self._no = question, detail, yes, no

    def compose(self) -> ComposeResult:
        """The question, what it means, two buttons."""
        with Vertical():
            yield Static(Content.styled(self._question, "bold"))
            yield Static(Content(self._detail))
            with Vertical(classes="buttons"):
                yield Button(Content(self._no), id="no", compact=True)
                yield Button(Content(self._yes), id="yes", variant="warning", compact=True)

    def on_mount(self) -> None:
        """Focus the answer that changes nothing."""
        self.query_one("#no").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer."""
        event.stop()
        self.dismiss(event.button.id == "yes")

    def on_click(self, event: events.Click) -> None:
        """A click outside is a no."""
        if event.widget is self:
            self.dismiss(False)

    def action_no(self) -> None:
        """Cancel."""
        self.dismiss(False)


class Help(Dialog[None]):
    """What has the focus, and every key that works there, drawn from the bindings themselves."""

    DEFAULT_CSS = """
    Help {
        align: center middle; background: $background 60%;
        & > VerticalScroll {
            width: 94; max-width: 96%; height: auto; max-height: 90%; padding: 1 2; scrollbar-size-vertical: 1;
            background: $surface; border-left: thick $primary;
        }
        .keys { margin-top: 1; }
    }
    """
    BINDINGS: ClassVar = [Binding("escape,f1,q", "dismiss", "Close", id="help.close")]

    def __init__(self, title: str, text: str, bindings: Mapping[str, ActiveBinding]) -> None:
        super().__init__()
        self._title, self._text, self._offered = title, text, bindings

    def compose(self) -> ComposeResult:
        """A few words, then the keys."""
        with VerticalScroll():
            yield Static(Content.styled(self._title, "bold $text-primary"))
            yield Static(Content(self._text))
            yield Static(self._table(), classes="keys")
            yield Static(Content.styled("\nEsc closes this.", "$foreground 60%"))

    def _table(self) -> Content:
        """Keys, what they do, and the id by which config.toml may move them; the focused widget's come first."""
        rows: dict[str, tuple[list[str], str]] = {}
        for active in self._offered.values():
            binding = active.binding
            if binding.id and binding.description:
                words = binding.tooltip or binding.description
                rows.setdefault(binding.id, ([], words))[0].append(self.app.get_key_display(binding))
        order = sorted(rows, key=lambda name: not name.startswith("prompt."))
        lines = [("  ".join(dict.fromkeys(rows[name][0])), rows[name][1], name) for name in order]
        column = max((len(keys) for keys, _, _ in lines), default=0) + 3
        return Content("\n").join(
            Content.assemble((keys.ljust(column), "bold $text-primary"), words, ("  " + name, "$foreground 35%"))
            for keys, words, name in lines
        )
