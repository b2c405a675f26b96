"""The one place where a new secret is shown. It is left by saying that it is stored, and in no other way."""

import re
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Static

from relai_tui.api.errors import RelaiError
from relai_tui.counts import counted
from relai_tui.credentials.errors import CredentialError
from relai_tui.keys.desk import Creation, KeyDesk
from relai_tui.keys.guards import NotAllowed
from relai_tui.settings import SettingsError
from relai_tui.text import clean_line
from relai_tui.ui.clipboard import copy_secret
from relai_tui.ui.dialog import Dialog
from relai_tui.ui.keys.details import facts_content
from relai_tui.ui.keys.revoke import DIALOG_CSS, relabel
from relai_tui.ui.secret_text import SecretText
from relai_tui.ui.text_input import TextInput

if TYPE_CHECKING:
    from pydantic import SecretStr

    from relai_tui.settings import Profile


def profile_name_for(name: str) -> str:
    """A profile's name made of a key's: `Ada's laptop` → `adas-laptop`."""
    bare = re.sub(r"[^\w\- ]+", "", name.casefold())
    return re.sub(r"[\s_-]+", "-", bare).strip("-")[:40] or "new"


class RevealSecret(Dialog[bool]):
    """Dismisses with whether this session uses the new key now. Esc, clicks and quitting do not close it."""

    HELP = "This secret is told once. Copy it or keep it in the keyring, then say that it is stored."
    DEFAULT_CSS = f"""RevealSecret {{ {DIALOG_CSS}
        & > .dialog {{ border-left: thick $success; }}
        SecretText {{ margin-top: 1; }}
    }}"""
    BINDINGS: ClassVar = [
        Binding("v", "reveal", "Reveal", id="secret.reveal", tooltip="Show the secret for 30 seconds, or mask it"),
        Binding("c", "copy", "Copy", id="secret.copy", tooltip="Copy the secret"),
        Binding("u", "use", "Use now", id="secret.use", tooltip="Use the new key from the next request on"),
        Binding("escape", "stay", show=False),
    ]

    def __init__(self, desk: KeyDesk, creation: Creation, secret: "SecretStr") -> None:
        super().__init__()
        self._desk, self._creation, self._secret = desk, creation, secret
        self._kept: Profile | None = None
        self._in_use = False

    def compose(self) -> ComposeResult:
        """The secret, masked; what can be done with it; the one way out."""
        with VerticalScroll(classes="dialog", can_focus=False):
            yield Static(Content(f"The new key “{self._creation.name}”"), classes="title")
            yield Static(Content("Its secret is told this once. Store it before you go on."), classes="why")
            yield SecretText(self._secret)
            yield Static(self._about(), classes="about")
            with Horizontal(classes="buttons"):
                yield Button("Copy", id="copy", variant="primary", compact=True)
                yield Button("Reveal", id="reveal", compact=True)
                yield Button("Use it now", id="use", compact=True)
            yield Static(Content("Keep it in this system's keyring, as profile"), classes="label")
            yield TextInput(value=profile_name_for(self._creation.name), id="profile")
            with Horizontal(classes="buttons"):
                yield Button("Keep in the keyring", id="keep", compact=True)
            yield Static(classes="state")
            with Horizontal(classes="buttons"):
                yield Button("I have stored it", id="stored", variant="success", compact=True)

    def _about(self) -> Content:
        return facts_content(self._facts())

    def _facts(self) -> list[tuple[str, str]]:
        key = self._creation.key
        if key is None:
            return [("name", self._creation.name)]
        limit = f"{counted(key.rpm_limit, 'request')} a minute" if key.rpm_limit else "—"
        pairs = [("id", key.id), ("prefix", key.prefix or "—"), ("scope", key.scope or ""), ("limit", limit)]
        return [(name, words) for name, words in pairs if words]

    def on_mount(self) -> None:
        """Copy first: the way out is the last button."""
        self.query_one("#copy").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """What was chosen."""
        event.stop()
        match event.button.id:
            case "copy":
                self.action_copy()
            case "reveal":
                self.action_reveal()
            case "use":
                self.action_use()
            case "keep":
                self._keep()
            case "stored":
                self.query_one(SecretText).conceal()
                self.dismiss(self._in_use)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the profile's name keeps it."""
        event.stop()
        self._keep()

    def action_stay(self) -> None:
        """Esc does not leave."""
        self._say("The secret is told only once. When it is stored, say so with the button below.")

    def action_reveal(self) -> None:
        """Show or mask it."""
        self.query_one(SecretText).toggle()

    def on_secret_text_changed(self, event: SecretText.Changed) -> None:
        """The button says what it will do; the secret is masked by itself after a while."""
        event.stop()
        relabel(self.query_one("#reveal", Button), "Mask" if event.revealed else "Reveal")

    @work(group="secret", exit_on_error=False)
    async def action_copy(self) -> None:
        """Copy it, and say what is known of that."""
        self._say(await copy_secret(self.app, self._secret))

    @work(group="secret", exit_on_error=False)
    async def _keep(self) -> None:
        name = self.query_one("#profile", Input).value
        self._say("Storing it in the keyring …")
        try:
            self._kept = await self._desk.store_secret(self._secret, self._creation.key, name)
        except (CredentialError, SettingsError, NotAllowed) as error:
            self._say(f"Not stored. {error}", "-bad")
            return
        self._say(f"In the keyring and read back, as profile “{self._kept.name}”.", "-good")
        self.query_one("#keep", Button).disabled = True
        self.query_one("#stored").focus()

    @work(group="secret", exclusive=False, exit_on_error=False)
    async def action_use(self) -> None:
        """Use it from the next request on."""
        self._say("Trying the new key …")
        try:
            await self._desk.use_now(self._secret, self._creation.key, self._kept)
        except RelaiError as error:
            self._say(f"Not in use: {error}", "-bad")
            return
        self._in_use = True
        self.query_one("#use", Button).disabled = True
        where = "" if self._kept else " It is kept nowhere yet: copy it, or keep it in the keyring."
        self._say(f"This session uses the new key.{where}", "-good")

    def _say(self, words: str, look: str = "") -> None:
        state = self.query_one(".state", Static)
        state.remove_class("-bad", "-good").update(Content(clean_line(words, 600)))
        if look:
            state.add_class(look)
