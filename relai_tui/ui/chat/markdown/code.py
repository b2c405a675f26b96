"""Blocks of code: highlighted line by line, folded, each line padded to the block's width.

Pygments' loop runs here with its state kept between batches of lines, so a block that grows costs its new lines only.
"""

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any

from relai_tui.text import clean_line
from relai_tui.ui.chat.markdown.looks import CODE, SKIPPED, STYLES, Looks
from relai_tui.ui.chat.markdown.memory import Memory
from relai_tui.ui.chat.markdown.wrap import Line, Run, cells, cut, fold

if TYPE_CHECKING:
    from pygments.lexer import Lexer
    from pygments.token import _TokenType

LONGEST = 2_000
"""Characters of a line that is highlighted; a longer one (minified code, data) is drawn plain."""
FLOOD = 8_000
"""Characters of nested code that are coloured in one frame; what comes faster is plain for a moment."""
TAB = 4
"""Columns between tab stops."""

_ROWS = re.compile(r"[^\n]*\n|[^\n]+")
_ROOT = ["root"]


def language_of(info: str) -> str:
    """The language named after a fence; empty for none."""
    words = info.split(maxsplit=1)
    return str(clean_line(words[0], 40)).lower() if words else ""


class CodePainter:
    """Draws code."""

    def __init__(self, looks: Looks, memory: Memory) -> None:
        self._looks, self._memory = looks, memory
        self._plain = looks.named("code")
        self._pad = looks.named("code", copied="")
        self.edge = looks.named("edge", copied="")
        """The look of the line left of code."""
        self._language = looks.named("language", copied=SKIPPED)
        self._kinds: dict[Any, int] = {}
        self._growing: OrderedDict[tuple[str, int], _Growth] = OrderedDict()

    def block(self, text: str, info: str, width: int) -> Iterator[Line]:
        """A whole block of code."""
        return self.begun(self.lines(text, info, width, list(_ROOT)), info, width)

    def growing_block(self, text: str, info: str, width: int) -> Iterator[Line]:
        """A block still being written: lines drawn for an earlier frame are taken from there."""
        growth = self._growing.pop((info, width), None)
        if growth is None or not text.startswith(growth.text):
            growth = _Growth()
        self._growing[info, width] = growth
        if len(self._growing) > 4:
            self._growing.popitem(last=False)
        known = len(growth.text)
        stop = text.rfind("\n", 0, known + FLOOD) + 1 or text.rfind("\n") + 1
        growth.lines += self.lines(text[known:stop], info, width, growth.stack)
        growth.text = text[:stop]
        flooded = len(text) > known + FLOOD  # shown plain now, coloured in the frames that follow
        rest = self.lines(text[stop:], "" if flooded else info, width, list(growth.stack))
        return self.begun(chain(growth.lines, rest), info, width)

    def begun(self, lines: Iterable[Line], info: str, width: int) -> Iterator[Line]:
        """The lines, with what stands above the first: the language, if one is named. Never nothing at all."""
        start: Line = [("", CODE)]
        room = max(4, width - 2)
        if name := language_of(info)[:room]:
            yield [
                *start,
                ("▏", self.edge),
                (" " * (room - cells([(name, 0)])), self._pad),
                (name, self._language),
                (" ", self._pad),
            ]
            start = []
        for line in lines:
            yield [*start, *line]
            start = []
        if start:
            yield [*start, ("▏", self.edge), (" " * (room + 1), self._pad)]

    def lines(self, text: str, info: str, width: int, stack: list[str]) -> Iterator[Line]:
        """Whole lines of code; the lexer's state is read from `stack` and left there."""
        line: Line = []
        column, room = 0, max(4, width - 2)
        for look, value in self._lex(text, info, stack):
            for part in _ROWS.findall(value):
                body = part.rstrip("\n")
                if body:
                    column = self._write(line, body, look, column)
                if len(body) != len(part):
                    yield from self._framed(line, room)
                    line, column = [], 0
        if line:
            yield from self._framed(line, room)

    def highlights(self, info: str) -> bool:
        """Whether code of this language is coloured, so that lexing it in batches may differ from lexing it at once."""
        return self._lexer(info) is not None

    def _write(self, line: Line, text: str, look: int, column: int) -> int:
        for index, part in enumerate(text.split("\t")):
            if index:
                gap = TAB - column % TAB
                line.append((" " * gap, self._looks.copied_as(look, "\t")))
                column += gap
            for drawn, number in self._looks.runs_of(part, look):
                # A separator of lines is no line end in code: it gets a mark, as other hidden characters do.
                run = drawn if drawn != "\n" else f"‹{ord(self._looks[number].copied or drawn):04X}›"
                line.append((run, number))
                column += cells([(run, 0)])
        return column

    def _framed(self, line: Line, room: int) -> Iterator[Line]:
        edge: Run = ("▏", self.edge)
        if (size := cells(line)) <= room:
            yield [edge, *line, (" " * (room - size + 1), self._pad)]
            return
        for made in cut(line, fold("".join(text for text, _ in line), room)):
            yield [edge, *made, (" " * (room - cells(made) + 1), self._pad)]

    def _lex(self, text: str, info: str, stack: list[str]) -> Iterator[tuple[int, str]]:
        lexer = self._lexer(info)
        for long, rows in groupby(_ROWS.findall(text), lambda row: len(row) > LONGEST):
            part = "".join(rows)
            if lexer is None or long:
                yield self._plain, part
            else:
                for kind, value in tokens(lexer, part, stack):
                    yield self._look(kind), value

    def _lexer(self, info: str) -> "Lexer | None":
        name = language_of(info)
        if not name:
            return None

        def make() -> "tuple[Lexer | None]":
            from pygments.lexers import get_lexer_by_name
            from pygments.util import ClassNotFound

            try:
                return (get_lexer_by_name(name),)
            except ClassNotFound:
                return (None,)

        return self._memory.recall(("lexer", name), make)[0]

    def _look(self, kind: "_TokenType") -> int:
        found = self._kinds.get(kind)
        if found is None:
            named: Any = kind
            while str(named) not in STYLES and named.parent is not None:
                named = named.parent
            known = str(named) in STYLES
            found = self._kinds[kind] = self._looks.plus(self._plain, str(named)) if known else self._plain
        return found


