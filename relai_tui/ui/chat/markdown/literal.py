"""Text shown as it was typed: what the user wrote, what a model thought."""

import re
from collections import deque
from collections.abc import Iterable, Iterator

from relai_tui.text import visible
from relai_tui.ui.chat.markdown.looks import TEXT, WRAPPED, Looks
from relai_tui.ui.chat.markdown.wrap import Line, Run, cut, wrap

PIECE = 4_000
"""Characters from which a text is drawn in several pieces."""

_PIECES = re.compile(rf"(?s).{{1,{PIECE}}}(?:\n|\Z)|.{{1,{PIECE}}}(?: |\Z)|.{{1,{PIECE}}}")


def literal_pieces(text: str) -> list[tuple[str, bool]]:
    """The text in pieces that are drawn one by one, each with whether it goes on in the middle of a line."""
    pieces: list[tuple[str, bool]] = []
    inside = False
    for match in _PIECES.finditer(text.rstrip("\n")):
        pieces.append((match[0].removesuffix("\n"), inside))
        inside = not match[0].endswith("\n")
    return pieces


def literal_lines(
    text: str, width: int, look: int, *, inside: bool = False, looks: Looks | None = None
) -> Iterator[Line]:
    """The lines of one piece. `looks` lets marks of what cannot be seen be copied as what they stand for."""
    shown = text.expandtabs(4)
    runs: list[Run] = [(visible(shown), look)] if looks is None else looks.runs_of(shown, look)
    lines: Iterable[Line] = cut(runs, wrap("".join(run for run, _ in runs), width, indented=True))
    for line in lines:
        yield [("", WRAPPED), *line] if inside else line
        inside = False


class LastLines:
    """The last lines of a text that grows, kept as it grows: each costs its own length, however long the text."""

    def __init__(self, width: int, look: int, count: int) -> None:
        """`width` in cells; `count`: how many lines are kept."""
        self._width, self._look = width, look
        self._kept: deque[Line] = deque(maxlen=count)
        self._open, self._joint = "", TEXT

    def feed(self, text: str) -> None:
        """More of the text."""
        text = self._open + visible(text.replace("\t", " " * 4))
        parts = wrap(text, self._width, indented=True)
        lines = list(cut([(text, self._look)], parts))
        if self._joint != TEXT:
            lines[0].insert(0, ("", self._joint))
        self._kept.extend(lines[:-1])
        if len(parts) > 1:
            self._joint = parts[-1].joint
        self._open = text[parts[-1].start :]

    def lines(self, count: int) -> list[Line]:
        """The last lines, at most so many of those that are kept."""
        last: list[Line] = [[("", self._joint), (self._open.rstrip(), self._look)]] if self._open.strip() else []
        return [*self._kept, *last][-count:]
