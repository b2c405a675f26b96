"""Keys as a terminal sends them: what types text, and what was pasted."""

from unicodedata import category

from textual import events

_MODIFIERS = ("alt+", "ctrl+", "super+", "hyper+", "meta+")
_UNTYPED = ("Cc", "Cs", "Cn")
"""Categories of Unicode that no key types: controls, surrogates, what is not assigned."""


class TerminalKey(events.Key):
    """Key read through the input pipeline. Every character that is no control is text to type."""

    __slots__ = ["in_paste"]

    def __init__(self, key: str, character: str | None, *, in_paste: bool = False) -> None:
        super().__init__(key, character)
        self.in_paste = in_paste
        """Whether it is a line end of pasted text: an Enter then does not send."""

    @property
    def is_printable(self) -> bool:
        """Whether it types its character."""
        return typed_text(self) is not None


# Textual finds handlers by this name, not by the base class.
TerminalKey.handler_name = events.Key.handler_name


def typed_text(event: events.Key) -> str | None:
    """Return the text that a key types; None for controls and for keys with Alt, Ctrl and the like.

    Textual's own `is_printable` leaves out what Python does not print: U+3000, U+200C and others that keyboards send.
    """
    character = event.character
    if character is None or event.key.startswith(_MODIFIERS) or category(character[0]) in _UNTYPED:
        return None
    return character


def is_pasted(event: events.Key) -> bool:
    """Return whether a line end was pasted, not pressed."""
    return isinstance(event, TerminalKey) and event.in_paste
