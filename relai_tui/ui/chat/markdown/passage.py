"""Markdown as lines, for one width: a passage of source is parsed into blocks, a block drawn line by line.

How a block looks depends on its own source alone (a blank line between two list items is there when the source has
one, numbers count on from the first), so what is drawn once stays right whatever comes after it.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from relai_tui.ui.chat.markdown import latex
from relai_tui.ui.chat.markdown.code import CodePainter
from relai_tui.ui.chat.markdown.definitions import Definitions, Parsed
from relai_tui.ui.chat.markdown.inline import InlinePainter
from relai_tui.ui.chat.markdown.looks import TEXT, Looks
from relai_tui.ui.chat.markdown.memory import Memory
from relai_tui.ui.chat.markdown.table import Table
from relai_tui.ui.chat.markdown.wrap import Line, Run, cut, wrap

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.token import Token

DEEPEST = 30
"""Quotes and lists inside one another that are drawn as such; what is deeper is shown as its source."""
NARROWEST = 8
"""Cells that text keeps, however deep it stands."""
NO_GAP = -1
"""No blank line."""
_REMEMBERED = 2_000

Tokens = Sequence["Token"]
"""The tokens of one block."""


def blocks_in(tokens: Tokens) -> Iterator[Tokens]:
    """The blocks one level down, each as its own run of tokens."""
    depth = start = 0
    for index, token in enumerate(tokens):
        depth += token.nesting
        if depth == 0:
            yield tokens[start : index + 1]
            start = index + 1


def rows_of(tokens: Tokens) -> tuple[int, int]:
    """The rows of the source a block stands on: the first, and the one after the last."""
    start, end = tokens[0].map or (0, 0)
    return start, end


def is_list(tokens: Tokens) -> bool:
    """Whether the block is a list."""
    return tokens[0].type in ("bullet_list_open", "ordered_list_open")


def first_number(tokens: Tokens) -> int | None:
    """The number of a list's first item; None for bullets."""
    if tokens[0].type != "ordered_list_open":
        return None
    start = tokens[0].attrGet("start")
    return 1 if start is None else int(start)


@cache
def _parser() -> "MarkdownIt":
    """The parser of blocks alone; the text in them is parsed when it is drawn."""
    from markdown_it import MarkdownIt

    # Deep enough that a block at DEEPEST is always there: a list item takes two levels.
    parser = MarkdownIt("gfm-like", {"html": False, "maxNesting": 4 * DEEPEST})
    parser.core.ruler.enableOnly(["normalize", "block"])
    parser.block.ruler.at("reference", _reference)
    latex.add_block(parser)
    return parser


def _reference(state: "StateBlock", first: int, last: int, silent: bool) -> bool:
    """Read a link definition. `[^1]: …` is none: a footnote is text to be read."""
    from markdown_it.rules_block import reference

    start = state.bMarks[first] + state.tShift[first]
    return not state.src.startswith("[^", start) and reference(state, first, last, silent)


class Painter:
    """All that drawing needs for one width: parsers, looks, and what is remembered."""

    def __init__(self, width: int, looks: Looks) -> None:
        """`width` in cells."""
        self.width, self.looks = width, looks
        self.memory = Memory()
        self.inline = InlinePainter(looks, self.memory)
        self.code = CodePainter(looks, self.memory)

    def parse(self, source: str, targets: Mapping[str, Any], *, header: str = "", growing: bool = False) -> "Passage":
        """The blocks of the source.

        `header`: rows put before it because it goes on from there. `targets`: link definitions known from elsewhere;
        left untouched. `growing`: it is the end of a text that grows, and will be drawn again with more.
        """
        known = targets if isinstance(targets, Definitions) else Definitions.of(targets)
        definitions = Parsed(known)
        whole = header + source
        tokens = _parser().parse(whole, definitions.environment)
        return Passage(
            self, whole.split("\n"), list(blocks_in(tokens)), definitions, preamble=header.count("\n"), growing=growing
        )


