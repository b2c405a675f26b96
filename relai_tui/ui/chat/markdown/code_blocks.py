"""The blocks of code in a text, to step through and to copy."""

from typing import NamedTuple

from relai_tui.ui.chat.markdown.looks import CODE
from relai_tui.ui.chat.markdown.passage import Painter
from relai_tui.ui.chat.markdown.wrap import Packed


class CodeBlock(NamedTuple):
    """One block of code in a text."""

    row: int
    """The row of the text it begins on."""
    code: str


def code_blocks(painter: Painter, text: str) -> list[CodeBlock]:
    """All blocks of code, those inside lists and quotes too."""
    passage = painter.parse(text, {})
    return [
        CodeBlock(token.map[0] if token.map else 0, token.content)
        for block in passage.blocks
        for token in block
        if token.type in ("fence", "code_block")
    ]


def drawn_code(lines: list[Packed], edge: int, nth: int) -> tuple[int, int] | None:
    """The lines of the nth block of code among drawn ones: the first, and the one after the last."""
    starts = [index for index, line in enumerate(lines) if CODE in line[1::2]]
    if nth >= len(starts):
        return None
    start = end = starts[nth]
    limit = starts[nth + 1] if nth + 1 < len(starts) else len(lines)
    while end < limit and edge in lines[end][1::2]:
        end += 1
    return start, end
