"""Keys and clicks that were meant for a screen that is not shown any more."""

import re
from typing import TYPE_CHECKING
from weakref import ref

from textual import _time, events

from relai_tui.ui.terminal_input.keys import typed_text

if TYPE_CHECKING:
    from textual.geometry import Offset
    from textual.screen import Screen

_EVERYWHERE = re.compile(r"ctrl\+|f\d")
"""Keys that do the same on every screen."""
DOUBLE_CLICK = 0.5
"""Seconds within which a second click in the same place belongs to the first, as in Textual."""


class LateInput:
    """Tells input that is late: read before the screen changed, but dispatched after it.

    The second of two Enters would go to the screen behind the dialog that the first one closed, and could spend money
    there; so would the second click of a double click.
    """

    def __init__(self) -> None:
        self._changed_at = float("-inf")
        self._clicked_at = float("-inf")
        self._clicked: Offset | None = None
        self._clicked_screen: ref[Screen[object]] | None = None
        self._dropping = False

    def screen_changed(self) -> None:
        """Note that another screen is shown from now on."""
        self._changed_at = _time.get_time()

    def is_late_key(self, event: events.Key, *, typing: bool) -> bool:
        """Return whether to drop a key. Text that is typed into a field is kept, and commands that go everywhere."""
        if event.time > self._changed_at or _EVERYWHERE.match(event.key):
            return False
        return event.is_forwarded or not (typing and typed_text(event) is not None)

    def is_late_click(self, event: events.MouseEvent, screen: "Screen[object]") -> bool:
        """Return whether to drop a press or a release: the second click, where the first one changed the screen."""
        if event.is_forwarded:
            return False
        if isinstance(event, events.MouseDown):
            before = self._clicked_screen() if self._clicked_screen is not None else None
            again = self._clicked == event.screen_offset and event.time - self._clicked_at <= DOUBLE_CLICK
            self._dropping = again and before is not screen
            return self._dropping
        if isinstance(event, events.MouseUp):
            self._clicked, self._clicked_at = event.screen_offset, event.time
            if not self._dropping:
                self._clicked_screen = ref(screen)
            return self._dropping
        return False
