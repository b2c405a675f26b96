"""Markdown that grows: what can no longer change is settled and drawn once, only the open end is drawn again.

The rules that keep this both quick and right:

- Only whole lines settle anything. `foo\\n***` looks like a rule until it becomes `***bold***`.
- Every top-level block but the last is final. Of the last one a part is: each line of a fence, each item of a list but
  the last, each row of a table once its columns are fixed, each block in a quote but the last.
- A block that cannot be split is not tried again before it has grown by a quarter, so that it costs n log n.
"""

import re
from collections.abc import Iterable, Iterator

from relai_tui.ui.chat.markdown.definitions import Definitions
from relai_tui.ui.chat.markdown.passage import (
    DEEPEST,
    NO_GAP,
    Painter,
    Passage,
    Tokens,
    blocks_in,
    first_number,
    is_list,
    rows_of,
)
from relai_tui.ui.chat.markdown.table import fitted, hopeless
from relai_tui.ui.chat.markdown.wrap import Line, Packed, pack

PIECE = 2_000
"""Characters taken at once from a flood."""
FIXED_ROWS = 24
"""Rows of a table after which its columns keep their widths until it ends."""
SPLIT_ITEMS = 4
"""Items from which a list's finished ones settle."""
WHOLE = 200_000
"""Characters of a block that is drawn afresh from one parse; a longer one, and a table, is taken in pieces."""
LARGE = 8_000
"""Characters of source from which a block that was not split is drawn afresh in slices instead of at once."""

_FENCE = re.compile(r"( {0,3})(`{3,}|~{3,})[ \t]*(.*)")
_EVER = 1 << 30


