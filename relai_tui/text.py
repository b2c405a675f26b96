"""The gate for foreign text: what passes here is safe to draw, log, copy, notify and export.

Terminals execute text. A model, a server, a file or the name of a key may hold escape sequences (CWE-150), bidi
controls that reorder a line, or invisible characters that hide words. `clean` shows all of these as visible marks, so
that nothing passes unseen and nothing passes as a command. It is idempotent: clean text stays as it is.

Only this module makes the two types; a type checker then holds the boundary:

- `CleanText`: any number of lines; the only control characters left are newline and tab.
- `CleanLine`: one line, bounded in length, no tab.
"""

import re
from typing import NewType

CleanText = NewType("CleanText", str)
"""Text without control characters other than newline and tab, bidi controls, invisible tags or lone surrogates."""

CleanLine = NewType("CleanLine", CleanText)
"""Clean text of one line, at most so long as `clean_line` was told."""

NOTHING = CleanLine(CleanText(""))
"""The empty text, clean in both senses."""

LINE_LIMIT = 300
"""Characters kept in a `CleanLine` when no other limit is given."""

_NEWLINES = "\r\n|[\r\x0b\x0c\x85\u2028\u2029]"
_CONTROLS = "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]"
# Bidi controls and isolates, invisible operators, zero-width space and no-break space, interlinear annotation.
# ZWJ and ZWNJ stay: emoji and several scripts are built with them.
_UNSEEN = "[\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]+"
_SURROGATES = "[\ud800-\udfff]"
_FOREIGN = re.compile(f"{_NEWLINES}|{_CONTROLS}|{_UNSEEN}|{_SURROGATES}")
_SPACE = re.compile(r"[\t\n ]+")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def _mark(match: re.Match[str]) -> str:
    found = match[0]
    code = ord(found[0])
    if found == "\r\n" or found in "\r\x0b\x0c\x85\u2028\u2029":
        return "\n"
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    if code < 0xA0:
        return f"‹{code:02X}›"
    return "".join(f"‹{name:04X}›" for name in dict.fromkeys(map(ord, found[:4]))) + ("…" if len(found) > 4 else "")


def _join(match: re.Match[str]) -> str:
    return match[0].encode("utf-16", "surrogatepass").decode("utf-16")


def clean(text: str) -> CleanText:
    """Foreign text as text to show: every line end becomes a newline, everything that acts becomes a visible mark."""
    if text.isascii() and text.isprintable():
        return CleanText(text)
    return CleanText(_FOREIGN.sub(_mark, _PAIR.sub(_join, text)))


def clean_line(text: str, limit: int = LINE_LIMIT) -> CleanLine:
    """Foreign text as one line of at most `limit` characters: space runs become one space, the cut shows as `…`."""
    line = _SPACE.sub(" ", clean(text[: 4 * limit])).strip()
    return CleanLine(CleanText(line if len(line) <= limit else line[: limit - 1] + "…"))


class StreamCleaner:
    """`clean` for text that comes in pieces: the pieces, cleaned, join to what cleaning the whole text would give.

    A CR at the end of a piece waits for its LF, half a surrogate pair for its other half, a run of unseen characters
    for its end (so that its mark is one).
    """

    _WAITS = re.compile(f"(?:\r|[\ud800-\udbff]|{_UNSEEN})\\Z")

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> CleanText:
        """What can be shown now."""
        text = self._held + piece
        if text.isascii() and not text.endswith("\r"):
            self._held = ""
            return clean(text)
        waits = self._WAITS.search(text)
        self._held = waits[0] if waits and len(waits[0]) < 1_000 else ""
        return clean(text[: len(text) - len(self._held)])

    def finish(self) -> CleanText:
        """What was held back, at the end of the text."""
        held, self._held = self._held, ""
        return clean(held)
