"""A secret on the screen: masked until asked for, masked again by itself, and never in a picture of the screen."""

from typing import TYPE_CHECKING

from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget

from relai_tui.api.keys import key_format
from relai_tui.text import visible

if TYPE_CHECKING:
    from pydantic import SecretStr

REVEALED_FOR = 30.0
"""Seconds."""


class SecretText(Widget):
    """Holds the secret outside every reactive; it can be neither selected nor focused."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    SecretText { height: auto; min-height: 1; padding: 0 1; background: $panel; color: $text-accent; }
    """

    class Changed(Message):
        """It was revealed, or masked, also by itself."""

        def __init__(self, revealed: bool) -> None:
            super().__init__()
            self.revealed = revealed

    def __init__(self, secret: "SecretStr") -> None:
        super().__init__()
        self._secret = secret
        self._revealed = False
        self._hiding: Timer | None = None

    @property
    def revealed(self) -> bool:
        """Whether it can be read now."""
        return self._revealed

    def toggle(self) -> None:
        """Reveal it for a while, or mask it."""
        if self._revealed:
            self.conceal()
            return
        self._revealed = True
        self._hiding = self.set_timer(REVEALED_FOR, self.conceal)
        self.refresh(layout=True)
        self.post_message(self.Changed(True))

    def conceal(self) -> None:
        """Mask it, at once."""
        if self._hiding is not None:
            self._hiding.stop()
            self._hiding = None
        self._revealed = False
        self.refresh(layout=True)
        self.post_message(self.Changed(False))

    def render(self) -> Content:
        """The secret, or its prefix and as many dots as it has further characters."""
        secret = self._secret.get_secret_value()
        if self._revealed:
            return Content(visible(secret))
        prefix = _prefix_length(self._secret)
        return Content(visible(secret[:prefix]) + "•" * min(48, len(secret) - prefix))


def _prefix_length(secret: "SecretStr") -> int:
    told, text = key_format(secret), secret.get_secret_value()
    if told.edition == 1:
        return len("rk-eu-")
    return text.rindex("_") + 1 if told.edition == 2 else 0
