"""A turn as lines: its heading, its thoughts, its blocks, its footer; and all turns of a conversation.

Heights of what was never drawn are estimated, so a conversation of ten thousand turns opens as fast as one of ten.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from itertools import accumulate

from relai_tui.conversation import Role, ToolCall, Turn, TurnState
from relai_tui.counts import counted
from relai_tui.text import CleanText, clean_line
from relai_tui.ui.chat.captions import figures_text, heading_text, state_text, thought_text
from relai_tui.ui.chat.markdown.definitions import Definitions
from relai_tui.ui.chat.markdown.growing import PIECE, Block, GrowingMarkdown, redraw
from relai_tui.ui.chat.markdown.literal import LastLines, literal_lines, literal_pieces
from relai_tui.ui.chat.markdown.looks import SKIPPED
from relai_tui.ui.chat.markdown.passage import Painter
from relai_tui.ui.chat.markdown.wrap import Line, Packed, cut, pack, wrap

THINKING_LINES = 6
"""Lines of reasoning shown while it streams."""
THINKING_OPEN_LINES = 120
"""The same, unfolded. All of it is there once the answer begins."""
ARGUMENT_LINES = 12
"""Lines of a tool call's arguments that are shown."""


class Entry:
    """One turn on the screen."""

    def __init__(self, turn: Turn, *, live: bool = False) -> None:
        self.turn = turn
        self.live = live
        self.unfolded = False
        """Whether the reasoning is shown in full."""
        self.opened = False
        """Whether it is made of blocks; before, its height is estimated."""
        self.lead: list[Packed] = []
        self.blocks: list[Block] = []
        self.starts: list[int] = []
        """The line each block starts at."""
        self.tail: list[Packed] = []
        self.pending: deque[str] = deque()
        """Text that came and is not taken yet."""
        self.dirty = False
        """Whether what is shown is older than what is known."""
        self.final: Turn | None = None
        """The last state, once it is known; it is taken when nothing is pending."""
        self._growing: GrowingMarkdown | None = None
        self._taken = 0
        self._thoughts = 0
        """How many of the blocks, at the start, are reasoning."""
        self._height = 0
        self._shown = 0
        """The end of the blocks at the last frame."""
        self._reasoning: list[str] = [turn.reasoning] if turn.reasoning else []
        self._text: list[str] = [turn.text] if turn.text else []
        self._rows = turn.text.count("\n")
        self._words: int | None = None
        self._thinking: LastLines | None = None
        """The end of the reasoning, while it streams."""
        self._thinking_since: float | None = None
        self.thinking_seconds: float | None = None
        """How long the reasoning took, where it was watched."""
        if live and turn.text:
            self.pending.append(turn.text)

    # -- what it says

    @property
    def text(self) -> CleanText:
        """The turn's text so far."""
        if len(self._text) > 1:
            self._text = ["".join(self._text)]
        return CleanText(self._text[0] if self._text else "")

    @property
    def reasoning(self) -> CleanText:
        """The turn's reasoning so far."""
        if len(self._reasoning) > 1:
            self._reasoning = ["".join(self._reasoning)]
        return CleanText(self._reasoning[0] if self._reasoning else "")

    @property
    def literal(self) -> bool:
        """Whether its text is shown as typed."""
        return self.turn.role is not Role.ASSISTANT

    # -- how high it is

    @property
    def height(self) -> int:
        """Its lines; an estimate while it is not opened."""
        return self._body_end + len(self.tail) if self.opened else self._height

    @property
    def _body_end(self) -> int:
        return self.starts[-1] + height_of(self.blocks[-1]) if self.blocks else len(self.lead)

    def estimate(self, width: int) -> None:
        """Guess the height of an entry that is not opened."""
        self._height = 3 + len(self.turn.text) // max(1, width) + self._rows + (0 if self.literal else 2)

    def recount(self) -> None:
        """Blocks changed their height."""
        heights = [height_of(block) for block in self.blocks]
        self.starts = list(accumulate(heights[:-1], initial=len(self.lead))) if heights else []

    def line(self, index: int) -> tuple[Packed, Block | None, int]:
        """One line, the block it is of, and the line that block starts at."""
        if not self.opened:
            return (), None, 0
        if index < len(self.lead):
            return self.lead[index], None, 0
        if index >= (end := self._body_end):
            return (self.tail[index - end] if index - end < len(self.tail) else ()), None, 0
        at = bisect_right(self.starts, index) - 1
        block, start = self.blocks[at], self.starts[at]
        return (block.lines[index - start] if index - start < len(block.lines) else ()), block, start

    def between(self, top: int, bottom: int) -> Iterator[Block]:
        """The blocks between two of its lines."""
        for at in range(max(0, bisect_right(self.starts, top) - 1), len(self.blocks)):
            if self.starts[at] >= bottom:
                return
            yield self.blocks[at]

    def block_range(self, block: Block) -> tuple[int, int]:
        """The lines of a block: its first, and the one after its last."""
        start = self.starts[self.blocks.index(block)]
        return start, start + height_of(block)

    # -- from closed to drawn

    def open(self, painter: Painter) -> Iterator[None]:
        """Split it into blocks, a piece at each step. They are drawn when they are looked at."""
        if self.literal:
            blocks = _literal_blocks(self.turn.text, "user" if self.turn.role is Role.USER else "thought")
        else:
            growing = GrowingMarkdown(painter, draws=False)
            for start in range(0, len(self.turn.text), PIECE):
                growing.feed(self.turn.text[start : start + PIECE])
                yield
            growing.finish()
            blocks = growing.blocks
        self.blocks, self._thoughts = blocks, 0
        self.opened = True
        self._unfold(painter)
        for block in self.blocks:
            block.estimate(painter.width)
        self.frame(painter)

    def close(self) -> None:
        """Forget the lines; the height stays."""
        self._height = self.height
        self.opened = False
        self.blocks, self.starts, self.lead, self.tail = [], [], [], []

    def stale(self, block: Block, painter: Painter) -> bool:
        """Whether the block should be drawn, or drawn afresh."""
        return block.width != painter.width or (not block.exact and not self.live)

    # -- the live answer

    def begin(self, painter: Painter) -> None:
        """Start drawing what comes."""
        self._growing = GrowingMarkdown(painter)
        self._taken, self.opened = 0, True
        self.frame(painter)

    def restart(self, painter: Painter) -> None:
        """The live answer goes on with another painter."""
        if self._growing is None:
            return
        self._thinking = None
        source = self._growing.restart(painter)
        del self.blocks[self._thoughts + len(self._growing.blocks) :]
        self._taken = len(self._growing.blocks)
        if source:
            self.pending.appendleft(source)
        self.recount()
        self.dirty = True

    def feed(self, text: CleanText, now: float) -> None:
        """More of the answer."""
        if self._thinking_since is not None and self.thinking_seconds is None:
            self.thinking_seconds = now - self._thinking_since
        self._text.append(text)
        self.pending.append(text)
        self.dirty = True

    def feed_reasoning(self, text: CleanText, now: float) -> None:
        """More of the reasoning."""
        if self._thinking_since is None:
            self._thinking_since = now
        self._reasoning.append(text)
        self._words = None
        if self._thinking:
            self._thinking.feed(text)
        self.dirty = True

    def take(self) -> None:
        """Take one piece of what is pending."""
        assert self._growing
        self.dirty = True
        text = self.pending.popleft()
        while len(text) < PIECE and self.pending:
            text += self.pending.popleft()
        if len(text) > PIECE:
            self.pending.appendleft(text[PIECE:])
        self._growing.feed(text[:PIECE])
        self._collect(self._growing)

    def _collect(self, growing: GrowingMarkdown) -> None:
        for block in growing.blocks[self._taken :]:
            self.starts.append(self._body_end)
            self.blocks.append(block)
        self._taken = len(growing.blocks)

    def finish(self, painter: Painter) -> None:
        """Nothing more comes: take the last state."""
        assert self.final
        turn, self.final = self.final, None
        same = turn.text == self.text
        self.live = False
        self.replace(turn)
        if self._growing and same:
            self._growing.finish()
            self._collect(self._growing)
            self._unfold(painter)
            self.frame(painter)
        else:
            self.close()
        self._growing = None

    def replace(self, turn: Turn) -> None:
        """Another state of the same turn."""
        self.turn = turn
        self._text, self._reasoning = [turn.text], [turn.reasoning]
        self._rows, self._words = turn.text.count("\n"), None

    # -- heading, thoughts, footer

    def frame(self, painter: Painter) -> None:
        """Draw what stands above and below the blocks, with the open end of a live answer."""
        lead = [pack(line) for line in self._lead(painter)]
        if len(lead) != len(self.lead):
            self.lead = lead
            self.recount()
        self.lead = lead
        self.tail = [pack(line) for line in self._tail(painter)]
        self.dirty = False

    def advance(self, painter: Painter) -> int:
        """`frame` for a live answer. Returns the first of its lines that may look different."""
        lead, tail, end = self.lead, self.tail, self._shown
        self.frame(painter)
        self._shown = self._body_end
        if lead != self.lead or end > self._shown:
            return 0
        for index, old in enumerate(tail):
            if end + index >= self.height or self.line(end + index)[0] != old:
                return end + index
        return end + len(tail)

    def links(self, painter: Painter) -> list[tuple[str, Block]]:
        """Where its links lead, each once, and the block each is in. Only of what is drawn."""
        found: dict[str, Block] = {}
        for block in self.blocks:
            for line in block.lines:
                for number in line[1::2]:
                    if isinstance(number, int) and (link := painter.looks[number].link):
                        found.setdefault(link, block)
        return list(found.items())

    def block_on(self, row: int) -> Block | None:
        """The block of the answer that a row of its text is in."""
        blocks = self.blocks[self._thoughts :]
        at = bisect_right(blocks, row, key=lambda block: block.row) - 1
        return blocks[at] if at >= 0 else None

    def unfold(self, painter: Painter, *, unfolded: bool) -> None:
        """Show the reasoning in full, or in one line."""
        self.unfolded = unfolded
        if self.opened:
            self._unfold(painter)
            self.frame(painter)
            self.recount()

    def _unfold(self, painter: Painter) -> None:
        del self.blocks[: self._thoughts]
        thoughts = _literal_blocks(self.reasoning, "thought") if self.unfolded and not self.thinking else []
        for block in thoughts:
            block.estimate(painter.width)
        self.blocks[:0] = thoughts
        self._thoughts = len(thoughts)
        self.recount()

    @property
    def thinking(self) -> bool:
        """Whether reasoning streams and no answer yet."""
        return self.live and bool(self._reasoning) and not self._text

    @property
    def thought_line(self) -> int:
        """The line that tells of the reasoning."""
        return 2 if heading_text(self.turn) else 1

    def _lead(self, painter: Painter) -> Iterator[Line]:
        looks = painter.looks
        yield []
        if heading := heading_text(self.turn):
            yield [(heading[: painter.width], looks.named("model", copied=SKIPPED))]
        if not self._reasoning or not self.reasoning:
            return
        dim = looks.named("dim", copied=SKIPPED)
        if self.thinking:
            yield [("▾ thinking …", dim)]
            count = THINKING_OPEN_LINES if self.unfolded else THINKING_LINES
            if self._thinking is None:
                self._thinking = LastLines(painter.width, looks.named("thought"), THINKING_OPEN_LINES)
                self._thinking.feed(self.reasoning[-THINKING_OPEN_LINES * painter.width :])
            yield from self._thinking.lines(count)
            return
        self._thinking = None
        if self._words is None:
            self._words = len(self.reasoning.split())
        mark = "▾" if self.unfolded else "▸"
        text = f"{mark} {thought_text(self._words, self.thinking_seconds)}"
        yield from _wrapped(text, painter.width, dim)
        if any(self._text):
            yield []

    def _tail(self, painter: Painter) -> Iterator[Line]:
        looks, width = painter.looks, painter.width
        if self.live and self._growing:
            lines = self._growing.live()
            yield from lines
            if not lines and not self.blocks and not self._reasoning:
                yield [("…", looks.named("dim", copied=SKIPPED))]
        for call in self.turn.tool_calls:
            yield []
            yield from _tool_call(call, painter)
        if self.turn.role is not Role.ASSISTANT:
            return
        state, figures = state_text(self.turn), figures_text(self.turn)
        if state or figures:
            yield []
        if state:
            failed = self.turn.state is TurnState.FAILED
            yield from _wrapped(state, width, looks.named("error" if failed else "warning", copied=SKIPPED))
        if figures:
            yield from _wrapped(figures, width, looks.named("dim", copied=SKIPPED))