class Block:
    """A settled top-level block, or the settled part of the open one. Lines are only added, or all drawn afresh."""

    __slots__ = (
        "_pieces",
        "exact",
        "fence",
        "gap",
        "guess",
        "inside",
        "lines",
        "literal",
        "natural",
        "row",
        "targets",
        "width",
    )

    def __init__(self, row: int, width: int, *, gap: bool, targets: Definitions) -> None:
        self._pieces: list[str] = []
        self.row = row
        """The row of the whole text it begins on."""
        self.width = width
        """What its lines were drawn for; 0 for not at all."""
        self.gap = gap
        """Whether a blank line stands above it."""
        self.targets = targets
        """The link definitions of the whole text."""
        self.lines: list[Packed] = [()] if gap and width else []
        self.exact = True
        """False: a fresh drawing may differ (early column widths, code lexed in batches, links defined later)."""
        self.fence = False
        self.natural: list[int] | None = None
        """Of a table: the widths its columns would like."""
        self.literal: str | None = None
        """For text shown as typed: the name of its look. None for Markdown."""
        self.inside = False
        """Of such text: it goes on in the middle of a line."""
        self.guess = 1
        """How many lines it may have, before it is drawn."""

    @property
    def source(self) -> str:
        """Its Markdown."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""

    def take(self, rows: Iterable[str]) -> None:
        """More of its source."""
        self._pieces.extend(row + "\n" for row in rows)

    def put(self, source: str) -> None:
        """All of its source."""
        self._pieces = [source]

    def estimate(self, width: int) -> None:
        """Guess its lines for a width, while it is not drawn."""
        source = self.source
        self.guess = max(1, self.gap + source.count("\n") + len(source) // (2 * max(1, width)))

    def add(self, lines: Iterable[Line]) -> None:
        """More lines at the end."""
        self.lines.extend(map(pack, lines))


class GrowingMarkdown:
    """A text that grows by `feed` and ends by `finish`. `blocks` holds what is settled; `live` draws the rest."""

    def __init__(
        self,
        painter: Painter,
        *,
        draws: bool = True,
        targets: Definitions | None = None,
        natural: list[int] | None = None,
    ) -> None:
        """`draws` False: the text is only split into blocks, to be drawn when they are looked at."""
        self.blocks: list[Block] = []
        self._painter, self._draws, self._natural = painter, draws, natural
        self._targets = Definitions() if targets is None else targets
        self._tail = ""
        """Source that is not settled."""
        self._row = 0
        """The row of the whole text the tail begins on."""
        self._reset()

    def _reset(self) -> None:
        self._patience = 0
        """How long the tail must be before it is worth trying to settle again."""
        self._block: Block | None = None
        """The open block, where a part of it is settled."""
        self._number: int | None = None
        """Of an open ordered list: the next item's."""
        self._gap = NO_GAP
        """Inside how many quotes a blank line stands before the rest of the open block."""
        self._header = ""
        """An open table's first two rows."""
        self._columns: list[int] | None = None
        """The natural widths its columns were fixed by."""
        self._fence: re.Match[str] | None = None
        """An open fence's first row."""
        self._stack = ["root"]
        """The lexer's state in it."""
        self._begun = False
        """Whether its first line is drawn."""

    def feed(self, text: str) -> None:
        """More text."""
        self._tail += text
        if "\n" in text and len(self._tail) >= self._patience:
            while (stop := self._tail.rfind("\n") + 1) and self._settle(self._tail[:stop]):
                pass

    def finish(self) -> None:
        """The text ends here. Blocks that are not `exact` want to be drawn afresh."""
        if self._tail and not self._tail.endswith("\n"):
            self._tail += "\n"
        if self._fence and (self._tail or not self._begun):
            self._settle_code(self._tail)
        if self._fence is None:
            passage = self._parse(self._tail)
            for group in passage.blocks:
                self._close(passage, group)
            self._take_targets(passage, _EVER)
        elif self._block:
            self._block.exact = not self._painter.code.highlights(self._fence[3])
        self._tail = ""
        self._reset()
        if self._targets:  # a link may stand before its definition
            for block in self.blocks:
                block.exact = block.exact and "[" not in block.source

    def restart(self, painter: Painter) -> str:
        """Draw with another painter from now on. Returns the source of the open block, to be fed again."""
        source = self._tail
        if self._block:
            self.blocks.pop()
            source, self._row = self._block.source + source, self._block.row
        self._painter, self._tail = painter, ""
        self._reset()
        return source

    def live(self) -> list[Line]:
        """The lines of what is not settled."""
        if self._fence:
            return self._live_code(self._fence)
        width = self._painter.width
        out: list[Line] = []
        passage = self._parse(self._tail, growing=True)
        for index, block in enumerate(passage.blocks):
            if index or (self.blocks and not self._block):
                out.append([])
            if index:
                out += passage.draw(block, width)
            elif self._header:
                table = passage.table(block, width, self._columns)
                out += [*table.body(), *table.bottom()]
            else:
                out += passage.draw(block, width, number=self._number, gap=self._gap)
        return out

    def _live_code(self, fence: re.Match[str]) -> list[Line]:
        code, width = self._painter.code, self._painter.width
        # The last row may be about to become the closing one.
        shown = self._tail if self._tail.strip(" " + fence[2][0]) else ""
        lines = code.lines(shown, fence[3], width, list(self._stack))
        return list(lines if self._begun else code.begun(lines, fence[3], width))

    def _parse(self, source: str, *, growing: bool = False) -> Passage:
        return self._painter.parse(source, self._targets, header=self._header, growing=growing)

    def _take_targets(self, passage: Passage, before: int) -> None:
        """Definitions in settled source only: an open `[a]: ht` would be the target for good."""
        for label, entry in passage.definitions.fresh.items():
            if entry["map"][0] < before:
                self._targets.add(label, entry)

    def _begin(self, row: int) -> Block:
        """The open block, or a new one."""
        if self._block is None:
            width = self._painter.width if self._draws else 0
            self._block = Block(row, width, gap=bool(self.blocks), targets=self._targets)
            self.blocks.append(self._block)
        return self._block

    # -- settling

    def _settle(self, source: str) -> bool:
        """Settle what whole lines decide. True: there may be more to settle at once."""
        if self._fence:
            return self._settle_code(source)
        passage = self._parse(source)
        end = rows_of(passage.blocks[-1])[1] if passage.blocks else 0
        definition = max((row for row in passage.definitions.starts() if row >= end), default=-1)
        if definition >= 0:
            return self._settle_before(passage, definition, source)
        if not passage.blocks:
            return False
        for group in passage.blocks[:-1]:
            self._close(passage, group)
        last = passage.blocks[-1]
        start, again = rows_of(last)[0], False
        self._take_targets(passage, start)
        if last[0].type == "fence":
            again = self._open_fence(passage, start, rows_of(last)[1])
            start += again
        elif is_list(last) or last[0].type == "blockquote_open":
            start = self._settle_inside(passage, last)
        elif last[0].type == "table_open":
            start = self._settle_rows(passage, last)
        self._consume(source.split("\n"), max(0, start - passage.preamble))
        small = again or len(self._tail) < PIECE
        self._patience = 0 if small else len(self._tail) * 5 // 4
        return again

    def _settle_before(self, passage: Passage, definition: int, source: str) -> bool:
        """Settle everything before the last definition, which may go on with a title on the next row."""
        for group in passage.blocks:
            self._close(passage, group)
        self._take_targets(passage, definition)
        self._consume(source.split("\n"), max(0, definition - passage.preamble))
        self._patience = 0
        return False

    def _consume(self, rows: list[str], count: int) -> None:
        """The first rows of the tail are settled."""
        self._tail = self._tail[sum(map(len, rows[:count])) + count :]
        self._row += count

    def _open_fence(self, passage: Passage, start: int, end: int) -> bool:
        """Take the first row of a fence that is still open."""
        opening = _FENCE.match(passage.rows[start])
        if not opening or (end - 1 > start and _closes(opening, passage.rows[end - 1])):
            return False
        block = self._begin(self._row + start - passage.preamble)
        block.take(passage.rows[start : start + 1])
        block.fence = True
        self._fence = opening
        return True

    def _settle_code(self, source: str) -> bool:
        assert self._fence
        assert self._block
        rows = source.split("\n")[:-1]
        stop = next((index for index, row in enumerate(rows) if _closes(self._fence, row)), len(rows))
        info, block = self._fence[3], self._block
        if self._draws:
            code, width = self._painter.code, self._painter.width
            lines = code.lines(_dedented(rows[:stop], self._fence), info, width, self._stack)
            block.add(lines if self._begun else code.begun(lines, info, width))
            self._begun = True
        taken = min(stop + 1, len(rows))
        block.take(rows[:taken])
        self._consume(rows, taken)
        if stop == len(rows):
            return False
        block.exact = not self._painter.code.highlights(info)
        self._reset()
        return True

    def _settle_inside(self, passage: Passage, group: Tokens) -> int:
        """Settle all items of a list but the last, all blocks of a quote but the last. Returns the first row left."""
        whole, depth = group, 0
        while group[0].type == "blockquote_open":
            inner = list(blocks_in(group[1:-1]))
            depth += 1
            stop = rows_of(inner[-1])[0] if len(inner) > 1 else 0
            after = rows_of(inner[-1])[1] if inner else rows_of(group)[0]
            stop = max((row for row in passage.definitions.starts() if row >= after), default=stop)
            if stop > rows_of(group)[0]:
                return self._keep(passage, whole, stop, depth, number=None)
            if not inner or depth > DEEPEST:
                return rows_of(whole)[0]
            group = inner[0]
        items = list(blocks_in(group[1:-1])) if is_list(group) else []
        if len(items) < SPLIT_ITEMS:
            return rows_of(whole)[0]
        number = first_number(group) if self._number is None else self._number
        counted = None if number is None else number + len(items) - 1
        return self._keep(passage, whole, rows_of(items[-1])[0], depth, number=counted)

    def _keep(self, passage: Passage, group: Tokens, stop: int, depth: int, *, number: int | None) -> int:
        """Settle the rows of a block before `stop`. `depth`: quotes around the place where it is cut."""
        start = rows_of(group)[0]
        rows = passage.rows[start:stop]
        self._take_targets(passage, stop)
        block = self._begin(self._row + start - passage.preamble)
        if self._draws:
            settled = self._painter.parse("".join(row + "\n" for row in rows), self._targets)
            block.add(settled.draw(settled.blocks[0], self._painter.width, number=self._number, gap=self._gap))
        block.take(rows)
        self._number = number
        self._gap = NO_GAP if rows[-1].strip(" \t>") else depth
        return stop

    def _settle_rows(self, passage: Passage, group: Tokens) -> int:
        """Settle all rows of a table, once there are enough to fix its columns. Returns the first row left."""
        start, end = rows_of(group)
        rows = passage.rows
        columns = sum(token.type == "th_open" for token in group)
        fixed = self._header or self._natural or hopeless(columns, self._painter.width)
        if not fixed and end - start - 2 < FIXED_ROWS:
            return start
        block = self._begin(self._row + start - passage.preamble)
        table = passage.table(group, self._painter.width, self._columns or self._natural) if self._draws else None
        if not self._header:
            block.take(rows[start : start + 2])
            self._header = "".join(row + "\n" for row in rows[start : start + 2])
            if table:
                self._columns = self._natural or table.natural
                block.add(table.top())
        block.take(rows[start + 2 : end])
        if table:
            block.add(table.body())
            block.natural = [max(pair) for pair in zip(table.natural, block.natural or table.natural, strict=True)]
        return end

    def _close(self, passage: Passage, group: Tokens) -> None:
        """The whole of this block is there: settle it."""
        start, end = rows_of(group)
        width = self._painter.width
        block = self._begin(self._row + max(0, start - passage.preamble))
        if self._header:
            self._settle_rows(passage, group)
            if self._draws:
                block.add(passage.table(group, width, self._columns).bottom())
                block.exact = fitted(block.natural or [], width) == fitted(self._columns or [], width)
        else:
            rows = passage.rows[start:end]
            if self._draws:
                drawn = passage
                if sum(map(len, rows)) > LARGE and any(token.type == "fence" for token in group[1:]):
                    # As the last frame showed it; coloured as a whole when there is time.
                    drawn, block.exact = passage.as_growing(), False
                block.add(drawn.draw(group, width, number=self._number, gap=self._gap))
            block.take(rows)
            block.fence = group[0].type == "fence"
        self._reset()