class _Growth:
    """What is drawn of a block of code that grows: whole lines, and the lexer's state after them."""

    def __init__(self) -> None:
        self.text = ""
        self.lines: list[Line] = []
        self.stack = list(_ROOT)


def tokens(lexer: "Lexer", text: str, stack: list[str]) -> "Iterator[tuple[_TokenType, str]]":
    """What Pygments says of the text. `RegexLexer`'s loop, with its state taken from `stack` and left there.

    Lexers with a loop of their own see each batch alone.
    """
    from pygments.lexer import RegexLexer
    from pygments.token import Error, Whitespace, _TokenType

    own_loop = not isinstance(lexer, RegexLexer) or (
        type(lexer).get_tokens_unprocessed is not RegexLexer.get_tokens_unprocessed
    )
    if own_loop:
        for _, kind, value in lexer.get_tokens_unprocessed(text):
            yield kind, value
        return
    rules: Any = vars(type(lexer))["_tokens"]  # made when the lexer is; Pygments' own loop reads the same
    at = 0
    while at < len(text):
        for match_at, action, state in rules[stack[-1]]:
            if match := match_at(text, at):
                if type(action) is _TokenType:
                    yield action, match.group()
                elif action is not None:
                    for _, kind, value in action(lexer, match):
                        yield kind, value
                at = match.end()
                _step(stack, state)
                break
        else:
            newline = text[at] == "\n"
            if newline:
                stack[:] = _ROOT
            yield (Whitespace if newline else Error), text[at]
            at += 1


def _step(stack: list[str], state: Any) -> None:
    """Go where a rule of Pygments says: a state's name, `#pop`, `#push`, a number to pop, or several of these."""
    for step in state if isinstance(state, tuple) else () if state is None else (state,):
        if isinstance(step, int):
            del stack[max(1, len(stack) + step if step < 0 else step) :]
        elif step == "#pop":
            del stack[max(1, len(stack) - 1) :]
        else:
            stack.append(stack[-1] if step == "#push" else step)
