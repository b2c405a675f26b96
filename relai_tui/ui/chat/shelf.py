"""The shelf: kept conversations, newest first, searched as you type."""

import time
from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from relai_tui.conversation import Conversation
from relai_tui.ui.faults import TellsFaults

Search = Callable[[str], Awaitable[tuple[tuple[Conversation, ...], int]]]
"""Words to the conversations that match, newest first, and how many are kept in all."""


def ago(then: float, now: float) -> str:
    """A time as a short distance from now: `now`, `5 min`, `3 h`, `2 d`, then the date."""
    seconds = max(0.0, now - then)
    if seconds < 60:
        return "now"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min"
    if seconds < 86_400:
        return f"{seconds // 3600:.0f} h"
    if seconds < 7 * 86_400:
        return f"{seconds // 86_400:.0f} d"
    return time.strftime("%Y-%m-%d", time.localtime(then))


class Shelf(TellsFaults, ModalScreen[str | None]):
    """Dismisses with the id of the chosen conversation, or None."""

    HELP = (
        "Type to search titles and everything that was said.\n"
        "Enter opens the marked conversation; opening spends nothing."
    )
    DEFAULT_CSS = """
    Shelf {
        align: center middle; background: $background 60%;
        & > Vertical {
            width: 92; max-width: 96%; height: 84%; padding: 1 1 0 1;
            background: $surface; border-left: thick $secondary;
        }
        Input, Input:focus { border: none; height: 1; padding: 0 1; background: $panel; }
        OptionList { height: 1fr; border: none; background: $surface; margin-top: 1; scrollbar-size-vertical: 1; }
        .state { height: 1; color: $foreground 60%; padding: 0 1; }
    }
    """
    BINDINGS: ClassVar = [
        Binding("escape", "cancel", "Back", id="shelf.back", tooltip="Back to the chat"),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("pagedown", "move(10)", show=False, priority=True),
        Binding("pageup", "move(-10)", show=False, priority=True),
    ]

    def __init__(self, search: Search, current: str | None) -> None:
        super().__init__()
        self._search, self._current = search, current

    def compose(self) -> ComposeResult:
        """The search, the list, a line about it."""
        with Vertical():
            yield Input(placeholder="Search your conversations")
            yield OptionList(markup=False)
            yield Static(Content("looking …"), classes="state")

    def on_mount(self) -> None:
        """Show the newest."""
        self.query_one(Input).focus()
        self._look()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search as it is typed."""
        event.stop()
        self._look()

    @work(exclusive=True, group="shelf", exit_on_error=False)
    async def _look(self) -> None:
        words = self.query_one(Input).value.strip()
        found, kept = await self._search(words)
        options, now = self.query_one(OptionList), time.time()
        width = max(20, options.scrollable_content_region.width - 2)
        options.clear_options()
        options.add_options([Option(self._line(each, now, width), id=each.id) for each in found])
        options.highlighted = 0 if found else None
        self.query_one(".state", Static).update(Content(self._state(words, len(found), kept)))

    def _state(self, words: str, found: int, kept: int) -> str:
        if not kept:
            return "Nothing here yet: what you send is kept, and will be found here."
        if not found:
            return f"Nothing said “{words}” in {kept:,} conversations."
        hidden = f" · {kept - found:,} more: type to search them" if kept > found and not words else ""
        return f"{found:,} {'found' if words else 'newest'}{hidden} · Enter opens, Esc goes back"

    def _line(self, each: Conversation, now: float, width: int) -> Content:
        when = f"{ago(each.updated_at, now):>10}"
        title = Content.assemble(
            ("● " if each.id == self._current else "  ", "$text-success"),
            (each.title or "untitled", "bold" if each.title else "italic"),
        )
        facts = Content.styled(f"{each.model} · {each.turns} turns {when}", "$foreground 50%")
        room = width - facts.cell_length - 2
        line = Content.assemble(title.truncate(room, ellipsis=True, pad=True), "  ", facts)
        if each.excerpt:
            line = Content.assemble(line, "\n    ", (each.excerpt, "italic $foreground 60%"))
        return line

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Open the marked one."""
        event.stop()
        options = self.query_one(OptionList)
        if options.highlighted is not None:
            self.dismiss(options.get_option_at_index(options.highlighted).id)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Open the clicked one."""
        event.stop()
        self.dismiss(event.option_id)

    def on_click(self, event: events.Click) -> None:
        """A click outside changes nothing."""
        if event.widget is self:
            self.dismiss(None)

    def action_cancel(self) -> None:
        """Back to the chat."""
        self.dismiss(None)

    def action_move(self, by: int) -> None:
        """Move the mark while the cursor stays in the search."""
        options = self.query_one(OptionList)
        for _ in range(abs(by)):
            options.action_cursor_down() if by > 0 else options.action_cursor_up()
