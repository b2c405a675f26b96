"""Prompt: an editor that grows to ten lines, folds large pastes, recalls earlier prompts and never loses a draft."""

import asyncio
import re
from contextlib import suppress
from dataclasses import replace
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Static, TextArea
from textual.widgets.text_area import Edit, EditResult, Location, Selection

from relai_tui.conversation import NO_DRAFT, DraftText
from relai_tui.text import CleanText, clean, clean_input
from relai_tui.ui.chat.prompt_document import PromptDocument, drawn, inside_unit, unit_after, unit_before
from relai_tui.ui.terminal_input.keys import is_pasted, typed_text

FOLD_CHARACTERS, FOLD_LINES = 800, 10
"""A paste larger than either shows as a block."""
DRAFT_FOLD = 4_000
"""Characters above which a restored draft shows as one block."""

_NEWLINE_KEYS = {"shift+enter", "alt+enter", "shift+\r"}


_LEFT_TO_THE_ROOM = {"select_line", "select_all", "undo", "redo", "cursor_page_up", "cursor_page_down"}
"""TextArea's actions on F6, F7, Ctrl+Z, Ctrl+Y, PgUp and PgDn."""


class Draft(TextArea):
    """Editor of the text being written. Enter sends."""

    HELP = (
        "Write here. Enter sends; Ctrl+J, Alt+Enter or a backslash before Enter makes a new line (Shift+Enter too,"
        " where the terminal can tell it from Enter). Long pastes show as a placeholder but are sent in full."
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
    COMPONENT_CLASSES: ClassVar = {"draft--block"}
    DEFAULT_CSS = """
    Draft {
        width: 1fr; height: auto; max-height: 10; border: none; padding: 0; background: $surface;
        &:focus { border: none; }
        & .text-area--cursor-line { background: $surface; }
        & .draft--block { color: $text-accent; }
    }
    """

    class Submitted(Message):
        """Enter was pressed on text. The editor is empty and locked already."""

        def __init__(self, draft: DraftText) -> None:
            super().__init__()
            self.draft = draft

    class Refused(Message):
        """Enter was pressed on text while the editor is locked. The text stays."""

    def __init__(self, *, enter_sends: bool, blink: bool) -> None:
        super().__init__(soft_wrap=True, show_line_numbers=False, tab_behavior="focus", highlight_cursor_line=False)
        self.cursor_blink = blink
        self._enter_sends = enter_sends
        self.earlier: tuple[CleanText, ...] = ()
        """Prompts sent before, newest first."""
        self.locked = False
        """Whether Enter does not send: a prompt is on its way."""
        self._recalled = -1
        self._kept = NO_DRAFT
        self._parts = PromptDocument()

    # -- the whole text

    @property
    def value(self) -> DraftText:
        """The text as it is meant, and its blocks."""
        return self._parts.draft(self.text)

    @property
    def whole(self) -> CleanText:
        """The text as it is meant."""
        return self._parts.plain(self.text)

    @property
    def selected_text(self) -> str:
        """The selected text as it is meant."""
        return self._parts.plain(super().selected_text)

    def put(self, draft: DraftText) -> None:
        """Replace what is written."""
        self._recalled = -1
        if len(draft.text) > DRAFT_FOLD and not draft.blocks:
            draft = DraftText(draft.text, ((0, len(draft.text)),))
        self.load_text(self._parts.load(draft))
        self.move_cursor(self.document.end)

    def put_before(self, draft: DraftText) -> None:
        """Put text before what is written, which stays as it is."""
        if not draft.text:
            return
        cursor = self.cursor_location
        between = "\n" if self.text else ""
        self.insert(f"{self._parts.add(draft)}{between}", (0, 0))
        if not between or cursor == (0, 0):
            self.move_cursor(self.document.end)

    # -- keys

    async def _on_key(self, event: events.Key) -> None:
        await self.take_key(event)

    async def take_key(self, event: events.Key) -> bool:
        """Do what the key says at once, in the order of typing. Return whether it was for the prompt.

        Textual inserts characters here, but runs bindings only when the key has bubbled up to the app: by then the
        keys typed next are in the text. On a slow line, where keys come in bunches, Enter would send without its last
        words and Backspace would eat the wrong letter.
        """
        typed = typed_text(event)
        if typed is not None:
            self.type(typed)
        elif event.key in _NEWLINE_KEYS or is_pasted(event):
            self._insert_newline()
        elif not await self._run_own_binding(event.key):
            return False
        event.stop()
        event.prevent_default()
        return True

    def type(self, text: str) -> None:
        """Insert typed text at the cursor."""
        self._restart_blink()
        start, end = self.selection
        row, column = start
        encoded, before = self._parts.encode_after(self.document[row][:column] if start == end else "", clean(text))
        self._replace_via_keyboard(encoded, (row, column - before) if before else start, end)

    def paste(self, text: str) -> None:
        """Insert pasted text at the cursor; as a block where it is long."""
        pasted = clean_input(text)
        fold = len(pasted) > FOLD_CHARACTERS or pasted.count("\n") >= FOLD_LINES
        insert = self._parts.fold(pasted) if fold else self._parts.encode(pasted)
        if result := self._replace_via_keyboard(insert, *self.selection):
            self.move_cursor(result.end_location)

    async def caught_up(self, seconds: float = 0.5) -> None:
        """Wait until what was typed so far is in the text. A key with priority overtakes those typed before it."""
        done = asyncio.Event()
        if self.is_running and self.call_later(done.set):
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await done.wait()

    async def _run_own_binding(self, key: str) -> bool:
        for binding in self._bindings.key_to_bindings.get(key, ()):
            if await self.app.run_action(binding.action, self):
                return True
        return False

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self.paste(event.text)

    def action_paste(self) -> None:
        """Paste what was last copied here."""
        self.paste(self.app.clipboard)

    def action_cut(self) -> None:
        """Cut the selection, else the line."""
        edited = self._delete_cursor_line() if self.selection.is_empty else self._delete_via_keyboard(*self.selection)
        if edited is not None:
            self.app.copy_to_clipboard(self._parts.plain(edited.replaced_text))

    def action_enter(self) -> None:
        """Send, or a new line, as the settings say."""
        self.action_submit() if self._enter_sends else self._insert_newline()

    def action_ctrl_j(self) -> None:
        """The other of the two."""
        self._insert_newline() if self._enter_sends else self.action_submit()

    def action_submit(self) -> None:
        """Take the draft, lock the editor and clear it, in one step; after a backslash, a new line instead."""
        row, column = self.cursor_location
        if column and self.document[row][column - 1] == "\\":
            self.replace("\n", (row, column - 1), (row, column))
            return
        draft = self.value
        if not draft.text.strip():
            return
        if self.locked:
            self.post_message(self.Refused())
            return
        self.locked = True
        self.put(NO_DRAFT)
        self.post_message(self.Submitted(draft))

    def _insert_newline(self) -> None:
        self._replace_via_keyboard("\n", *self.selection)

    def action_undo_edit(self) -> None:
        """Undo the last edit of the draft."""
        self.undo()

    # -- blocks and graphemes are units

    def _validate_selection(self, selection: Selection) -> Selection:
        """Keep both ends out of blocks and graphemes."""
        selection = super()._validate_selection(selection)
        came_from = self.selection
        return Selection(
            self._at_edge(selection.start, came_from.start),
            self._at_edge(selection.end, came_from.end),
        )

    def _at_edge(self, location: Location, came_from: Location) -> Location:
        row, column = location
        line = self.document[row]
        if not inside_unit(line, column):
            return location
        start = unit_before(line, column)
        end = unit_after(line, start)
        if came_from[0] == row:
            return row, end if came_from[1] < column else start
        return row, start if column - start < end - column else end

    def get_cursor_left_location(self) -> Location:
        """Return where the unit to the left of the cursor starts."""
        row, column = self.cursor_location
        return (row, unit_before(self.document[row], column)) if column else super().get_cursor_left_location()

    def get_cursor_right_location(self) -> Location:
        """Return where the unit to the right of the cursor ends."""
        row, column = self.cursor_location
        line = self.document[row]
        return (row, unit_after(line, column)) if column < len(line) else super().get_cursor_right_location()

    def edit(self, edit: Edit) -> EditResult:
        """Perform an edit; what it would cut is taken whole."""
        if edit.from_location != edit.to_location:
            top, bottom = self._outside(edit.top, before=True), self._outside(edit.bottom, before=False)
            if (top, bottom) != (edit.top, edit.bottom):
                edit = replace(edit, from_location=top, to_location=bottom)
        return super().edit(edit)

    def _outside(self, location: Location, *, before: bool) -> Location:
        row, column = location
        if row >= self.document.line_count or not inside_unit(self.document[row], column):
            return location
        start = unit_before(self.document[row], column)
        return row, start if before else unit_after(self.document[row], start)

    def get_line(self, line_index: int) -> Text:
        """Return a line to draw, as many cells wide as in the document."""
        line = self.document.get_line(line_index)
        if line.isascii():
            return Text(line, end="", no_wrap=True)
        shown, blocks = drawn(line)
        text = Text(shown, end="", no_wrap=True)
        for start, end in blocks:
            text.stylize(self._block_style, start, end)
        return text

    @property
    def _block_style(self) -> Style:
        return Style(color=self.get_component_rich_style("draft--block").color)

    # -- earlier prompts

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
            self._kept = self.value
        self.put(DraftText(self.earlier[index]) if index >= 0 else self._kept)
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
    """The editor with its sign."""

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
        """The sign and the editor."""
        yield Static(Content("❯"), classes="mark")
        yield self._made

    @property
    def draft(self) -> Draft:
        """The editor."""
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
