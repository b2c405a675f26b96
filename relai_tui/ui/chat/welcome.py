"""What an empty chat shows: where one is, what answers, what to press."""

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from relai_tui.text import CleanLine

_HINTS = (
    ("Enter", "send"),
    ("Ctrl+J", "new line"),
    ("Ctrl+L", "choose the model"),
    ("Ctrl+S", "kept conversations"),
    ("F1", "help"),
)


class Welcome(Widget):
    """A few lines in the middle of an empty room."""

    DEFAULT_CSS = """
    Welcome { content-align: center middle; text-align: center; color: $foreground; }
    """

    model: reactive[CleanLine | None] = reactive(None)
    """The id or alias the next prompt goes to."""

    def __init__(self, *, demo: bool) -> None:
        """`demo`: this is the local sandbox, whose models are scripts."""
        super().__init__()
        self._demo = demo

    def render(self) -> Content:
        """The words, centred."""
        column, gap = max(len(key) for key, _ in _HINTS), max(len(words) for _, words in _HINTS)
        hints = [
            Content.assemble((key.rjust(column), "bold $text-primary"), "   ", (words.ljust(gap), "$foreground 70%"))
            for key, words in _HINTS
        ]
        lines = [
            Content.styled("relai", "bold $text-primary"),
            Content.assemble(
                ("Ask ", "$foreground 80%"), (self.model or "", "bold $text-accent"), (" anything.", "$foreground 80%")
            ),
            Content(""),
            *hints,
        ]
        if self._demo:
            lines += [
                Content(""),
                Content.styled(
                    "A local sandbox answers here, from scripts. Nothing leaves this machine.", "$text-warning"
                ),
                Content.styled("Try: “long”, “table”, “code”, “think”, “unicode”.", "$foreground 60%"),
            ]
        return Content("\n").join(lines)
