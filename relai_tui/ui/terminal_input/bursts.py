"""Bursts of input: an Enter that came with other text is told from one that was pressed.

A terminal without bracketed paste sends pasted lines as typing, so an Enter in a burst must not send a prompt. A slow
line sends what was typed during a stall as one burst, too, and there the Enter was meant. They are told apart when the
burst is over: several Enters with text between them were pasted. So was text after one Enter that nobody could have
typed in the time since the input before it. Where both are possible the Enter counts as pressed.

Nothing here depends on where reads were cut, only on the time between them.
"""

from dataclasses import dataclass

PRESSED_QUIET = 0.008
"""Seconds of silence after an Enter without text around it: it was pressed."""
BURST_QUIET = 0.025
"""Seconds of silence that end a burst which holds text."""
PASTE_GAP = 0.12
"""Seconds of silence that end a burst which is surely pasted: a terminal sends a long paste in pieces of 4 kB."""
PASTE_QUIET = 0.5
"""Seconds after a pasted burst in which an Enter still belongs to it: a slow line may cut a paste anywhere."""
TYPED_LIMIT = 40
"""Characters, at most, that may have been typed during a stall of the line."""
FASTEST_TYPING = 0.030
"""Seconds a character, faster than which nobody types."""


@dataclass(slots=True)
class Burst:
    """Counts of one burst of input, and the verdict on its Enters."""

    last_before: float = float("-inf")
    """Time of the last input before this burst, in seconds."""
    began: float = 0.0
    last: float = float("-inf")
    """Times of its first and last input."""
    characters: int = 0
    after_enter: int = 0
    """Characters after its first Enter."""
    groups: int = 0
    """Runs of Enters, counted anew after text."""
    pasted: bool = False
    """Whether it holds what nobody types: a bracketed paste, or a tab after an Enter."""
    continues_until: float = float("-inf")
    """Time before which a burst that begins belongs to the pasted one before it."""
    _in_group: bool = False

    def text(self, now: float, *, tab: bool = False) -> None:
        """Count a character."""
        self._mark(now)
        self.characters += 1
        self.after_enter += self.groups > 0
        self.pasted |= tab and self.groups > 0
        self._in_group = False

    def enter(self, now: float) -> None:
        """Count an Enter."""
        self._mark(now)
        self.groups += not self._in_group
        self._in_group = True

    def paste(self, now: float) -> None:
        """Count a bracketed paste."""
        self._mark(now)
        self.pasted, self._in_group = True, False

    def _mark(self, now: float) -> None:
        if not self.characters and not self.groups and not self.pasted:
            self.began = now
        self.last = now

    @property
    def quiet(self) -> float:
        """Seconds of silence that end it."""
        if self.groups > 1 or self.continues:
            return PASTE_GAP
        return BURST_QUIET if self.characters or self.pasted else PRESSED_QUIET

    @property
    def continues(self) -> bool:
        """Whether it goes on with the pasted burst before it."""
        return self.last > float("-inf") and self.began < self.continues_until

    @property
    def was_pasted(self) -> bool:
        """Whether its Enters are new lines of pasted text."""
        if self.continues:
            return True
        if not self.groups:
            return False
        if self.pasted or self.groups > 1:
            return True
        if not self.after_enter:
            return False
        silence = self.began - self.last_before
        return self.characters > TYPED_LIMIT or silence < self.characters * FASTEST_TYPING
