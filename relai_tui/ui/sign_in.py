"""Sign in: a key, tried against the server, then kept in the OS keyring. Shown when no key is found."""

from dataclasses import dataclass
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Static

from relai_tui.account import Account, Trial, describe_key
from relai_tui.api.errors import RelaiError
from relai_tui.credentials.errors import KeyringError
from relai_tui.settings import SettingsError
from relai_tui.text import CleanLine, clean_line
from relai_tui.ui.dialog import Dialog
from relai_tui.ui.text_input import TextInput


class SecretInput(TextInput):
    """A masked field whose text can be neither copied nor cut."""

    def __init__(self, *, placeholder: str, id: str) -> None:  # noqa: A002  # Textual's own name for it
        super().__init__(placeholder=placeholder, password=True, id=id)

    def action_copy(self) -> None:
        """A secret leaves this field only towards the server."""

    def action_cut(self) -> None:
        """As with copy."""

    @property
    def allow_select(self) -> bool:
        """The screen's own selection must not copy it either."""
        return False


@dataclass(frozen=True, slots=True)
class SignedIn:
    """How it went."""

    kept: bool
    """The key is in the keyring; False for this session only."""


class SignInScreen(Dialog[SignedIn | None]):
    """Dismisses with how it went, or None when the user goes on without."""

    HELP = (
        "Paste an API key. It is tried against the server, then kept in this system's keyring.\n"
        "Other ways: RELAI_API_KEY or RELAI_API_KEY_FILE in the environment, or key_command in config.toml."
    )
    DEFAULT_CSS = """
    SignInScreen {
        align: center middle; background: $background;
        & > VerticalScroll {
            width: 76; max-width: 96%; height: auto; max-height: 100%; padding: 1 3; background: $surface;
            border-left: thick $primary; scrollbar-size-vertical: 1;
        }
        .title { text-style: bold; color: $text-primary; }
        .why { color: $text-warning; margin-top: 1; display: none; &.-shown { display: block; } }
        .label { margin-top: 1; color: $foreground 70%; }
        Input, Input:focus { border: none; height: 1; padding: 0 1; background: $panel; }
        Input:focus { background: $primary 20%; }
        .tells { color: $foreground 60%; height: auto; min-height: 1; }
        .state { margin-top: 1; height: auto; min-height: 1; }
        .state.-bad { color: $text-error; }
        .state.-good { color: $text-success; }
        .buttons { height: auto; margin-top: 1; }
        Button { margin-right: 2; padding: 0 1; }
        #session { display: none; &.-shown { display: block; } }
    }
    """
    BINDINGS: ClassVar = [
        Binding(
            "escape", "later", "Not now", id="sign-in.later", tooltip="Look around without a key; nothing can be sent"
        ),
    ]

    def __init__(self, account: Account, why: CleanLine | None = None) -> None:
        super().__init__()
        self._account, self._why = account, why
        self._tried: Trial | None = None

    def compose(self) -> ComposeResult:
        """A field for the key, two for what it cannot tell, three buttons."""
        with VerticalScroll():
            yield Static(Content("Sign in to Relai"), classes="title")
            yield Static(Content(self._why or ""), classes="why -shown" if self._why else "why")
            yield Static(Content("API key"), classes="label")
            yield SecretInput(placeholder="rk-eu-… or rk-us-…", id="key")
            yield Static(Content("Paste it here; it is never shown."), classes="tells")
            yield Static(Content("Profile name"), classes="label")
            yield TextInput(value=self._account.profile.name, placeholder="default", id="profile")
            yield Static(Content("Server (only for one that the key does not name)"), classes="label")
            yield TextInput(value=self._account.base_url_given or "", placeholder="the key's own region", id="base-url")
            yield Static(classes="state")
            with Horizontal(classes="buttons"):
                yield Button("Sign in", id="sign-in", variant="primary", compact=True)
                yield Button("Use for this session only", id="session", compact=True)
                yield Button("Not now", id="later", compact=True)

    def on_mount(self) -> None:
        """The key first."""
        self.query_one("#key").focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say what the key tells of itself, never the key."""
        event.stop()
        if event.input.id == "key":
            self.query_one(".tells", Static).update(Content(describe_key(event.value)))
            self._tried = None
            self.query_one("#session").remove_class("-shown")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter anywhere signs in."""
        event.stop()
        self._sign_in()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The three ways on."""
        event.stop()
        match event.button.id:
            case "sign-in":
                self._sign_in()
            case "session":
                self._use_for_session()
            case _:
                self.action_later()

    def action_later(self) -> None:
        """Go on without a key."""
        self.dismiss(None)

    @work(exclusive=True, group="sign-in", exit_on_error=False)
    async def _sign_in(self) -> None:
        account, state = self._account, self._say
        state("Trying the key …")
        try:
            self._tried = await account.try_key(
                self.query_one("#key", Input).value,
                base_url=self.query_one("#base-url", Input).value.strip() or None,
                profile=self.query_one("#profile", Input).value.strip() or None,
            )
        except (RelaiError, SettingsError) as error:
            state(str(error), "-bad")
            return
        with self.prevent(Input.Changed):
            self.query_one("#key", Input).value = ""
        state("The key works. Storing it in the keyring …")
        try:
            await account.keep(self._tried)
        except (KeyringError, SettingsError) as error:
            state(clean_line(f"The key works, but it could not be stored. {error}", 600), "-bad")
            self.query_one("#session").add_class("-shown").focus()
            return
        await account.adopt(self._tried, kept=True)
        self.dismiss(SignedIn(kept=True))

    @work(exclusive=True, group="sign-in", exit_on_error=False)
    async def _use_for_session(self) -> None:
        if self._tried is not None:
            await self._account.adopt(self._tried, kept=False)
            self.dismiss(SignedIn(kept=False))

    def _say(self, words: str, look: str = "") -> None:
        state = self.query_one(".state", Static)
        state.remove_class("-bad", "-good").update(Content(words))
        if look:
            state.add_class(look)
