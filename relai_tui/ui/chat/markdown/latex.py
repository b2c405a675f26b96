r"""LaTeX in Markdown: kept as it was written, so that it can be read and copied.

Models write formulas between `\(` and `\)`, `\[` and `\]`, `$` or `$$`. Markdown would drop the backslashes and take
`_` and `*` for emphasis. A formula is one token here, delimiters included. Outside of formulas a backslash stays before
brackets, braces, another backslash and the commas and semicolons of spacing commands; all other escapes are Markdown's.
"""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline

_KEPT = frozenset("()[]{}\\,;")
_CLOSING = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}
# As Pandoc reads it, so that "$5 and $6" are prices: no space inside the dollars, no digit after them. What begins with
# a digit must also hold a sign of a formula: "$5 or 6$" is money too.
_DOLLARS = re.compile(r"\$(?![\s$])(?!\d[^$\\^_={}\n]*\$)(?:\\.|[^$\\\n])+?(?<!\s)\$(?![\d$])")
_BEGIN = re.compile(r"(\\\[|\$\$|\\begin\{([A-Za-z]+\*?)\})")


def add_inline(parser: "MarkdownIt") -> None:
    """Teach a parser formulas inside text."""
    parser.inline.ruler.before("escape", "formula", _formula)
    parser.inline.ruler.before("escape", "kept_escape", _kept_escape)


def add_block(parser: "MarkdownIt") -> None:
    """Teach a parser formulas that stand on lines of their own."""
    parser.block.ruler.before(
        "list", "formula", _formula_block, {"alt": ["paragraph", "reference", "blockquote", "list"]}
    )


def _formula(state: "StateInline", silent: bool) -> bool:
    text, start = state.src, state.pos
    if text[start] == "\\" or text.startswith("$$", start):
        closing = _CLOSING.get(text[start : start + 2])
        end = text.find(closing, start + 2, state.posMax) if closing else -1
        if end < 0:
            return False
        end += 2
    elif text[start] == "$" and (match := _DOLLARS.match(text, start, state.posMax)):
        end = match.end()
    else:
        return False
    if not silent:
        state.push("formula", "", 0).content = text[start:end]
    state.pos = end
    return True


def _kept_escape(state: "StateInline", silent: bool) -> bool:
    text, start = state.src, state.pos
    if text[start] != "\\" or start + 1 >= state.posMax or text[start + 1] not in _KEPT:
        return False
    if not silent:
        token = state.push("text_special", "", 0)
        token.content = token.markup = text[start : start + 2]
        token.info = "escape"
    state.pos = start + 2
    return True


def _formula_block(state: "StateBlock", first: int, last: int, silent: bool) -> bool:
    r"""Read `\[`, `$$` or `\begin{…}` at the start of a line, to the line that closes it or to a blank one.

    What its first line closes is left to the paragraph. Only lines before the end decide, so that text that grows is
    read alike.
    """
    if state.is_code_block(first):
        return False
    begin = _BEGIN.match(state.src, state.bMarks[first] + state.tShift[first], state.eMarks[first])
    if begin is None:
        return False
    closing = f"\\end{{{begin[2]}}}" if begin[2] else _CLOSING[begin[1]]
    if state.src.find(closing, begin.end(), state.eMarks[first]) >= 0:
        return False
    if silent:
        return True
    row = first + 1
    while row < last and not state.isEmpty(row) and state.sCount[row] >= state.blkIndent:
        row += 1
        if state.src.find(closing, state.bMarks[row - 1], state.eMarks[row - 1]) >= 0:
            break
    token = state.push("formula_block", "", 0)
    token.content = state.getLines(first, row, state.blkIndent, False)
    token.map = [first, row]
    state.line = row
    return True
