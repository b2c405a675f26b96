"""Creating a key: the form, which sends once, and the one dialog in which the new secret is shown."""

from math import ceil
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Button, Input, RadioButton, RadioSet, Static

from relai_tui.account import NoCredential
from relai_tui.api.errors import RelaiError, ServerRefused
from relai_tui.credentials.errors import CredentialError
from relai_tui.keys.desk import Creation, KeyDesk
from relai_tui.keys.guards import DEFAULT_RPM, NotAllowed, name_trouble, name_warning, read_rpm
from relai_tui.text import NOTHING, CleanText, clean_line
from relai_tui.ui.dialog import Dialog
from relai_tui.ui.keys.revoke import DIALOG_CSS, relabel
from relai_tui.ui.text_input import TextInput


class CreateKey(Dialog[Creation | None]):
    """Dismisses with what came of it, or None where nothing was sent. While the answer is out it cannot be left."""

    HELP = "A name, and how many requests a minute the key may make. The secret is shown once, in the next step."
    DEFAULT_CSS = f"""CreateKey {{ {DIALOG_CSS}
        & > .dialog {{ border-left: thick $primary; }}
        .tells {{ height: auto; min-height: 1; color: $text-warning; }}
        RadioSet {{ border: none; background: $surface; layout: horizontal; height: 1; padding: 0; }}
        RadioButton {{ border: none; background: $surface; margin-right: 2; padding: 0; }}
    }}"""
    BINDINGS: ClassVar = [Binding("escape", "cancel", "Cancel", id="create.cancel", tooltip="Create nothing")]

    def __init__(self, desk: KeyDesk, *, name: CleanText = NOTHING, rpm_limit: int = DEFAULT_RPM) -> None:
        super().__init__()
        self._desk, self._name_at_first, self._rpm_limit = desk, name, rpm_limit
        self._sending = False
        self._not_before = float("-inf")
        self._ticking: Timer | None = None

    @property
    def sent(self) -> bool:
        """Whether the request has left: from then on its answer is waited for."""
        return self._sending

    def compose(self) -> ComposeResult:
        """The form."""
        with VerticalScroll(classes="dialog", can_focus=False):
            yield Static(Content("Create an API key"), classes="title")
            yield Static(Content("Name"), classes="label")
            yield TextInput(value=self._name_at_first, placeholder="what it is for, such as CI", id="name")
            yield Static(classes="tells")
            yield Static(Content("Requests a minute (1 to 1,000)"), classes="label")
            yield TextInput(value=str(self._rpm_limit), id="rpm")
            if self._desk.account.edition == 2:
                yield Static(Content("Works in"), classes="label")
                with RadioSet(id="scope"):
                    yield RadioButton("its own region", value=True, id="regional")
                    yield RadioButton("either region (global)", id="global")
            yield Static(classes="state")
            with Horizontal(classes="buttons"):
                yield Button("Create", id="create", variant="primary", compact=True)
                yield Button("Cancel", id="cancel", compact=True)

    def on_mount(self) -> None:
        """The name first."""
        self.query_one("#name").focus()
        self._warn()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Warn while it is typed."""
        event.stop()
        self._warn()

    def _warn(self) -> None:
        name = self.query_one("#name", Input).value
        trouble = name_trouble(name) if name.strip() else None
        words = trouble or name_warning(name, self._desk.listing) or ""
        self.query_one(".tells", Static).update(Content(words))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter anywhere creates."""
        event.stop()
        self._create()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Create, or not."""
        event.stop()
        if event.button.id == "create":
            self._create()
        else:
            self.action_cancel()

    def action_cancel(self) -> None:
        """Create nothing; while the answer is out there is no way back."""
        if self._sending:
            self._say("The answer is on its way, and holds what is told only once.")
        else:
            self.dismiss(None)

    def _create(self) -> None:
        name, limit = self.query_one("#name", Input).value, read_rpm(self.query_one("#rpm", Input).value)
        if trouble := name_trouble(name):
            self._say(trouble, "-bad")
            self.query_one("#name").focus()
        elif not isinstance(limit, int):
            self._say(limit, "-bad")
            self.query_one("#rpm").focus()
        elif not self._sending and self._desk.clock() >= self._not_before:
            self._sending = True
            self._send(name, limit)

    @work(group="create", exit_on_error=False)
    async def _send(self, name: str, limit: int) -> None:
        self._enable(False)
        self._say("Creating …")
        try:
            creation = await self._desk.create(name, limit, self._scope())
        except (RelaiError, NotAllowed, NoCredential, CredentialError) as error:
            self._sending = False
            self._say(f"Nothing was created. {error}", "-bad")
            self._enable(True)
            if isinstance(error, ServerRefused) and error.retry_after:
                self._hold_back(error.retry_after)
            return
        self.dismiss(creation)

    def _scope(self) -> str | None:
        chosen = self.query_one("#scope", RadioSet).pressed_button if self.query("#scope") else None
        return chosen.id if chosen is not None else None

    def _enable(self, enabled: bool) -> None:
        for widget in self.query("Input, Button, RadioSet"):
            widget.disabled = not enabled

    def _hold_back(self, seconds: float) -> None:
        """Count down on the button."""
        self._not_before = self._desk.clock() + seconds
        self._ticking = self.set_interval(0.5, self._tick)
        self._tick()

    def _tick(self) -> None:
        left, button = ceil(self._not_before - self._desk.clock()), self.query_one("#create", Button)
        button.disabled = left > 0
        relabel(button, f"Create (in {left} s)" if left > 0 else "Create")
        if left <= 0 and self._ticking is not None:
            self._ticking.stop()

    def _say(self, words: str, look: str = "") -> None:
        state = self.query_one(".state", Static)
        state.remove_class("-bad", "-good").update(Content(clean_line(words, 600)))
        if look:
            state.add_class(look)
