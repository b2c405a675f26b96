"""Before a prompt leaves: a key in it is stopped, and the user says what is to become of it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from relai_tui.api.errors import RelaiError
from relai_tui.api.keys import is_shown_as
from relai_tui.secret_guard import FoundSecret, find_secrets, redacted
from relai_tui.text import CleanLine, CleanText, clean_line
from relai_tui.ui.dialog import Dialog

if TYPE_CHECKING:
    from relai_tui.api.models import ApiKey

LONG = 100_000
"""Characters from which a text is searched in a thread."""

Decision = Literal["redact", "send", "revoke"]


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of it."""

    text: CleanText | None
    """To be sent; None to send nothing."""
    revoke: tuple["ApiKey", ...] = ()
    """The keys of the account that the one in the text may be, where the user wants it revoked now."""


async def check(app: App[None], text: CleanText, listed: Callable[[], Awaitable[tuple["ApiKey", ...]]]) -> Checked:
    """The text as it may be sent. Asks where it holds a key; `listed` gives the keys of the account."""
    found = await asyncio.to_thread(find_secrets, text) if len(text) > LONG else find_secrets(text)
    if not found:
        return Checked(text)
    ours = await _ours(text, found, listed)
    decision = await app.push_screen_wait(SecretFound(found, ours))
    if decision == "redact":
        return Checked(redacted(text, found))
    if decision == "send":
        return Checked(text)
    return Checked(None, ours if decision == "revoke" else ())


async def _ours(
    text: str, found: tuple[FoundSecret, ...], listed: Callable[[], Awaitable[tuple["ApiKey", ...]]]
) -> tuple["ApiKey", ...]:
    """The account's keys that one in the text may be; none where the list cannot be read."""
    mine = [each for each in found if each.is_relai]
    if not mine:
        return ()
    try:
        keys = await listed()
    except RelaiError:
        return ()
    secrets = [text[each.start : each.end] for each in mine]
    return tuple(
        key for key in keys if key.revoked is not True and any(is_shown_as(each, key.prefix) for each in secrets)
    )


class SecretFound(Dialog[Decision | None]):
    """Dismisses with the decision; None, the default, goes back to the prompt and sends nothing."""

    HELP = "What is sent to a model is out of your hands, and is kept in the history. Take the key out."
    DEFAULT_CSS = """
    SecretFound {
        align: center middle; background: $background 60%;
        & > VerticalScroll {
            width: 76; max-width: 96%; height: auto; max-height: 90%; padding: 1 3;
            background: $surface; border-left: thick $error;
        }
        .found { margin-top: 1; color: $text-accent; }
        .note { margin-top: 1; color: $foreground 70%; }
        .buttons { height: auto; margin-top: 1; }
        Button { margin-right: 1; padding: 0 1; }
    }
    """
    BINDINGS: ClassVar = [
        Binding("escape", "back", "Back", id="secret.back", tooltip="Back to the prompt; nothing is sent"),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(self, found: tuple[FoundSecret, ...], ours: tuple["ApiKey", ...]) -> None:
        super().__init__()
        self._found, self._ours = found, ours

    def compose(self) -> ComposeResult:
        """What was found, and what can be done."""
        with VerticalScroll(can_focus=False):
            yield Static(Content.styled(self._title(), "bold"))
            yield Static(self._list(), classes="found")
            yield Static(Content(self._note()), classes="note")
            with Horizontal(classes="buttons"):
                yield Button("Back", id="back", compact=True)
                yield Button("Redact and send", id="redact", variant="primary", compact=True)
                if self._ours:
                    yield Button("Revoke it now", id="revoke", variant="error", compact=True)
                yield Button("Send anyway", id="send", compact=True)

    def _title(self) -> CleanLine:
        count = len(self._found)
        what = f"a secret: {self._found[0].kind}" if count == 1 else f"{count} secrets"
        return clean_line(f"Not sent yet: the prompt holds {what}.")

    def _list(self) -> Content:
        lines = [Content(f"{each.kind}  {each.hint}") for each in self._found[:8]]
        if len(self._found) > len(lines):
            lines.append(Content(f"and {len(self._found) - len(lines)} more"))
        return Content("\n").join(lines)

    def _note(self) -> str:
        words = "A model, its logs and the history here would keep it."
        if not self._ours:
            return words
        names = ", ".join(f"“{key.name or key.id}”" for key in self._ours[:3])
        some = "It begins like your account's key" if len(self._ours) == 1 else "It begins like one of your keys"
        return f"{words} {some} {names}: if others have seen it, revoke it."

    def on_mount(self) -> None:
        """The answer that sends nothing."""
        self.query_one("#back").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Decide."""
        event.stop()
        match event.button.id:
            case "redact":
                self.dismiss("redact")
            case "send":
                self.dismiss("send")
            case "revoke":
                self.dismiss("revoke")
            case _:
                self.dismiss(None)

    def action_back(self) -> None:
        """Send nothing."""
        self.dismiss(None)
