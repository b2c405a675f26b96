"""The rotation of a key, step by step: what is done, what is left, and one thing to do next."""

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Static

from relai_tui.account import NoCredential
from relai_tui.api.errors import RelaiError
from relai_tui.credentials.errors import CredentialError, KeyringError
from relai_tui.key_records import RotationStep
from relai_tui.keys.guards import LAG, Demand, NotAllowed, demand_for, read_rpm
from relai_tui.keys.rotation import Rotation, Switched, Watch
from relai_tui.moments import age
from relai_tui.settings import SettingsError
from relai_tui.text import clean_line
from relai_tui.ui.clipboard import copy_secret
from relai_tui.ui.dialog import Dialog
from relai_tui.ui.keys.revoke import DIALOG_CSS, relabel
from relai_tui.ui.secret_text import SecretText
from relai_tui.ui.text_input import TextInput

LOOKING = 60.0
"""Seconds between two looks at the old key."""

_STEPS = (
    (RotationStep.CREATED, "create the successor, with the same name and scope"),
    (RotationStep.STORED, "keep its secret in the keyring, read back"),
    (RotationStep.TRIED, "try the new key at the server"),
    (RotationStep.SWITCHED, "switch the profiles and this session to it"),
    (RotationStep.REVOKED, "when nothing uses the old key any more, revoke it"),
    (RotationStep.ENDED, "see the old key refused"),
)
_TROUBLE = (RelaiError, CredentialError, SettingsError, NotAllowed, NoCredential)


