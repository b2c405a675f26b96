"""Writing a receipt to a file whose place the user sees and may change."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, RadioButton, RadioSet, Static

from relai_tui.account import NoCredential
from relai_tui.api.errors import RelaiError
from relai_tui.balance.receipts import as_csv, as_markdown
from relai_tui.counts import counted
from relai_tui.credentials.errors import CredentialError
from relai_tui.spending.receipt_file import write_receipt
from relai_tui.store.errors import StoreError
from relai_tui.text import CleanLine, clean_line
from relai_tui.ui.balance.lines import Period
from relai_tui.ui.dialog import Dialog
from relai_tui.ui.text_input import TextInput

if TYPE_CHECKING:
    from relai_tui.spending.desk import BalanceDesk


@dataclass(frozen=True, slots=True)
class What:
    """What a receipt is of: a period, or a conversation."""

    period: Period
    conversation: str | None = None
    """An id."""
    title: str = ""
    """The conversation's."""


class ExportReceipt(Dialog[CleanLine | None]):
    """Dismisses with where the receipt is now, or None where none was written. Sends nothing but reads."""

    HELP = "A receipt joins your answers with the server's requests and movements of the credits. Only you can read it."
    DEFAULT_CSS = """
    ExportReceipt {
        align: center middle; background: $background 60%;
        & > .dialog {
            width: 76; max-width: 96%; height: auto; max-height: 96%; padding: 1 2; background: $surface;
            border-left: thick $primary; scrollbar-size-vertical: 1;
        }
        .title { text-style: bold; }
        .label { color: $foreground 60%; margin-top: 1; }
        Input, Input:focus { border: none; height: 1; padding: 0 1; background: $panel; }
        Input:focus { background: $primary 20%; }
        RadioSet, RadioSet:focus { border: none; background: $surface; layout: horizontal; height: 1; padding: 0; }
        RadioButton { border: none; background: $surface; margin-right: 2; padding: 0; }
        .state { height: auto; min-height: 1; margin-top: 1; color: $foreground 70%; }
        .state.-bad { color: $text-error; }
        .buttons { height: auto; align-horizontal: right; margin-top: 1; }
        Button { margin-left: 2; }
    }
    """
    BINDINGS: ClassVar = [Binding("escape", "cancel", "Cancel", id="export.cancel", tooltip="Write nothing")]

    def __init__(self, desk: "BalanceDesk", what: What, folder: Path) -> None:
        super().__init__()
        self._desk, self._what, self._folder = desk, what, folder
        self._may_replace: Path | None = None
        self._busy = False

    def compose(self) -> ComposeResult:
        """The form."""
        what = self._what
        of = f"“{what.title}”" if what.conversation else f"the last {what.period.words}"
        with VerticalScroll(classes="dialog", can_focus=False):
            yield Static(Content(f"Export a receipt of {of}"), classes="title")
            yield Static(Content("File, readable by you alone"), classes="label")
            yield TextInput(value=str(self._folder / self._file_name("csv")), id="path", select_on_focus=False)
            yield Static(Content("As"), classes="label")
            with RadioSet(id="format"):
                yield RadioButton("CSV, for a spreadsheet", value=True, id="csv")
                yield RadioButton("Markdown, to read", id="md")
            yield Static(classes="state")
            with Horizontal(classes="buttons"):
                yield Button("Write it", id="write", variant="primary", compact=True)
                yield Button("Cancel", id="cancel", compact=True)

    def on_mount(self) -> None:
        """The path first: Enter takes it as it is."""
        self.query_one("#path").focus()

    def _file_name(self, ending: str) -> str:
        now = datetime.fromtimestamp(self._desk.clock(), self._desk.zone)
        part = "conversation" if self._what.conversation else self._what.period.value
        return f"relai-receipt-{part}-{now:%Y-%m-%d}.{ending}"

    @on(RadioSet.Changed, "#format")
    def _format_chosen(self, event: RadioSet.Changed) -> None:
        event.stop()
        field = self.query_one("#path", Input)
        path = Path(field.value)
        if path.suffix in (".csv", ".md"):
            field.value = str(path.with_suffix(f".{event.pressed.id}"))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter writes."""
        event.stop()
        self._export()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Write, or not."""
        event.stop()
        if event.button.id == "write":
            self._export()
        else:
            self.action_cancel()

    def action_cancel(self) -> None:
        """Write nothing."""
        self.workers.cancel_group(self, "export")
        self.dismiss(None)

    def _export(self) -> None:
        typed = self.query_one("#path", Input).value.strip()
        if not typed:
            self._say("Name a file.", bad=True)
        elif not self._busy:
            self._write(Path(typed).expanduser().absolute())

    @work(group="export", exclusive=True, exit_on_error=False)
    async def _write(self, path: Path) -> None:
        self._busy = True
        try:
            words = await self._written(path)
        finally:
            self._busy = False
        if words is not None:
            self.dismiss(words)

    async def _written(self, path: Path) -> CleanLine | None:
        desk, what = self._desk, self._what
        since = desk.clock() - what.period.seconds
        try:
            if what.conversation:
                since = await desk.began(what.conversation) or since
            await desk.sync_usage(self._progress, since=since)
            rows = await desk.receipt(since, conversation=what.conversation)
            chosen = self.query_one("#format", RadioSet).pressed_button
            as_text = as_markdown if chosen is not None and chosen.id == "md" else as_csv
            text = await asyncio.to_thread(as_text, rows)
            await asyncio.to_thread(write_receipt, path, text, replace=self._may_replace == path)
        except FileExistsError:
            self._may_replace = path
            self._say("There is such a file. Enter again replaces it.", bad=True)
        except (RelaiError, NoCredential, CredentialError, StoreError) as error:
            self._say(f"Nothing was written. {error}", bad=True)
        except OSError as error:
            self._say(f"It could not be written: {error.strerror or error}.", bad=True)
        else:
            return clean_line(f"{counted(len(rows), 'row')} written to {path}", 400)
        return None

    def _progress(self, done: int, total: int | None) -> None:
        self._say(f"Reading requests … {done:,}" + (f" of {total:,}" if total else ""))

    def _say(self, words: str, *, bad: bool = False) -> None:
        state = self.query_one(".state", Static)
        state.set_class(bad, "-bad")
        state.update(Content(clean_line(words, 600)))
