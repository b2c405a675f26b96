"""The conversation on the screen: one line-API widget for the history and the answer that is being written."""

import asyncio
from collections.abc import Sequence
from time import monotonic, perf_counter
from typing import ClassVar, NamedTuple

from textual.binding import Binding
from textual.message import Message
from textual.reactive import reactive

from relai_tui.conversation import Role, Turn
from relai_tui.text import CleanLine, CleanText, clean, clean_line
from relai_tui.ui.chat import markdown
from relai_tui.ui.chat.canvas import GUTTER, Painted
from relai_tui.ui.chat.entries import Entry
from relai_tui.ui.chat.history import AT_ONCE, History, Kept
from relai_tui.ui.chat.markdown.code_blocks import CodeBlock, code_blocks, drawn_code
from relai_tui.ui.chat.markdown.growing import Block
from relai_tui.ui.chat.markdown.inline import TARGET_LIMIT
from relai_tui.ui.chat.markdown.looks import TEXT, Looks
from relai_tui.ui.chat.markdown.wrap import Packed, pack, unpack


class CodeCursor(NamedTuple):
    """A block of code in a turn."""

    entry: Entry
    blocks: list[CodeBlock]
    """All of that turn."""
    at: int


class Transcript(History, can_focus=True):
    """The turns of a conversation, newest last, and what is being answered."""

    FOCUS_ON_CLICK = False  # the prompt keeps the keyboard; the turn cursor has its own keys

    DEFAULT_CSS = """
    Transcript {
        height: 1fr; overflow-y: scroll; overflow-x: hidden; scrollbar-size-vertical: 1;
        background: $background; color: $foreground;
        scrollbar-background: $background; scrollbar-background-hover: $background;
        scrollbar-background-active: $background; scrollbar-color: $foreground 20%;
        scrollbar-color-hover: $foreground 35%; scrollbar-color-active: $accent;
    }
    """
    BINDINGS: ClassVar = [
        Binding("k", "previous_turn", "Turn before", id="transcript.previous", show=False),
        Binding("j", "next_turn", "Turn after", id="transcript.next", show=False),
        Binding("g", "first", "First turn", id="transcript.first", show=False),
        Binding("G", "last", "Newest turn", id="transcript.last", show=False),
        Binding("u", "next_code_block", "Code block", id="transcript.code"),
        Binding("l", "next_link", "Link", id="transcript.link", show=False),
        Binding("enter", "open_link", "Open link", id="transcript.open", show=False),
        Binding("space", "toggle_reasoning", "Reasoning", id="transcript.reasoning", show=False),
    ]

    highlighted: reactive[str | None] = reactive(None, repaint=False)
    """The id of the turn the cursor is on."""

    class Highlighted(Message):
        """The cursor is on another turn, or on none."""

        def __init__(self, turn_id: str | None) -> None:
            super().__init__()
            self.turn_id = turn_id

    class OlderWanted(Message):
        """The user nears the first turn shown and older ones exist. Not sent again before `prepend`."""

    class LinkActivated(Message):
        """A link was clicked, or stepped to and entered. Nothing is opened here."""

        def __init__(self, href: CleanLine) -> None:
            super().__init__()
            self.href = href

    class FollowingChanged(Message):
        """The view began or ceased to follow the newest line."""

        def __init__(self, following: bool) -> None:
            super().__init__()
            self.following = following

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._older = self._asked = False
        self._code: CodeCursor | None = None
        """The block of code the cursor is on."""
        self._code_span: tuple[Block, int, int] | None = None
        """Where that is: lines of a block."""
        self._link: str | None = None
        """Where the link leads that the cursor is on."""

    # -- from outside

    def show(self, turns: Sequence[Turn], *, older: bool) -> None:
        """Show these turns instead, from the end. `older`: there are more before the first."""
        self.clear()
        self._older = older
        width = self._text_width
        for turn in turns:
            self._append(Entry(turn), width)
        self._settle_at_end()

    def prepend(self, turns: Sequence[Turn], *, older: bool) -> None:
        """Older turns, above all others. The view stays where it is."""
        self._older, self._asked = older, False
        entries = [Entry(turn) for turn in turns if self._timeline.find(turn.id) is None]
        width = self._text_width
        for entry in entries:
            entry.estimate(width)
        with self._steady(pinned=False):
            self._timeline.prepend(entries)
        self._start_work()

    def add(self, turn: Turn) -> None:
        """A finished turn at the end."""
        self._remove(turn.id)
        with self._steady():
            self._append(Entry(turn), self._text_width)
            self._news = True
        self._draw_visible(AT_ONCE)

    def begin(self, turn: Turn) -> None:
        """An answer that will grow, at the end. Its text may be a part that came already."""
        self._remove(turn.id)
        entry = Entry(turn, live=True)
        with self._steady():
            self._append(entry, self._text_width)
            self._live.append(entry)
            self._news = True
            if self._painter:
                entry.begin(self._painter)
        self._start_work()

    def feed(self, turn_id: str, text: CleanText) -> None:
        """More of a live answer. Unknown turns are passed over: their conversation is not shown any more."""
        if (entry := self._timeline.find(turn_id)) and entry.live:
            entry.feed(text, monotonic())
            self._start_work()

    def feed_reasoning(self, turn_id: str, text: CleanText) -> None:
        """More of its reasoning."""
        if (entry := self._timeline.find(turn_id)) and entry.live:
            entry.feed_reasoning(text, monotonic())
            self._start_work()

    def finish(self, turn: Turn) -> None:
        """A live answer's last state."""
        entry = self._timeline.find(turn.id)
        if entry is None or not entry.live:
            self.update(turn)
            return
        entry.final = turn
        self._urgent.set()
        self._start_work()

    def update(self, turn: Turn) -> None:
        """Another state of a turn that is shown, such as a cost that was learned later."""
        entry = self._timeline.find(turn.id)
        if entry is None:
            return
        if entry.final is not None:
            entry.final = turn
            return
        with self._steady():
            if entry.live:
                entry.turn = turn
            else:
                if entry.text != turn.text:
                    entry.close()
                entry.replace(turn)
            if entry.opened and self._painter:
                entry.frame(self._painter)
        self._start_work()

    def clear(self) -> None:
        """Show nothing."""
        self._timeline.clear()
        self._live.clear()
        self._opened.clear()
        self._drawing, self._code, self._code_span = None, None, None
        self._link = None
        self._older = self._asked = self._news = False
        self._looks = Looks()
        self._styles.clear()
        self.highlighted = None
        self._make_painter()
        self._forget_selection()
        self._restore(Kept(True, None, 0, None))

    async def warm(self) -> None:
        """Import what the first answer needs, in a thread."""
        await asyncio.to_thread(markdown.warm)

    @property
    def first_turn_id(self) -> str | None:
        """The id of the oldest turn shown."""
        return self._timeline.entries[0].turn.id if self._timeline.entries else None

    def last_answer_source(self) -> CleanText | None:
        """The Markdown of the newest answer that has any."""
        answers = (entry for entry in reversed(self._timeline.entries) if entry.turn.role is Role.ASSISTANT)
        return next((entry.text for entry in answers if entry.text), None)

    @property
    def last_turn(self) -> Turn | None:
        """The newest turn shown."""
        return self._timeline.entries[-1].turn if self._timeline.entries else None

    def selected_source(self) -> CleanText | None:
        """The code the cursor is on, else the Markdown of the turn it is on; None for no turn."""
        entry = self._timeline.find(self.highlighted)
        if entry is None:
            return None
        if self._code and self._code.entry is entry:
            return clean(self._code.blocks[self._code.at].code)
        return entry.text

    # -- told by the history

    def following_changed(self, following: bool) -> None:
        """Say so."""
        self.post_message(self.FollowingChanged(following))

    def near_first(self) -> None:
        """Ask for older turns, once."""
        if self._older and not self._asked:
            self._asked = True
            self.post_message(self.OlderWanted())

    def redrawn(self) -> None:
        """The block of code the cursor is on is elsewhere, too."""
        self._span_code()

    # -- painting

    def line_at(self, y: int) -> Painted:
        """The line to paint, with the bar of who speaks and the cursor."""
        looks, spot = self._looks, self._timeline.spot(y)
        if spot is None or spot.row == 0:
            return Painted((), " " * GUTTER, TEXT, TEXT)
        asked = spot.entry.turn.role is Role.USER
        fill = looks.named("user") if asked else TEXT
        if spot.entry.turn.id == self.highlighted:
            span = self._code_span
            on_code = span is not None and spot.block is span[0] and span[1] <= spot.into < span[2]
            cursor = looks.named("cursor", "user") if asked else looks.named("cursor")
            line = self._picked(spot.line) if self._link else spot.line
            return Painted(line, "█ " if on_code else "┃ ", cursor, fill)
        return (
            Painted(spot.line, "▌ ", looks.named("user_bar"), fill) if asked else Painted(spot.line, "  ", TEXT, TEXT)
        )

    def block_at(self, y: int) -> tuple[int, int]:
        """The lines of the block that line is in."""
        spot = self._timeline.spot(y)
        if spot is None:
            return y, y + 1
        if spot.block is None:
            start = y - spot.row
            return start + 1, start + max(2, spot.entry.height)
        start = y - spot.into
        return start + spot.block.gap, start + len(spot.block.lines)

    def clicked(self, y: int, link: str) -> None:
        """A link is told of, a folded reasoning unfolds."""
        if link:
            self.post_message(self.LinkActivated(clean_line(link, TARGET_LIMIT)))
            return
        spot = self._timeline.spot(y)
        if spot and spot.entry.reasoning and spot.row == spot.entry.thought_line:
            self._toggle([spot.entry])

    # -- the cursor

    def watch_highlighted(self, old: str | None, new: str | None) -> None:
        """Paint the cursor elsewhere, and say so."""
        if old != new and self.is_mounted:
            self._code, self._code_span, self._link = None, None, None
            self._repaint()
            self.post_message(self.Highlighted(new))

    def _step_turn(self, by: int) -> None:
        entries = self._timeline.entries
        if not entries:
            return
        entry = self._timeline.find(self.highlighted)
        if entry is None:
            index = self._timeline.at(self.scroll_offset.y + self.size.height - 1) if by < 0 else len(entries) - 1
        else:
            index = max(0, min(len(entries) - 1, entries.index(entry) + by))
        self._highlight(entries[index])

    def _highlight(self, entry: Entry) -> None:
        self.highlighted = entry.turn.id
        self._draw_until(perf_counter() + AT_ONCE, visible=True)
        start = self._timeline.start(entry)
        self._reveal(start, start + entry.height)

    def _reveal(self, first: int, end: int) -> None:
        """Scroll as little as shows these lines; the first of them, if they are too many."""
        top, height = self.scroll_offset.y, self.size.height
        if first < top or end - first >= height:
            self._jump(first)
        elif end > top + height:
            self._jump(end - height)

    def action_previous_turn(self) -> None:
        """The cursor to the turn before."""
        self._step_turn(-1)

    def action_next_turn(self) -> None:
        """The cursor to the turn after."""
        self._step_turn(1)

    def action_first(self) -> None:
        """The cursor to the first turn shown."""
        if self._timeline.entries:
            self._highlight(self._timeline.entries[0])
            self._jump(0)

    def action_last(self) -> None:
        """The cursor to the newest turn, the view to its end."""
        if self._timeline.entries:
            self._highlight(self._timeline.entries[-1])
        self.action_scroll_end()

    def action_scroll_end(self) -> None:
        """To the newest line, and follow it."""
        self._jump(self.max_scroll_y)
        self._draw_visible(AT_ONCE)
        self._jump(self.max_scroll_y)
        self._tell()

    def action_toggle_reasoning(self) -> None:
        """Fold or unfold the reasoning of the turn the cursor is on; with no cursor, of all."""
        entry = self._timeline.find(self.highlighted)
        self._toggle([entry] if entry else [each for each in self._timeline.entries if each.reasoning])

    def _toggle(self, entries: list[Entry]) -> None:
        if not entries or self._painter is None:
            return
        unfold = not entries[-1].unfolded
        with self._steady():
            for entry in entries:
                entry.unfold(self._painter, unfolded=unfold)
        self._draw_visible(AT_ONCE)

    # -- links

    def action_next_link(self) -> None:
        """The cursor to the next link of its turn; with no cursor, of the newest turn."""
        entry = self._timeline.find(self.highlighted) or next(reversed(self._timeline.entries), None)
        if entry is None or self._painter is None:
            return
        self._highlight(entry)
        self._draw_entry(entry, AT_ONCE)
        links = entry.links(self._painter)
        if not links:
            return
        before = next((at for at, (link, _) in enumerate(links) if link == self._link), -1)
        self._link, block = links[(before + 1) % len(links)]
        first, _ = entry.block_range(block)
        start = self._timeline.start(entry) + first
        lines = (start + at for at, line in enumerate(block.lines) if self._picked(line) is not line)
        at = next(lines, start)
        self._reveal(at, at + 1)
        self._repaint()

    def action_open_link(self) -> None:
        """Tell of the link the cursor is on."""
        if self._link:
            self.post_message(self.LinkActivated(clean_line(self._link, TARGET_LIMIT)))

    def _picked(self, line: Packed) -> Packed:
        """The line, with the link the cursor is on made plain to see; the same line, if it is not there."""
        looks = self._looks
        runs = unpack(line)
        if not any(looks[number].link == self._link for _, number in runs):
            return line
        return pack(
            [
                (text, looks.plus(number, "picked") if looks[number].link == self._link else number)
                for text, number in runs
            ]
        )

    # -- blocks of code

    def action_next_code_block(self) -> None:
        """The cursor to the next block of code of its turn; with no cursor, of the newest answer that has one."""
        if self._painter is None:
            return
        entry = self._timeline.find(self.highlighted)
        newest = list(reversed(self._timeline.entries[-50:]))
        for each in [entry] if entry else newest:
            blocks = [] if each.literal else code_blocks(self._painter, each.text)
            if blocks:
                self._step_code(each, blocks)
                return

    def _step_code(self, entry: Entry, blocks: list[CodeBlock]) -> None:
        if self.highlighted != entry.turn.id:
            self._highlight(entry)
        before = self._code.at if self._code and self._code.entry is entry else -1
        self._code = CodeCursor(entry, blocks, (before + 1) % len(blocks))
        block = entry.block_on(blocks[self._code.at].row)
        if block is None or self._painter is None:
            return
        if entry.stale(block, self._painter):
            self._jump(self._timeline.start(entry) + entry.block_range(block)[0])
            self._draw_until(perf_counter() + 2 * AT_ONCE, visible=True)
        self._span_code()
        if self._code_span:
            _, first, end = self._code_span
            start = self._timeline.start(entry) + entry.block_range(block)[0]
            self._reveal(start + first, start + end)
        self._repaint()

    def _span_code(self) -> None:
        """Find the lines of the block of code the cursor is on."""
        self._code_span = None
        if self._code is None or self._painter is None:
            return
        entry, blocks, at = self._code
        block = entry.block_on(blocks[at].row)
        if block is None:
            return
        nth = sum(1 for each in blocks[:at] if entry.block_on(each.row) is block)
        if span := drawn_code(block.lines, self._painter.code.edge, nth):
            self._code_span = (block, *span)
