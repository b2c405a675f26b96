"""Foreign text made safe: as data that is kept and sent, and as text that is drawn.

Terminals execute text. A model, a server, a file or the name of a key may hold escape sequences (CWE-150), bidi
controls that reorder a line, or invisible characters that hide words. There are two levels, and a type for each:

- `CleanText`, made by `clean`: data. It is stored, compared, sent, copied, exported and written to files. Only
  characters that can move a terminal are replaced (ESC, other C0 controls but newline and tab, DEL, C1), every line end
  is a newline, and half a surrogate pair is U+FFFD. Everything else is kept as it came.
- `VisibleText`, made by `visible`: text to draw. Bidi controls and other invisible characters become marks such as
  `‹202E›`, and no cell gets more than `MARKS_LIMIT` combining characters. `CleanLine`, made by `clean_line`, is
  visible text of one line, bounded in length.

Only this module makes these types, so the type checker holds the boundary: what draws takes `VisibleText` or
`CleanLine`, what stores takes `CleanText`. All functions are idempotent.
"""

import re
from functools import cache
from typing import NewType

CleanText = NewType("CleanText", str)
"""Data: text without control characters other than newline and tab, and without lone surrogates."""

VisibleText = NewType("VisibleText", CleanText)
"""Text to draw: clean, and without bidi controls, invisible characters and endless combining characters."""

CleanLine = NewType("CleanLine", VisibleText)
"""Text to draw on one line, at most so long as `clean_line` was told."""

NOTHING = CleanText("")
"""The empty text, as data."""

LINE_LIMIT = 300
"""Characters kept in a `CleanLine` when no other limit is given."""

NAME_LIMIT = 300
"""Characters kept of an id, a name or a title."""

MARKS_LIMIT = 12
"""Combining characters drawn on one base. Scripts in use need fewer than eight."""

_NEWLINES = "\r\n|[\r\x0b\x0c\x85]"
_CONTROLS = "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]"
_SURROGATES = "[\ud800-\udfff]"
_FOREIGN = re.compile(f"{_NEWLINES}|{_CONTROLS}|{_SURROGATES}")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_BREAKS = re.compile(r"[\t\n]+")
_SPACE = re.compile(r"[\t\n ]+")

_LINE_ENDS = "\u2028\u2029"
# Soft hyphen, bidi controls and isolates, invisible operators, zero-width spaces, fillers, interlinear annotation,
# formats of shorthand and music, tags.
_INVISIBLE = (
    "\xad\u061c\u115f\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_EMOJI = "\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_TONES = "\U0001f3fb-\U0001f3ff"
_JOINING = (  # scripts written with joiners: from Arabic to N'Ko, India's, Myanmar's, Khmer, Mongolian
    "\u0600-\u0dff\u1000-\u109f\u1780-\u17b3\u17b6-\u180d\u180f-\u18af\u1b00-\u1b7f\ua840-\ua87f\ua8e0-\ua8ff"
    "\ua9e0-\ua9ff\uaa60-\uaa7f\U00010a00-\U00010a5f\U00011000-\U000119ff\U0001e900-\U0001e95f"
)
_WELL_FORMED = "|".join(
    (
        # Flags of subdivisions: a black flag and a region's code in tags.
        "\U0001f3f4[\U000e0061-\U000e007a]{2}[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,3}\U000e007f",
        # Emoji joined to one; the longest in use has four parts.
        f"[{_EMOJI}][\ufe0f{_TONES}]?(?:\u200d[{_EMOJI}][\ufe0f{_TONES}]?){{1,9}}",
        f"(?<=[{_JOINING}])[\u200c\u200d]",
        "(?<=[0-9#*\xa9\xae\u2000-\u200a\u2010-\u2027\u2030-\u205e\u2070-\u3299\U0001f000-\U0001faff])[\ufe0e\ufe0f]",
        f"(?<=[^\\x00-\\x9f{_INVISIBLE}{_SELECTORS}\u200c\u200d])[\ufe00-\ufe0d]",
        "(?<=[\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af])[\U000e0100-\U000e01ef]",
    )
)
_HIDDEN = f"{_INVISIBLE}{_SELECTORS}\u200c\u200d"
_SUSPECT = re.compile(f"[{_LINE_ENDS}{_HIDDEN}]")
# Blocks that have combining characters, so that the exact search is rarely made.
_MAY_COMBINE = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u1fff\u200c\u200d\u20d0-\u20ff\u2cef-\u2cf1\u2d7f\u2de0-\u2dff\u302a-\u302f"
    "\u3099\u309a\ua66f-\uabff\ud7b0-\ud7ff\ufb1e\ufe00-\ufe0f\ufe20-\ufe2f\U000101fd-\U0001ffff\U000e0100-\U000e01ef]"
    f"{{{MARKS_LIMIT + 1}}}"
)


