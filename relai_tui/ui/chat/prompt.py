"""Where the user writes: grows to ten lines, folds large pastes, recalls earlier prompts, never loses a draft."""

import re
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Static, TextArea

from relai_tui.text import NOTHING, CleanText, clean, clean_input, visible_in_place

FOLD_CHARACTERS, FOLD_LINES = 800, 10
"""A paste larger than either is folded to a token."""
DRAFT_FOLD = 4_000
"""Characters above which a restored draft is folded whole."""

_NEWLINE_KEYS = {"shift+enter", "alt+enter", "shift+\r"}


_LEFT_TO_THE_ROOM = {"select_line", "select_all", "undo", "redo", "cursor_page_up", "cursor_page_down"}
"""TextArea's actions on F6, F7, Ctrl+Z, Ctrl+Y, PgUp and PgDn."""


class Draft(TextArea):
    """The text being written. Enter sends."""

    HELP = (
        "Write here. Enter sends; Ctrl+J or a backslash before Enter makes a new line (Shift+Enter too, where the"
        " terminal can tell it from Enter). Large pastes are folded to a token and sent whole."
    )
    BINDINGS: ClassVar = [
        Binding("enter", "enter", "Send", id="prompt.send", tooltip="Send the prompt"),
        Binding("ctrl+j", "ctrl_j", "New line", id="prompt.newline", tooltip="Start a new line"),
        Binding(
            "up", "up", "Earlier", id="prompt.up", show=False, tooltip="Line up; on the first line, earlier prompts"
        ),
        Binding(
            "down", "down", "Later", id="prompt.down", show=False, tooltip="Line down; on the last line, later prompts"
        ),
        Binding(
            "ctrl+underscore,alt+z", "undo_edit", "Undo", id="prompt.undo", show=False, tooltip="Undo in the prompt"
        ),
    ]
    DEFAULT_CSS = """
    Draft {
        width: 1fr; height: auto; max-height: 10; border: none; padding: 0; background: $surface;
        &:focus { border: none; }
        & .text-area--cursor-line { background: $surface; }
    }
    """

    class Submitted(Message):
        """Enter was pressed on text."""

        def __init__(self, text: CleanText) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, enter_sends: bool, blink: bool) -> None:
        super().__init__(soft_wrap=True, show_line_numbers=False, tab_behavior="focus", highlight_cursor_line=False)
        self.cursor_blink = blink
        self._enter_sends = enter_sends
        self.earlier: tuple[CleanText, ...] = ()
        """Prompts sent before, newest first."""
        self._recalled = -1
        self._kept: CleanText = NOTHING
        self._pastes: dict[str, CleanText] = {}

    # -- the whole text

    @property
    def whole(self) -> CleanText:
        """The text with folded pastes unfolded."""
        text = self.text
        for token, pasted in self._pastes.items():
            text = text.replace(token, pasted)
        return clean(text)

    def put(self, text: CleanText) -> None:
        """Replace what is written, folding what is too large to edit here."""
        self._pastes.clear()
        self._recalled = -1
        self.load_text(self._folded(text) if len(text) > DRAFT_FOLD else text)
        self.move_cursor(self.document.end)

    def _folded(self, text: CleanText) -> str:
        lines = text.count("\n") + 1
        size = f"+{lines} lines" if lines > 1 else f"+{len(text):,} characters"
        token = f"[Pasted #{len(self._pastes) + 1} {size}]"
        self._pastes[token] = text
        return token

    def get_line(self, line_index: int) -> Text:
        """Return a line to draw. Placeholders of hidden characters are as long as these: the cursor stays right."""
        line = super().get_line(line_index)
        if not line.plain.isascii():
            line.plain = visible_in_place(clean(line.plain))
        return line

    # -- keys

    async def _on_key(self, event: events.Key) -> None:
        """Do what the key says at once, in the order of typing.

        Textual inserts characters here, but runs bindings only when the key has bubbled up to the app: by then the
        keys typed next are in the text. On a slow line, where keys come in bunches, Enter would send without its last
        words and Backspace would eat the wrong letter.
        """
        if event.is_printable:
            await super()._on_key(event)
            return
        if event.key in _NEWLINE_KEYS:
            self._insert_newline()
        elif not await self._run_own_binding(event.key):
            return
        event.stop()
        event.prevent_default()

    async def _run_own_binding(self, key: str) -> bool:
        for binding in self._bindings.key_to_bindings.get(key, ()):
            if await self.app.run_action(binding.action, self):
                return True
        return False

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        text = clean_input(event.text)
        if len(text) > FOLD_CHARACTERS or text.count("\n") >= FOLD_LINES:
            text = CleanText(self._folded(text))
        if result := self._replace_via_keyboard(text, *self.selection):
            self.move_cursor(result.end_location)

    def action_enter(self) -> None:
        """Send, or a new line, as the settings say."""
        self.action_submit() if self._enter_sends else self._insert_newline()

    def action_ctrl_j(self) -> None:
        """The other of the two."""
        self._insert_newline() if self._enter_sends else self.action_submit()

    def action_submit(self) -> None:
        """Send; after a backslash, a new line instead."""
        row, column = self.cursor_location
        if column and self.document[row][column - 1] == "\\":
            self.replace("\n", (row, column - 1), (row, column))
            return
        text = self.whole
        if text.strip():
            self.post_message(self.Submitted(text))

    def _insert_newline(self) -> None:
        self._replace_via_keyboard("\n", *self.selection)

    def action_undo_edit(self) -> None:
        """Undo the last edit of the draft."""
        self.undo()

    def action_delete_left(self) -> None:
        """Delete to the left; a folded paste goes as one."""
        row, column = self.cursor_location
        before = self.document[row][:column]
        token = next((token for token in self._pastes if before.endswith(token)), None)
        if token is None or not self.selection.is_empty:
            super().action_delete_left()
            return
        del self._pastes[token]
        self.delete((row, column - len(token)), (row, column))

    def action_up(self) -> None:
        """Line up, or the prompt before."""
        if self.cursor_location[0] == 0 and self.wrapped_document.location_to_offset(self.cursor_location).y == 0:
            self._recall(self._recalled + 1)
        else:
            self.action_cursor_up()

    def action_down(self) -> None:
        """Line down, or the prompt after."""
        last = self.wrapped_document.height - 1
        if self.wrapped_document.location_to_offset(self.cursor_location).y >= last and self._recalled >= 0:
            self._recall(self._recalled - 1)
        else:
            self.action_cursor_down()

    def _recall(self, index: int) -> None:
        if index >= len(self.earlier):
            return
        if self._recalled < 0:
            self._kept = self.whole
        text = self.earlier[index] if index >= 0 else self._kept
        self.put(text)
        self._recalled = index
        if index >= 0:
            self.move_cursor((0, 0))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave to the room the keys that TextArea would take from it."""
        if action in _LEFT_TO_THE_ROOM or (action in ("cursor_up", "cursor_down") and parameters == (True,)):
            return False
        if action in ("cursor_line_end", "delete_right") and not self.text:
            return False  # End scrolls and Ctrl+D quits where there is nothing to edit
        return super().check_action(action, parameters)


class Prompt(Horizontal):
    """The draft with its mark."""

    DEFAULT_CSS = """
    Prompt {
        height: auto; max-height: 10; background: $surface; padding: 0 1 0 0; margin-top: 1;
        & > .mark { width: 3; height: 1; color: $text-primary; text-style: bold; padding: 0 0 0 1; }
    }
    """

    class Changed(Message):
        """The draft is another one now."""

    def __init__(self, *, enter_sends: bool = True, blink: bool = False) -> None:
        """Where Enter does not send, it makes a new line, and Ctrl+J sends."""
        super().__init__()
        self._made = Draft(enter_sends=enter_sends, blink=blink)

    def compose(self) -> ComposeResult:
        """The mark and the draft."""
        yield Static(Content("❯"), classes="mark")
        yield self._made

    @property
    def draft(self) -> Draft:
        """The text area."""
        return self._made

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Tell of it in our own words."""
        event.stop()
        self.post_message(self.Changed())


_COMMAND = re.compile(r"/(?P<name>[a-z]+)(?:\s+(?P<rest>.*))?\Z", re.DOTALL)


def slash_command(text: str) -> tuple[str, str] | None:
    """`/name rest` as (name, rest); None for what is a prompt, as are a path such as /etc/hosts and `//` escapes."""
    found = _COMMAND.match(text.strip())
    return (found["name"], (found["rest"] or "").strip()) if found else None