def height_of(block: Block) -> int:
    """The lines of a block; an estimate before it is drawn."""
    return len(block.lines) if block.width else block.guess


def draw(painter: Painter, block: Block) -> Iterator[None]:
    """Draw a block of an entry, a piece at each step."""
    if block.literal is None:
        return redraw(painter, block)
    return _draw_literal(painter, block, block.literal)


def _draw_literal(painter: Painter, block: Block, name: str) -> Iterator[None]:
    look = painter.looks.named(name)
    lines = literal_lines(block.source, painter.width, look, inside=block.inside, looks=painter.looks)
    block.lines, block.width = [pack(line) for line in lines], painter.width
    yield


def _literal_blocks(text: str, name: str) -> list[Block]:
    blocks = []
    row = 0
    for piece, inside in literal_pieces(text):
        block = Block(row, 0, gap=False, targets=Definitions())
        block.put(piece)
        block.literal, block.inside = name, inside
        blocks.append(block)
        row += piece.count("\n") + 1
    return blocks


def _wrapped(text: str, width: int, look: int) -> Iterator[Line]:
    return cut([(text, look)], wrap(text, width))


def _tool_call(call: ToolCall, painter: Painter) -> Iterator[Line]:
    looks = painter.looks
    name = clean_line(call.name or "a function without a name", painter.width - 2)
    yield [("⚙ ", looks.named("mark", copied="")), (name, looks.named("strong"))]
    shown = call.arguments.split("\n")
    code = "\n".join(row[:2_000] for row in shown[:ARGUMENT_LINES])
    yield from painter.code.lines(code, "json", painter.width, ["root"])
    if len(shown) > ARGUMENT_LINES:
        left = f"… {counted(len(shown) - ARGUMENT_LINES, 'more line')}; not run"
    else:
        left = "asked for by the model; never run here"
    yield from _wrapped(left, painter.width, looks.named("dim", copied=SKIPPED))
