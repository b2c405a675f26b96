"""What the model picker and the shelf share: a list in a dialog, narrowed as one types, with the mark beside it."""

from typing import ClassVar, TypeVar

from textual import events
from textual.binding import Binding
from textual.widgets import Input, OptionList

from relai_tui.ui.dialog import Dialog

Chosen = TypeVar("Chosen")


class NarrowedList(Dialog[Chosen | None]):
    """Dismisses with what was chosen, or None. Holds an `Input` and an `OptionList`; the cursor stays in the former."""

    DEFAULT_CSS = """
    NarrowedList {
        align: center middle; background: $background 60%;
        Input, Input:focus { border: none; height: 1; padding: 0 1; background: $panel; }
        OptionList { height: 1fr; border: none; background: $surface; margin-top: 1; scrollbar-size-vertical: 1; }
        .state { height: 1; color: $foreground 60%; padding: 0 1; }
    }
    """
    BINDINGS: ClassVar = [
        Binding("down", "move(1)", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("pagedown", "move(10)", show=False, priority=True),
        Binding("pageup", "move(-10)", show=False, priority=True),
    ]

    def chosen(self, option_id: str) -> Chosen:
        """What the option of that id stands for."""
        raise NotImplementedError

    def typed(self, text: str) -> Chosen | None:
        """What Enter takes where nothing is marked."""
        del text
        return None

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the marked one, else what was typed."""
        event.stop()
        options = self.query_one(OptionList)
        index = options.highlighted
        if index is not None and (option := options.get_option_at_index(index)).id is not None:
            self.dismiss(self.chosen(option.id))
        elif (taken := self.typed(event.value.strip())) is not None:
            self.dismiss(taken)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click."""
        event.stop()
        if event.option_id is not None:
            self.dismiss(self.chosen(event.option_id))

    def on_click(self, event: events.Click) -> None:
        """A click outside changes nothing."""
        if event.widget is self:
            self.dismiss(None)

    def action_cancel(self) -> None:
        """Back, with nothing chosen."""
        self.dismiss(None)

    def action_move(self, by: int) -> None:
        """Move the mark while the cursor stays where one types."""
        options = self.query_one(OptionList)
        for _ in range(abs(by)):
            options.action_cursor_down() if by > 0 else options.action_cursor_up()
