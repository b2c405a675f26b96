"""Runs of text, cut into lines of a width.

Wrapping is greedy, so growing text changes only its last line.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain
from typing import NamedTuple, cast

from rich.cells import cell_len, split_graphemes

from relai_tui.ui.chat.markdown.looks import CUT, TEXT, WRAPPED

Run = tuple[str, int]
"""Text and the number of its look."""
Line = list[Run]
Packed = tuple[str | int, ...]
"""A line as text, number, text, number ...: a tuple of atoms is no work for the garbage collector."""

_SPACE = r" \t\u1680\u2000-\u2006\u2008-\u200a\u205f\u3000"
_KANA_AND_HAN = r"\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_NEVER_FIRST = r"、。，．！？：；）」』】》〉〕］｝ー々ゝゞ・…"


@cache
def _words() -> re.Pattern[str]:
    """A word. A Han character or kana is one of its own, with the punctuation that may not begin a line."""
    return re.compile(rf"\n|[{_SPACE}]+|[{_KANA_AND_HAN}][{_NEVER_FIRST}]*|[^{_SPACE}\n{_KANA_AND_HAN}]+")


class Part(NamedTuple):
    """One line of a wrapped text."""

    start: int
    end: int
    joint: int
    """`TEXT`, or `WRAPPED` or `CUT` when it continues the line before."""


def pack(line: Line) -> Packed:
    """The line, to be kept."""
    return tuple(chain.from_iterable(line))


def unpack(packed: Packed) -> Line:
    """The line, to be painted or compared."""
    return cast(Line, list(zip(packed[::2], packed[1::2], strict=True)))


def cells(line: Iterable[Run]) -> int:
    """How many terminal cells the line fills."""
    return sum(len(text) if text.isascii() else cell_len(text) for text, _ in line)


def fit(text: str, width: int) -> int:
    """How many characters of `text` fit in `width` cells; what is drawn as one is not split, and one always fits."""
    if text.isascii():
        return max(1, width)
    end = used = 0
    # No more than `width` wide ones can fit, but marks of no width may follow each.
    for start, stop, size in split_graphemes(text[: 8 * max(1, width) + 64])[0]:
        if used + size > width and start > 0:
            break
        end, used = stop, used + size
    return max(1, end)


def wrap(text: str, width: int, *, indented: bool = False) -> list[Part]:
    """Where the lines of `text` start and end. `indented`: spaces at the beginning of a row are kept."""
    parts: list[Part] = []
    size = len if text.isascii() else cell_len
    start = end = column = 0
    joint = TEXT
    for match in _words().finditer(text):
        word, at = match[0], match.start()
        if word == "\n":
            parts.append(Part(start, end, joint))
            start, end, column, joint = match.end(), match.end(), 0, TEXT
        elif word[0] in " \t\u3000" or word.isspace():
            if column or (indented and joint == TEXT and size(word) < width):
                column += size(word)
            else:
                start = end = match.end()
        else:
            taken = size(word)
            if column and column + taken > width:
                parts.append(Part(start, end, joint))
                joint = WRAPPED if end < at else CUT
                start, column = at, 0
            while taken > width:
                stop = at + fit(word, width)
                if stop >= match.end():
                    break
                parts.append(Part(start, stop, joint))
                joint, word, start, at = CUT, text[stop : match.end()], stop, stop
                taken = size(word)
            column += taken
            end = match.end()
    return [*parts, Part(start, end, joint)]


def fold(text: str, width: int) -> list[Part]:
    """Where the lines of `text` start and end when every character counts, as in code."""
    parts: list[Part] = []
    start = 0
    while start < len(text):
        end = min(len(text), start + fit(text[start : start + 9 * width + 64], width))
        parts.append(Part(start, end, CUT if start else TEXT))
        start = end
    return parts or [Part(0, 0, TEXT)]


def cut(runs: Sequence[Run], parts: Iterable[Part]) -> Iterator[Line]:
    """The runs, cut into one line for each part."""
    index = offset = 0
    for start, end, joint in parts:
        line: Line = [] if joint == TEXT else [("", joint)]
        while index < len(runs):
            text, look = runs[index]
            low, high = max(0, start - offset), min(len(text), end - offset)
            if low < high:
                line.append((text, look) if high - low == len(text) else (text[low:high], look))
            if offset + len(text) > end:
                break
            offset += len(text)
            index += 1
        yield line
