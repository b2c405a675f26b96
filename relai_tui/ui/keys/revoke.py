"""Revoking: the dialog for one key, and the one for several."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Static
from textual.worker import Worker

from relai_tui.counts import counted
from relai_tui.keys.bulk import BulkRevocation, Fate
from relai_tui.keys.guards import LAG, Demand
from relai_tui.keys.listing import KeyRow
from relai_tui.moments import age
from relai_tui.text import CleanLine
from relai_tui.ui.dialog import Dialog
from relai_tui.ui.keys.details import facts, facts_content
from relai_tui.ui.text_input import TextInput

DIALOG_CSS = """
    align: center middle; background: $background 60%;
    & > .dialog {
        width: 76; max-width: 96%; height: auto; max-height: 100%; padding: 1 3; background: $surface;
    }
    .title { text-style: bold; }
    .why { color: $text-warning; margin-top: 1; }
    .about { margin-top: 1; height: auto; }
    .note { color: $foreground 60%; margin-top: 1; }
    .label { margin-top: 1; color: $foreground 70%; }
    Input, Input:focus { border: none; height: 1; padding: 0 1; background: $panel; }
    Input:focus { background: $primary 20%; }
    .state { margin-top: 1; height: auto; min-height: 1; }
    .state.-bad { color: $text-error; }
    .state.-good { color: $text-success; }
    .buttons { height: auto; margin-top: 1; }
    Button { margin-right: 2; padding: 0 1; }