class Passage:
    """A stretch of source, parsed."""

    def __init__(
        self,
        painter: Painter,
        rows: list[str],
        blocks: list[Tokens],
        definitions: Parsed,
        *,
        preamble: int,
        growing: bool,
    ) -> None:
        self.rows = rows
        self.blocks = blocks
        self.preamble = preamble
        """How many of the rows are a header that was put before."""
        self.definitions = definitions
        """The link definitions known here, old ones and new."""
        self._painter, self._growing = painter, growing
        looks = painter.looks
        self._bar: Run = ("▎ ", looks.named("bar", copied=""))
        self._mark = looks.named("mark")
        self._rule = looks.named("rule", copied="---")
        self._indent = looks.named("text", copied="")

    def draw(
        self, block: Tokens, width: int, *, number: int | None = None, gap: int = NO_GAP, depth: int = 0
    ) -> Iterator[Line]:
        """The lines of a block.

        Where the block goes on from one that was begun before this passage: `number` is its first item's, and `gap`
        says inside how many quotes a blank line stands between the two.
        """
        head = block[0]
        if gap == 0:
            yield []
        if depth >= DEEPEST:
            yield from self._source(block, width)
        elif head.type == "paragraph_open":
            yield from self._flow(block[1].content, width, TEXT)
        elif head.type == "heading_open":
            yield from self._flow(block[1].content, width, self._painter.looks.named(head.tag))
        elif head.type == "hr":
            yield [("─" * width, self._rule)]
        elif head.type == "formula_block":
            yield from self._painter.inline.literal(head.content, width)
        elif head.type in ("fence", "code_block"):
            code = self._painter.code
            yield from (code.growing_block if self._growing else code.block)(head.content, head.info, width)
        elif head.type == "blockquote_open":
            inner = max(NARROWEST, width - 2)
            for line in self._children(block[1:-1], inner, depth + 1, number=number, gap=max(NO_GAP, gap - 1)):
                yield [self._bar, *line]
        elif is_list(block):
            start = first_number(block) if number is None else number
            for index, item in enumerate(blocks_in(block[1:-1])):
                counted = None if start is None else start + index
                yield from self.item(item, width, counted, gap=index > 0 and self.after_blank(item), depth=depth)
        elif head.type == "table_open":
            table = self.table(block, width)
            yield from table.top()
            yield from table.body()
            yield from table.bottom()

    def as_growing(self) -> "Passage":
        """The same, drawn as while it grew: nested code is taken from what was drawn before."""
        return Passage(self._painter, self.rows, self.blocks, self.definitions, preamble=self.preamble, growing=True)

    def item(self, item: Tokens, width: int, number: int | None, *, gap: bool, depth: int = 0) -> Iterator[Line]:
        """The lines of one list item, with its mark."""
        start, end = rows_of(item)
        source = "\n".join(self.rows[start:end])
        if len(source) > _REMEMBERED:
            yield from self._item(item, width, number, gap=gap, depth=depth)
            return
        key = ("item", source, item[0].markup, width, number, gap, depth, self._growing, self.definitions.key(source))
        yield from self._painter.memory.recall(key, lambda: list(self._item(item, width, number, gap=gap, depth=depth)))

    def table(self, block: Tokens, width: int, natural: Sequence[int] | None = None) -> Table:
        """The table of a block of that type."""
        painter = self._painter
        return Table(
            block,
            width,
            self.definitions,
            inline=painter.inline,
            looks=painter.looks,
            memory=painter.memory,
            natural=natural,
        )

    def after_blank(self, block: Tokens) -> bool:
        """Whether the row above the block is blank, but for the marks of quotes."""
        line, _ = rows_of(block)
        return line > 0 and not self.rows[line - 1].strip(" \t>")

    def _item(self, item: Tokens, width: int, number: int | None, *, gap: bool, depth: int) -> Iterator[Line]:
        typed = item[0].markup or "-"
        mark = "• " if number is None else f"{number}{typed} "
        look = self._painter.looks.copied_as(self._mark, f"{typed} ") if number is None else self._mark
        lead: Run = (mark, look)
        if gap:
            yield []
        for line in self._children(item[1:-1], max(NARROWEST, width - len(mark)), depth + 1):
            yield [lead, *line]
            lead = (" " * len(mark), TEXT)
        if lead[0] == mark:
            yield [lead]

    def _children(
        self, tokens: Tokens, width: int, depth: int, *, number: int | None = None, gap: int = NO_GAP
    ) -> Iterator[Line]:
        for index, block in enumerate(blocks_in(tokens)):
            if index:
                yield from self.draw(block, width, gap=0 if self.after_blank(block) else NO_GAP, depth=depth)
            else:
                yield from self.draw(block, width, number=number, gap=gap, depth=depth)

    def _flow(self, content: str, width: int, base: int) -> Iterator[Line]:
        return self._painter.inline.flow(content, width, base, self.definitions)

    def _source(self, block: Tokens, width: int) -> Iterator[Line]:
        start, end = rows_of(block)
        for row in self.rows[start:end]:
            text = row.strip()
            yield from cut([(text, self._painter.looks.named("dim"))], wrap(text, width))
