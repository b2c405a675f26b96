"""What is copied of painted lines: the text as it was meant, not as it was laid out."""

import re
from collections.abc import Iterable

from relai_tui.ui.chat.markdown.looks import CUT, SKIPPED, WRAPPED, Looks
from relai_tui.ui.chat.markdown.wrap import Packed

_WORD = re.compile(r"[\w@./:~+\-]+")


def copied_line(looks: Looks, line: Packed, start: int, end: int | None) -> tuple[str, int] | None:
    """What is copied of the characters from `start` to `end`, and the look of the joint to the line above, or 0.

    None: the line was only there for the eye.
    """
    joint = 0
    out: list[str] = []
    at = 0
    for text, number in zip(line[::2], line[1::2], strict=True):
        assert isinstance(text, str)
        assert isinstance(number, int)
        if not text:
            if number in (WRAPPED, CUT):
                joint = number
                out.clear()  # the indent of a line that is joined to the one above
            continue
        low, high = max(start, at), at + len(text) if end is None else min(end, at + len(text))
        if low < high:
            copied = looks[number].copied
            if copied == SKIPPED:
                return None
            out.append(text[low - at : high - at] if copied is None else copied)
        at += len(text)
    return "".join(out), joint


def copied_text(looks: Looks, lines: Iterable[tuple[Packed, int, int | None]]) -> str:
    """Lines, each with the characters selected, as one text: what was wrapped is joined again."""
    out: list[str] = []
    for line, start, end in lines:
        copied = copied_line(looks, line, start, end)
        if copied is None:
            continue
        text, joint = copied
        if out:
            out.append((" " if joint == WRAPPED else "") if joint else "\n")
        out.append(text)
    return "".join(out).strip("\n")


def word_at(text: str, index: int) -> tuple[int, int]:
    """Where the word around a character starts and ends; the character alone, if it is of no word."""
    for match in _WORD.finditer(text):
        if match.start() <= index < match.end():
            return match.span()
    return index, min(index + 1, len(text))