"""
"""What the dialogs of this room share."""


def relabel(button: Button, words: str) -> None:
    """Give a button another label, and the room for it."""
    button.label = Content(words)
    button.refresh(layout=True)


@dataclass(frozen=True, slots=True)
class RevokeAnswer:
    """What the user decided."""

    typed: str | None = None
    rotate: bool = False
    """Replace the key instead."""


_NAMED = frozenset({"id", "prefix", "created", "last used"})
"""What the dialog tells of a key: enough to know which one it is, little enough for a small screen."""


class RevokeKey(Dialog[RevokeAnswer | None]):
    """Names the key, and dismisses with what was typed to confirm it; None for Cancel, which has the focus."""

    HELP = "Revoking is for good. Where it asks for the name, the key seems to be in use."
    DEFAULT_CSS = f"RevokeKey {{ {DIALOG_CSS} & > .dialog {{ border-left: thick $error; }} }}"
    BINDINGS: ClassVar = [
        Binding("escape", "cancel", "Cancel", id="revoke.cancel", tooltip="Change nothing"),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(self, row: KeyRow, demand: Demand, now: float, answering: Sequence[CleanLine] = ()) -> None:
        super().__init__()
        self._row, self._demand, self._now, self._answering = row, demand, now, answering

    def compose(self) -> ComposeResult:
        """What goes, why care is needed, what to type, two or three buttons."""
        row, demand = self._row, self._demand
        with VerticalScroll(classes="dialog", can_focus=False):
            yield Static(Content(f"Revoke “{row.key.name or row.id}” for good?"), classes="title")
            yield Static(self._about(), classes="about")
            if warnings := self._warnings():
                yield Static(Content("\n".join(warnings)), classes="why")
            yield Static(Content(LAG), classes="note")
            if demand.typed:
                yield Static(self._label(demand.typed), classes="label")
                yield TextInput(id="typed")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                if demand.ends_session:
                    yield Button("Rotate it instead", id="rotate", compact=True)
                yield Button("Revoke", id="revoke", variant="error", compact=True, disabled=bool(demand.typed))

    def _about(self) -> Content:
        known = facts(self._row, self._now)
        return facts_content([(name, words) for name, words in known if name in _NAMED])

    def _warnings(self) -> list[str]:
        found = [f"Careful: {reason}." for reason in self._demand.reasons]
        if self._demand.ends_session:
            found.append("Without another key this session ends: you will be asked to sign in.")
            if self._answering:
                count = len(self._answering)
                names = ", ".join(f"“{title}”" for title in self._answering[:3])
                found.append(f"{count} {'answer is' if count == 1 else 'answers are'} on the way with it: {names}.")
        return found

    def _label(self, typed: str) -> Content:
        return Content.assemble("To revoke it, type  ", (typed, "bold $text-accent"))

    def on_mount(self) -> None:
        """The answer that changes nothing has the focus."""
        self.query_one("#cancel").focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """The button wakes when it is typed in full."""
        event.stop()
        self.query_one("#revoke", Button).disabled = not self._demand.met_by(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter after the whole name revokes."""
        event.stop()
        if self._demand.met_by(event.value):
            self.dismiss(RevokeAnswer(event.value))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The decision."""
        event.stop()
        match event.button.id:
            case "revoke":
                typed = self.query_one("#typed", Input).value if self._demand.typed else None
                self.dismiss(RevokeAnswer(typed))
            case "rotate":
                self.dismiss(RevokeAnswer(rotate=True))
            case _:
                self.dismiss(None)

    def on_click(self, event: events.Click) -> None:
        """A click outside is a no."""
        if event.widget is self:
            self.dismiss(None)

    def action_cancel(self) -> None:
        """Change nothing."""
        self.dismiss(None)


_MARKS = {
    Fate.WAITING: ("·", "$foreground 50%"),
    Fate.RUNNING: ("…", "$text-accent"),
    Fate.DONE: ("✓", "$text-success"),
    Fate.GONE: ("✓", "$foreground 50%"),
    Fate.FAILED: ("✗", "$text-error"),
}


class RevokeSeveral(Dialog[None]):
    """Lists what will go, revokes it one by one with a mark for each, and again what failed."""

    HELP = "The keys listed were fixed when this opened. One a second is revoked; Stop ends after the one under way."
    DEFAULT_CSS = f"""RevokeSeveral {{ {DIALOG_CSS}
        & > .dialog {{ border-left: thick $error; height: 90%; }}
        .list {{ height: 1fr; min-height: 3; margin-top: 1; background: $panel; padding: 0 1; }}
    }}"""
    BINDINGS: ClassVar = [Binding("escape", "cancel", "Cancel", id="revoke.cancel", tooltip="Change nothing, or stop")]

    def __init__(self, revocation: BulkRevocation, now: float) -> None:
        super().__init__()
        self._revocation, self._now = revocation, now
        self._revoking: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        """The preview, what to type, two buttons."""
        count = len(self._revocation.keys)
        with Vertical(classes="dialog"):
            yield Static(Content(f"Revoke {counted(count, 'key')} for good?"), classes="title")
            with VerticalScroll(classes="list"):
                yield Static(self._lines(), classes="lines")
            yield Static(Content(LAG), classes="note")
            yield Static(self._label(), classes="label")
            yield TextInput(id="typed")
            yield Static(classes="state")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Revoke them", id="revoke", variant="error", compact=True, disabled=True)

    def _label(self) -> Content:
        typed = self._revocation.demand.typed or ""
        return Content.assemble("To revoke them, type  ", (typed, "bold $text-accent"))

    def _lines(self) -> Content:
        lines = []
        for each in self._revocation.keys:
            mark, style = _MARKS[each.fate]
            key = each.row.key
            used = age(each.row.last_used, self._now)
            last = (
                "no recorded use"
                if each.row.last_used is None
                else f"used {used}{'' if used == 'just now' else ' ago'}"
            )
            name = Content(key.name or "without a name").truncate(22, ellipsis=True, pad=True)
            prefix = Content.styled(key.prefix or key.id, "$foreground 60%").truncate(22, ellipsis=True, pad=True)
            line = Content.assemble((f"{mark} ", style), name, " ", prefix, (f" {last}", "$foreground 60%"))
            if each.why:
                line = Content.assemble(line, "\n    ", (each.why, "$text-error"))
            lines.append(line)
        return Content("\n").join(lines)

    def on_mount(self) -> None:
        """The answer that changes nothing has the focus."""
        self.query_one("#cancel").focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """The button wakes when it is typed in full."""
        event.stop()
        self._wake()

    def _wake(self) -> None:
        met = self._revocation.demand.met_by(self.query_one("#typed", Input).value)
        self.query_one("#revoke", Button).disabled = not (met and self._revoking is None and self._revocation.left)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter after the whole phrase begins."""
        event.stop()
        if not self.query_one("#revoke", Button).disabled:
            self._begin()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Begin, again, stop or leave."""
        event.stop()
        if event.button.id == "revoke":
            self._begin()
        else:
            self.action_cancel()

    def action_cancel(self) -> None:
        """Stop what runs; else leave."""
        if self._revoking is not None:
            self._revoking.cancel()
        else:
            self.dismiss(None)

    def _begin(self) -> None:
        if self._revoking is None:
            self._revoking = self._run(self.query_one("#typed", Input).value)

    @work(group="revoke", exit_on_error=False)
    async def _run(self, typed: str) -> None:
        relabel(self.query_one("#cancel", Button), "Stop")
        self._wake()
        try:
            await self._revocation.run(typed, self._progress)
        finally:
            self._revoking = None
            if self.is_mounted:
                self._ended()

    def _progress(self) -> None:
        if self.is_mounted:
            done = len(self._revocation.keys) - len(self._revocation.left)
            self.query_one(".lines", Static).update(self._lines())
            self.query_one(".state", Static).update(Content(f"{done} of {len(self._revocation.keys)} revoked"))

    def _ended(self) -> None:
        self._progress()
        left = len(self._revocation.left)
        relabel(self.query_one("#cancel", Button), "Close")
        relabel(self.query_one("#revoke", Button), f"Go on with {left}" if left else "All are revoked")
        self._wake()
        if not left:
            self.query_one("#cancel").focus()