class RotateKey(Dialog[bool]):
    """Dismisses with whether this session uses another key now. It can be left whenever no secret is shown."""

    HELP = (
        "A successor is created, kept, tried and switched to; then the old key is watched and revoked.\n"
        "It may be left at any step and is offered again at the next visit. There is always a key that works."
    )
    DEFAULT_CSS = f"""RotateKey {{ {DIALOG_CSS}
        & > .dialog {{ border-left: thick $secondary; }}
        .steps {{ margin-top: 1; height: auto; }}
        .secret {{ height: auto; margin-top: 1; display: none; &.-shown {{ display: block; }} }}
        .asks {{ height: auto; display: none; &.-shown {{ display: block; }} }}
    }}"""
    BINDINGS: ClassVar = [
        Binding("escape", "later", "Later", id="rotate.later", tooltip="Leave it here; it is offered again"),
        Binding("v", "reveal", "Reveal", id="secret.reveal", tooltip="Show the secret for 30 seconds, or mask it"),
    ]

    def __init__(self, rotation: Rotation) -> None:
        super().__init__()
        self._rotation = rotation
        self._busy = False
        self._secret_out = False
        self._session_switched = False
        self._watch: Watch | None = None
        self._over = False
        self._begun = rotation.record.has(RotationStep.CREATED) or bool(rotation.suspects)

    @property
    def holds_secret(self) -> bool:
        """Whether leaving now would lose what is told only once."""
        return self._secret_out

    def compose(self) -> ComposeResult:
        """The steps, the secret while it is told, what is asked, what happened, the buttons."""
        record = self._rotation.record
        with VerticalScroll(classes="dialog", can_focus=False):
            yield Static(Content(f"Rotate “{record.name or record.old_id}”"), classes="title")
            yield Static(self._checklist(), classes="steps")
            yield Static(Content("Requests a minute of the successor"), classes="label asks", id="limit-label")
            yield TextInput(value=str(record.rpm_limit or 60), id="rpm", classes="asks")
            yield VerticalScroll(classes="secret", can_focus=False)
            yield Static(classes="label asks", id="typed-label")
            yield TextInput(id="typed", classes="asks")
            yield Static(classes="state")
            with Horizontal(classes="buttons"):
                yield Button("", id="next", variant="primary", compact=True)
                yield Button("", id="other", compact=True)
                yield Button("Later", id="later", compact=True)

    def on_mount(self) -> None:
        """Begin, or go on where it was left."""
        self._arrange()
        self.query_one("#later" if not self._begun else "#next").focus()
        self.set_interval(LOOKING, self._look_by_itself)
        if self._begun and not self._rotation.secret_lost and self._rotation.secret is None:
            self._look()

    # -- what is shown

    def _checklist(self) -> Content:
        record, lines, found = self._rotation.record, [], False
        for number, (step, words) in enumerate(_STEPS, 1):
            if record.has(step):
                mark, style = "✓", "$text-success"
            elif not found:
                mark, style, found = "▸", "bold $text-accent", True
            else:
                mark, style = "·", "$foreground 50%"
            lines.append(Content.styled(f" {mark} {number}  {words}", style))
        return Content("\n").join(lines)

    def _arrange(self) -> None:
        """Show what belongs to the step."""
        rotation = self._rotation
        self.query_one(".steps", Static).update(self._checklist())
        planning = not self._begun
        watching = self._watch is not None and not self._over
        for name in ("#limit-label", "#rpm"):
            self.query_one(name).set_class(planning, "-shown")
        demand = self._demand() if watching else None
        for name in ("#typed-label", "#typed"):
            self.query_one(name).set_class(bool(demand and demand.typed), "-shown")
        if demand and demand.typed:
            why = "; ".join(demand.reasons)
            line = Content.assemble(f"The old key: {why}. To revoke it, type  ", (demand.typed, "bold $text-accent"))
            self.query_one("#typed-label", Static).update(line)
        self._name_buttons(planning=planning, watching=watching, lost=rotation.secret_lost)

    def _name_buttons(self, *, planning: bool, watching: bool, lost: bool) -> None:
        ahead, other, later = (self.query_one(f"#{each}", Button) for each in ("next", "other", "later"))
        relabel(later, "Cancel" if planning else "Close" if self._over else "Later")
        later.display = not self._secret_out
        other.display = self._secret_out or watching
        relabel(other, "Copy" if self._secret_out else "Look again")
        if self._over:
            ahead.display = False
            later.focus()
            return
        if planning:
            words = "Create the successor"
        elif lost:
            words = "Revoke the successor"
        elif self._secret_out:
            words = "I have stored it: try and switch"
        elif watching:
            words = "Revoke the old key"
        else:
            words = "Go on"
        relabel(ahead, words)
        ahead.variant = "error" if watching or lost else "primary"
        ahead.disabled = self._busy or (watching and not self._met())

    def _demand(self) -> Demand | None:
        row = self._watch.row if self._watch else None
        return demand_for(row, self._now()) if row is not None else None

    def _met(self) -> bool:
        demand = self._demand()
        return demand is None or demand.met_by(self.query_one("#typed", Input).value)

    def _now(self) -> float:
        return self._rotation.now()

    # -- what is done

    def on_input_changed(self, event: Input.Changed) -> None:
        """The button wakes when the name is typed in full."""
        event.stop()
        if self._watch is not None and not self._over:
            self.query_one("#next", Button).disabled = self._busy or not self._met()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter does what the button does."""
        event.stop()
        if not self.query_one("#next", Button).disabled:
            self._go_on()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The next step, something beside it, or later."""
        event.stop()
        match event.button.id:
            case "next":
                self._go_on()
            case "other" if self._secret_out:
                self._copy()
            case "other":
                self._look()
            case _:
                self.action_later()

    def action_later(self) -> None:
        """Leave it here, unless a secret is shown or an answer is out."""
        if self._secret_out:
            self._say("The secret is told only once. When it is stored, say so with the button.")
        elif self._busy:
            self._say("One moment: the answer is on its way.")
        else:
            self.dismiss(self._session_switched)

    def action_reveal(self) -> None:
        """Show or mask the secret, while it is told."""
        for shown in self.query(SecretText):
            shown.toggle()

    @work(group="rotate", exclusive=True, exit_on_error=False)
    async def _go_on(self) -> None:
        if self._busy:
            return
        self._busy = True
        self._arrange()
        try:
            if not self._begun:
                await self._create()
            elif self._rotation.secret_lost:
                await self._give_up()
            elif self._rotation.secret is not None and not self._rotation.record.has(RotationStep.SWITCHED):
                await self._switch()
            elif self._watch is None:
                await self._see_old_key()
            else:
                await self._revoke()
        except _TROUBLE as error:
            self._say(str(error), "-bad")
        finally:
            self._busy = False
            if self.is_mounted:
                self._arrange()
                self._place_focus()

    def _place_focus(self) -> None:
        """Where one goes on: never on the button that revokes."""
        if self._watch is not None and not self._over:
            demand = self._demand()
            self.query_one("#typed" if demand and demand.typed else "#later").focus()

    async def _create(self) -> None:
        limit = read_rpm(self.query_one("#rpm", Input).value)
        if not isinstance(limit, int):
            self._say(limit, "-bad")
            return
        rotation = self._rotation
        self._say("Creating the successor …")
        self._secret_out = True  # from here on: it cannot be left until the answer is read
        try:
            creation = await rotation.create(limit)
        finally:
            self._secret_out = rotation.secret is not None
        if rotation.secret is None:
            self._begun = rotation.secret_lost
            words = creation.trouble or "The answer held no secret."
            lost = "A successor was created, but its secret is lost: revoke it, and begin again."
            self._say(f"{words} {lost if self._begun else 'No successor was created.'}", "-bad")
            return
        self._begun = True
        shown = self.query_one(".secret")
        shown.add_class("-shown")
        await shown.mount(SecretText(rotation.secret))
        await self._keep()
        self.query_one("#other").focus()

    async def _keep(self) -> None:
        try:
            await self._rotation.store()
        except KeyringError as error:
            self._say(f"The keyring could not keep it: copy it (v reveals it) to where you need it. {error}", "-bad")
        else:
            self._say(
                "In the keyring and read back. Copy it (v reveals it) to wherever else the old key is used.", "-good"
            )

    async def _switch(self) -> None:
        rotation = self._rotation
        await rotation.acknowledge()
        self._secret_out = False
        await self._forget_shown()
        self._say("Trying the new key …")
        await rotation.try_new()
        self._arrange()
        switched = await rotation.switch()
        self._session_switched = self._session_switched or switched.session
        self._say(_told(switched), "-good")
        await self._see_old_key(quietly=True)

    async def _forget_shown(self) -> None:
        shown = self.query_one(".secret")
        shown.remove_class("-shown")
        await shown.remove_children()

    async def _see_old_key(self, *, quietly: bool = False) -> None:
        self._watch = watch = await self._rotation.watch()
        if quietly:
            return
        if watch.row is None:
            self._say("The old key is not in the list any more.")
            return
        used = age(watch.row.last_used, self._now())
        when = "no recorded use" if used == "—" else f"last used {used}{'' if used == 'just now' else ' ago'}"
        minutes = int(watch.unchanged // 60)
        calm = f"; it has not been used for the {minutes} min that it was watched" if minutes else ""
        self._say(f"The old key: {when}{calm}.", "-good" if watch.quiet else "")

    async def _revoke(self) -> None:
        rotation = self._rotation
        await rotation.revoke(self.query_one("#typed", Input).value or None)
        self._watch, self._over = None, True
        self._arrange()
        self._say(f"The old key is revoked. {LAG}")
        refused = await rotation.see_refused(lambda n: self._say(f"Revoked. Trying the old key (try {n}) …"))
        if refused is None:
            self._say(f"The old key is revoked; its secret is not held here, so it was not tried. {LAG}", "-good")
        elif refused:
            self._say("Done: the old key is revoked, and the server refuses it.", "-good")
        else:
            self._say(f"The old key is revoked, and the server still accepts it. {LAG}", "-bad")

    async def _give_up(self) -> None:
        await self._rotation.give_up()
        self._over = True
        self._say("The successor is revoked; the old key is as it was. Press t to begin again.")

    @work(group="look", exclusive=True, exit_on_error=False)
    async def _look(self) -> None:
        try:
            await self._see_old_key()
        except _TROUBLE as error:
            self._say(str(error), "-bad")
        self._arrange()

    def _look_by_itself(self) -> None:
        if self._watch is not None and not self._busy and not self._over:
            self._look()

    @work(group="copy", exclusive=True, exit_on_error=False)
    async def _copy(self) -> None:
        if self._rotation.secret is not None:
            self._say(await copy_secret(self.app, self._rotation.secret))

    def _say(self, words: str, look: str = "") -> None:
        if not self.is_mounted:
            return
        state = self.query_one(".state", Static)
        state.remove_class("-bad", "-good").update(Content(clean_line(words, 600)))
        if look:
            state.add_class(look)


def _told(switched: Switched) -> str:
    parts = []
    if switched.profiles:
        parts.append(f"the profile {' and '.join(f'“{name}”' for name in switched.profiles)}")
    if switched.session:
        parts.append("this session")
    words = f"The new key works; {' and '.join(parts) or 'nothing here used the old one'}"
    words += " uses it now." if len(parts) == 1 else " use it now." if parts else "."
    return f"{words} The old key still stands in {switched.elsewhere}." if switched.elsewhere else words
