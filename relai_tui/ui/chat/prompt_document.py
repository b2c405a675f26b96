"""Document of the prompt: text and blocks.

A block is pasted text that shows as a short label. In the editor's text it stands as its label between two marks, which
no other text can hold; the first mark carries its number. So a block stays itself through motions, deletions and undo,
and is put in the place of its label by position, once.

Characters that the editor cannot hold or that cannot be seen (line separators, bidi controls, invisible ones) stand as
marks of one cell, too, so that the cursor stays right. `plain` gives the text as it was meant.
"""

import re

from relai_tui.conversation import DraftText
from relai_tui.graphemes import grapheme_after, grapheme_before
from relai_tui.text import CleanText, visible_parts

# The last plane of Unicode is for private use. Here it holds marks; such a character in a text becomes a mark itself.
_FIRST_MARK, _LAST_MARK = 0x100000, 0x10EFFF
_FIRST_BLOCK, _LAST_BLOCK, _BLOCK_END = 0x10F000, 0x10FFF0, "\U0010fffd"
_BLOCK = re.compile(f"([{chr(_FIRST_BLOCK)}-{chr(_LAST_BLOCK)}])([^{_BLOCK_END}\n]*){_BLOCK_END}")
_MARK = re.compile(f"[{chr(_FIRST_MARK)}-{chr(_LAST_MARK)}]")
_CONTEXT = re.compile(f"[^{chr(_FIRST_BLOCK)}-{_BLOCK_END}]{{0,16}}\\Z")
"""What can decide how a character is drawn: the end of a line, up to its last block."""
_PRIVATE = re.compile("[\U00100000-\U0010ffff]")

DRAWN_MARK = "\ufffd"
"""Drawn in the place of a character that cannot be seen."""


class PromptDocument:
    """The blocks and marks of one draft. A number is not used again while the draft lives: undo may bring it back."""

    def __init__(self) -> None:
        self._blocks: list[CleanText] = []
        self._marks: dict[str, str] = {}
        self._marked: dict[str, str] = {}

    # -- into the editor

    def encode(self, text: CleanText) -> str:
        """Return text as it stands in the editor."""
        if text.isascii():
            return text
        return "".join(
            _PRIVATE.sub(lambda found: self._mark(found[0]), shown) if data is None else "".join(map(self._mark, data))
            for shown, data in visible_parts(text)
        )

    def encode_after(self, before: str, text: CleanText) -> tuple[str, int]:
        """Return text as it stands after a line so far, and how much of that it takes the place of.

        A joiner or a tag is seen or hidden by what it stands between, and these come one by one.
        """
        encoded = self.encode(text)
        if not before or not (_MARK.match(encoded) or _MARK.match(before[-1])):
            return encoded, 0
        context = _CONTEXT.search(before)
        tail = context[0] if context else ""
        return self.encode(CleanText(self._without_marks(tail) + text)), len(tail)

    def fold(self, text: CleanText) -> str:
        """Add a block. Return how it stands in the editor."""
        number = len(self._blocks)
        if number > _LAST_BLOCK - _FIRST_BLOCK:
            return self.encode(text)
        self._blocks.append(text)
        lines = text.count("\n") + (not text.endswith("\n"))
        size = f"+{lines:,} lines" if lines > 1 else f"+{len(text):,} characters"
        return f"{chr(_FIRST_BLOCK + number)}Pasted #{number + 1} {size}{_BLOCK_END}"

    def load(self, draft: DraftText) -> str:
        """Begin anew with a draft. Return it as it stands in the editor."""
        self._blocks.clear()
        return self.add(draft)

    def add(self, draft: DraftText) -> str:
        """Add another draft. Return it as it stands in the editor."""
        parts, at = [], 0
        for start, end in draft.blocks:
            if at <= start < end <= len(draft.text):
                parts += [self.encode(CleanText(draft.text[at:start])), self.fold(CleanText(draft.text[start:end]))]
                at = end
        return "".join([*parts, self.encode(CleanText(draft.text[at:]))])

    # -- out of it

    def draft(self, text: str) -> DraftText:
        """Return what stands in the editor as text and blocks."""
        parts: list[str] = []
        spans: list[tuple[int, int]] = []
        length = at = 0
        for found in _BLOCK.finditer(text):
            before, block = self._without_marks(text[at : found.start()]), self._block(found)
            start = length + len(before)
            length, at = start + len(block), found.end()
            parts += [before, block]
            spans.append((start, length))
        return DraftText(CleanText("".join([*parts, self._without_marks(text[at:])])), tuple(spans))

    def plain(self, text: str) -> CleanText:
        """Return what stands in the editor, or a part of it, as it is meant."""
        return CleanText(text) if text.isascii() else self.draft(text).text

    # -- how

    def _block(self, found: re.Match[str]) -> str:
        number = ord(found[1]) - _FIRST_BLOCK
        return self._blocks[number] if number < len(self._blocks) else found[2]

    def _mark(self, character: str) -> str:
        if character not in self._marks:
            mark = chr(min(_FIRST_MARK + len(self._marks), _LAST_MARK))
            self._marks[character], self._marked[mark] = mark, character
        return self._marks[character]

    def _without_marks(self, text: str) -> str:
        return text if text.isascii() else _MARK.sub(lambda found: self._marked.get(found[0], ""), text)


def drawn(line: str) -> tuple[str, list[tuple[int, int]]]:
    """Return a line of the editor as it is drawn, character by character, and where its blocks are: (start, end)."""
    blocks = _block_spans(line)
    for start, end in blocks:
        line = f"{line[:start]}[{line[start + 1 : end - 1]}]{line[end:]}"
    return _MARK.sub(DRAWN_MARK, line), blocks


# -- units: what a motion steps over and a deletion takes as one


def unit_before(line: str, column: int) -> int:
    """Return where the block or grapheme starts that ends at the column or holds it."""
    inside = (start for start, end in _block_spans(line) if start < column <= end)
    start = next(inside, None)
    return grapheme_before(line, column) if start is None else start


def unit_after(line: str, column: int) -> int:
    """Return where the block or grapheme ends that starts at the column or holds it."""
    inside = (end for start, end in _block_spans(line) if start <= column < end)
    end = next(inside, None)
    return grapheme_after(line, column) if end is None else end


def inside_unit(line: str, column: int) -> bool:
    """Return whether the column is inside a block or grapheme."""
    if line.isascii() or not 0 < column < len(line):
        return False
    return unit_after(line, unit_before(line, column)) != column


def _block_spans(line: str) -> list[tuple[int, int]]:
    return [] if line.isascii() else [found.span() for found in _BLOCK.finditer(line)]