def _closes(opening: re.Match[str], row: str) -> bool:
    """Whether the row closes the fence that was opened so."""
    mark = row.strip(" \t")
    indent = len(row) - len(row.lstrip(" "))
    return len(mark) >= len(opening[2]) and set(mark) == {opening[2][0]} and indent < 4


def _dedented(rows: Iterable[str], opening: re.Match[str]) -> str:
    """The code of a fence, without the spaces its first row is indented by."""
    indent = re.compile(f" {{0,{len(opening[1])}}}")
    return "".join(indent.sub("", row, count=1) + "\n" for row in rows)


def redraw(painter: Painter, block: Block) -> Iterator[None]:
    """Draw a settled block afresh, a piece at each step; its lines change at the last one."""
    lines: list[Packed] = [()] if block.gap else []
    source = block.source
    opening = _FENCE.match(source) if block.fence else None
    if opening:
        rows = source.split("\n")[1:-1]
        if rows and _closes(opening, rows[-1]):
            rows.pop()
        yield from _gather(lines, painter.code.block(_dedented(rows, opening), opening[3], painter.width))
    elif len(source) <= WHOLE and not _is_table(source):
        passage = painter.parse(source, block.targets)
        for group in passage.blocks:
            yield from _gather(lines, passage.draw(group, painter.width))
    else:
        yield from _regrow(painter, block, lines)
    block.lines, block.width, block.exact = lines, painter.width, True


def _is_table(source: str) -> bool:
    """Whether the block may be a table: its second row holds nothing but what a table's does."""
    rows = source.split("\n", 2)
    return len(rows) > 2 and "-" in rows[1] and not rows[1].strip(" \t|:-")


def _gather(lines: list[Packed], drawn: Iterable[Line]) -> Iterator[None]:
    for count, line in enumerate(drawn):
        lines.append(pack(line))
        if count % 16 == 15:
            yield


def _regrow(painter: Painter, block: Block, lines: list[Packed]) -> Iterator[None]:
    """Draw a very long block as if it came in again; a table twice, if its columns would be others."""
    source, natural = block.source, block.natural
    blocks: list[Block] = []
    while True:
        text = GrowingMarkdown(painter, targets=Definitions(block.targets), natural=natural)
        for start in range(0, len(source), PIECE):
            text.feed(source[start : start + PIECE])
            yield
        text.finish()
        blocks, wider = text.blocks, next((grown.natural for grown in text.blocks if grown.natural), None)
        if wider is None or wider == natural or all(grown.exact for grown in blocks):
            break
        natural = wider
    block.natural = natural
    for grown in blocks:
        lines.extend(grown.lines)
