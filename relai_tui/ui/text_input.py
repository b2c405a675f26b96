"""Single-line input that takes every character but controls, shows hidden ones and steps by graphemes."""

from rich.text import Text
from textual import events
from textual.widgets import Input

from relai_tui.graphemes import grapheme_after, grapheme_before
from relai_tui.text import clean, visible_in_place
from relai_tui.ui.terminal_input.keys import typed_text


class TextInput(Input):
    """Input in which every character that is no control can be typed, and that pastes all lines as one."""

    async def _on_key(self, event: events.Key) -> None:
        typed = typed_text(event)
        if typed is not None and not event.is_printable:  # else the base class types it
            event.stop()
            event.prevent_default()
            self.replace(typed, *self.selection)

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        if text := one_line(event.text):
            self.replace(text, *self.selection)

    @property
    def _value(self) -> Text:
        text = super()._value
        if not self.password and not text.plain.isascii():
            text.plain = visible_in_place(clean(text.plain))
        return text

    def action_delete_left(self) -> None:
        """Delete the grapheme to the left, or the selection."""
        if self.selection.is_empty:
            self.delete(grapheme_before(self.value, self.cursor_position), self.cursor_position)
        else:
            self.delete_selection()

    def action_delete_right(self) -> None:
        """Delete the grapheme to the right, or the selection."""
        if self.selection.is_empty:
            self.delete(self.cursor_position, grapheme_after(self.value, self.cursor_position))
        else:
            self.delete_selection()

    def action_cursor_left(self, select: bool = False) -> None:
        """Move to the start of the grapheme to the left."""
        super().action_cursor_left(select)
        if not select:
            self.cursor_position = grapheme_before(self.value, self.cursor_position + 1)

    def action_cursor_right(self, select: bool = False) -> None:
        """Move to the end of the grapheme to the right."""
        super().action_cursor_right(select)
        if not select and self.cursor_position:
            self.cursor_position = grapheme_after(self.value, self.cursor_position - 1)


def one_line(text: str) -> str:
    """Return pasted text for a single line: line breaks and tabs become spaces, other controls go."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n").replace("\n", " ").replace("\t", " ")
    return "".join(each for each in lines if each.isprintable() or typed_text(events.Key(each, each)) is not None)