@cache
def _odd() -> re.Pattern[str]:
    """Return the pattern of what is marked, and of what only looks like it. Compiled when needed: it takes 2 ms."""
    return re.compile(f"[{_LINE_ENDS}]|{_WELL_FORMED}|(?P<hidden>[{_HIDDEN}]+)")


def _replaced(match: re.Match[str]) -> str:
    found = match[0]
    code = ord(found[0])
    if found == "\r\n" or found in "\r\x0b\x0c\x85":
        return "\n"
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    return f"‹{code:02X}›"


def _join(match: re.Match[str]) -> str:
    return match[0].encode("utf-16", "surrogatepass").decode("utf-16")


def clean(text: str) -> CleanText:
    """Return foreign text as data: nothing in it moves a terminal, everything else is unchanged."""
    if text.isascii() and text.isprintable():
        return CleanText(text)
    return CleanText(_FOREIGN.sub(_replaced, _PAIR.sub(_join, text)))


def clean_name(text: str, limit: int = NAME_LIMIT) -> CleanText:
    """Return an id, a name or a title as data: on one line, cut at `limit` characters."""
    return CleanText(_BREAKS.sub(" ", clean(text[: 4 * limit]))[:limit])


def clean_input(text: str) -> CleanText:
    """Return what a user brought (an argument, a paste, a file) as data, without a byte order mark before it."""
    return clean(text.lstrip("\ufeff"))


def visible(text: str) -> VisibleText:
    """Return text to draw: what could not be seen becomes a mark, what would pile up on one cell is bounded."""
    if text.isascii() and text.isprintable():
        return VisibleText(CleanText(text))
    return VisibleText(CleanText("".join(drawn for drawn, _ in visible_parts(clean(text)))))


def visible_in_place(text: CleanText) -> VisibleText:
    """Return text to draw where a cursor moves in the data: each hidden character is drawn as one `�`."""
    if text.isascii():
        return VisibleText(text)
    parts = visible_parts(text)
    return VisibleText(CleanText("".join(drawn if data is None else "\ufffd" * len(data) for drawn, data in parts)))


def visible_parts(text: CleanText) -> list[tuple[VisibleText, CleanText | None]]:
    """Return text to draw in parts: each as it is drawn, and the data it stands for; None where they are the same."""
    if text.isascii():
        return [(VisibleText(CleanText(text)), None)]
    if _SUSPECT.search(text) is None:
        return _bounded(text)
    parts: list[tuple[VisibleText, CleanText | None]] = []
    end = 0
    for match in _odd().finditer(text):
        found = match[0]
        if found not in _LINE_ENDS and match["hidden"] is None:
            continue
        if match.start() > end:
            parts += _bounded(text[end : match.start()])
        drawn = "\n" if found in _LINE_ENDS else _mark(found)
        parts.append((VisibleText(CleanText(drawn)), CleanText(found)))
        end = match.end()
    return [*parts, *_bounded(text[end:])]


def _mark(found: str) -> str:
    return "".join(f"‹{ord(each):04X}›" for each in found[:4]) + ("…" if len(found) > 4 else "")


