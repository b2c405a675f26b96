"""The shelf: kept conversations, newest first, searched as you type."""

import time
from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from relai_tui.conversation import Conversation
from relai_tui.counts import counted
from relai_tui.ui.chat.narrowed_list import NarrowedList
from relai_tui.ui.text_input import TextInput

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


class Shelf(NarrowedList[str]):
    """Dismisses with the id of the chosen conversation, or None."""

    HELP = (
        "Type to search titles and everything that was said.\n"
        "Enter opens the marked conversation; opening spends nothing."
    )
    DEFAULT_CSS = """
    Shelf {
        & > Vertical {
            width: 92; max-width: 96%; height: 84%; padding: 1 1 0 1;
            background: $surface; border-left: thick $secondary;
        }
    }
    """
    BINDINGS: ClassVar = [
        Binding("escape", "cancel", "Back", id="shelf.back", tooltip="Back to the chat"),
    ]

    def __init__(self, search: Search, current: str | None) -> None:
        super().__init__()
        self._search, self._current = search, current

    def compose(self) -> ComposeResult:
        """The search, the list, a line about it."""
        with Vertical():
            yield TextInput(placeholder="Search your conversations")
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
            return f"Nothing said “{words}” in {counted(kept, 'conversation')}."
        hidden = f" · {kept - found:,} more: type to search them" if kept > found and not words else ""
        return f"{found:,} {'found' if words else 'newest'}{hidden} · Enter opens, Esc goes back"

    def _line(self, each: Conversation, now: float, width: int) -> Content:
        when = f"{ago(each.updated_at, now):>10}"
        title = Content.assemble(
            ("● " if each.id == self._current else "  ", "$text-success"),
            (each.title or "untitled", "bold" if each.title else "italic"),
        )
        facts = Content.styled(f"{each.model} · {counted(each.turns, 'turn')} {when}", "$foreground 50%")
        room = width - facts.cell_length - 2
        line = Content.assemble(title.truncate(room, ellipsis=True, pad=True), "  ", facts)
        if each.excerpt:
            line = Content.assemble(line, "\n    ", (each.excerpt, "italic $foreground 60%"))
        return line

    def chosen(self, option_id: str) -> str:
        """The conversation of that line."""
        return option_id