def _bounded(text: str) -> list[tuple[VisibleText, CleanText | None]]:
    """Return the text with `…` for combining characters beyond the limit."""
    if text.isascii() or _MAY_COMBINE.search(text) is None:
        return [(VisibleText(CleanText(text)), None)] if text else []
    parts: list[tuple[VisibleText, CleanText | None]] = []
    end = 0
    for match in _piled().finditer(text):
        start = match.start() + MARKS_LIMIT
        parts.append((VisibleText(CleanText(text[end:start])), None))
        parts.append((VisibleText(CleanText("…")), CleanText(text[start : match.end()])))
        end = match.end()
    return [*parts, (VisibleText(CleanText(text[end:])), None)] if end < len(text) else parts


@cache
def _combining() -> str:
    """Return the class of characters that take no cell: marks, vowels of Hangul, joiners, selectors, skin tones."""
    from unicodedata import category

    marks = "".join(mark for mark in map(chr, range(0x300, 0x1F000)) if category(mark) in ("Mn", "Me"))
    return f"[{marks}\u1160-\u11ff\ud7b0-\ud7ff\u200c\u200d{_SELECTORS}{_TONES}]"


@cache
def _piled() -> re.Pattern[str]:
    """Return the pattern of more combining characters than are drawn."""
    return re.compile(f"{_combining()}{{{MARKS_LIMIT + 1},}}")


@cache
def _leading() -> re.Pattern[str]:
    return re.compile(f"{_combining()}*")


def marks_before(text: str) -> int:
    """Return how many combining characters a text begins with: they are drawn on what stands before it."""
    return 0 if text[:1].isascii() else _leading().match(text).end()  # type: ignore[union-attr]  # matches any text


def clean_line(text: str, limit: int = LINE_LIMIT) -> CleanLine:
    """Return text to draw on one line of at most `limit` characters.

    Runs of spaces become one space; a cut shows as `…`.
    """
    line = _SPACE.sub(" ", visible(text[: 4 * limit])).strip()
    return CleanLine(VisibleText(CleanText(line if len(line) <= limit else line[: limit - 1] + "…")))


class StreamCleaner:
    """`clean` for text that comes in pieces: the pieces, cleaned, join to what cleaning the whole text would give.

    A CR at the end of a piece waits for its LF, half a surrogate pair for its other half.
    """

    _WAITS = re.compile("[\r\ud800-\udbff]\\Z")

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> CleanText:
        """Return what is certain now."""
        text = self._held + piece
        waits = self._WAITS.search(text)
        self._held = waits[0] if waits else ""
        return clean(text[: len(text) - len(self._held)])

    def finish(self) -> CleanText:
        """Return what was held back, at the end of the text."""
        held, self._held = self._held, ""
        return clean(held)


@cache
def _up_to_firm() -> re.Pattern[str]:
    """Return the pattern of a text to its last firm character: drawn alike whatever follows, and a new beginning."""
    return re.compile(
        "(?s:.*)[\x00-\xac\xae-\u02ff\u0370-\u0482\u048a-\u058f\u2010-\u2027\u2030-\u205e\u3000-\u3029\u3041-\u3098"
        "\u309b-\u3296\u3300-\u9fff\uac00-\ud7a3\uff01-\uff9f\U00020000-\U000323af]"
    )


class VisibleStream:
    """`visible` for text that comes in pieces: the pieces join to what `visible` would give of the whole text.

    Emoji and the scripts that join letters wait for the next character of another kind.
    """

    def __init__(self) -> None:
        self._last = ""
        """The character drawn last."""
        self._held: list[str] = []

    def feed(self, piece: CleanText) -> VisibleText:
        """Return what can be drawn now."""
        firm = _up_to_firm().match(piece)
        if firm is None:
            self._held.append(piece)
            return VisibleText(CleanText(""))
        drawn = self._draw("".join((*self._held, firm[0])))
        self._held, self._last = [piece[firm.end() :]], firm[0][-1]
        return drawn

    def finish(self) -> VisibleText:
        """Return what was held back, at the end of the text."""
        drawn = self._draw("".join(self._held))
        self._held, self._last = [], ""
        return drawn

    def _draw(self, text: str) -> VisibleText:
        return VisibleText(CleanText(visible(self._last + text)[len(self._last) :]))
