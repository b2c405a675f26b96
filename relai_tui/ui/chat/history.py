"""Turns that are drawn when they are looked at, in slices, while what is on the screen keeps still.

How it stays quick: text is settled into blocks that are drawn once (`markdown`), history is drawn when it is looked at
(`entries`), all work is done in slices of ten milliseconds, frames come at most thirty times a second, and a key that
was pressed is echoed first. When nothing happens nothing runs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from time import perf_counter
from typing import NamedTuple

from textual import events
from textual.geometry import Offset, Region
from textual.selection import Selection
from textual.strip import Strip

from relai_tui.ui.chat.canvas import GUTTER, Canvas
from relai_tui.ui.chat.entries import Entry, draw
from relai_tui.ui.chat.markdown.growing import Block
from relai_tui.ui.chat.markdown.passage import Painter
from relai_tui.ui.chat.timeline import Place, Timeline

FRAMES = 30
"""Frames a second, at most."""
HOLD = 0.030
"""Seconds without work after a key, so that its echo is painted first."""
PATIENCE = 0.100
"""Seconds after a frame from which no key holds the next one back: a key held down must not stop the answer."""
SLICE = 0.010
"""Seconds of work before the loop gets a turn."""
BREATH = 0.003
"""Seconds of that turn."""
AT_ONCE = 0.050
"""Seconds that drawing may take before something that was asked for appears, such as an opened conversation."""
WIDEST = 116
"""Cells of a line of text; wider than this nobody reads with ease."""
NARROWEST = 16
KEPT_LINES = 30_000
"""Drawn lines that are kept; turns far from the screen are forgotten beyond that."""


class Kept(NamedTuple):
    """What must not move while lines change."""

    following: bool
    place: Place | None
    """What is on the screen, and `row` where."""
    row: int
    selected: tuple[tuple[Place, int], tuple[Place, int]] | None
    """Both ends of the selection, each with its column."""


class History(Canvas):
    """The part of the transcript that draws and keeps still; what turns mean is the subclass's."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._timeline = Timeline()
        self._painter: Painter | None = None
        """None until there is a width to draw for."""
        self._live: list[Entry] = []
        self._opened: dict[Entry, None] = {}
        self._drawing: tuple[Entry, Block | None, Iterator[None]] | None = None
        self._working = self._steadying = False
        self._wake, self._urgent = asyncio.Event(), asyncio.Event()
        self._held_until = 0.0
        self._followed = True

    # -- to be told by the subclass

    def following_changed(self, following: bool) -> None:
        """The view began or ceased to follow the newest line."""

    def near_first(self) -> None:
        """The view is near the first line."""

    def redrawn(self) -> None:
        """Lines are elsewhere now."""

    def hold(self) -> None:
        """A key was pressed elsewhere: let its echo be painted first. May be called in any thread."""
        self._held_until = perf_counter() + HOLD

    def hurry(self) -> None:
        """Nothing more comes: show what came now, without waiting for the next frame."""
        self._urgent.set()

    @property
    def drawing_done(self) -> bool:
        """Whether all that came and all that is looked at is drawn as it will stay."""
        return not self._due and self._wanted() is None

    # -- keeping still while lines change

    def _remember(self, *, pinned: bool = True) -> Kept:
        """`pinned`: who is at the very top stays there, whatever comes above."""
        following = self._followed
        top = self.scroll_offset.y
        place, row = None, 0
        if not following and not (pinned and top == 0):
            place, row = self._firm_place(top)
        return Kept(following, place, row, self._selected_places())

    def _firm_place(self, top: int) -> tuple[Place | None, int]:
        """The first line on the screen that is drawn already, and the row it is on."""
        for row in range(self.size.height + 2):
            place = self._timeline.place(top + row)
            if place and place.firm:
                return place, row
        return self._timeline.place(top), 0

    def _selected_places(self) -> tuple[tuple[Place, int], tuple[Place, int]] | None:
        selection = self.text_selection if self.is_attached and self.is_mounted else None
        if selection is None or selection.start is None or selection.end is None:
            return None
        start, end = self._timeline.place(selection.start.y), self._timeline.place(selection.end.y)
        return ((start, selection.start.x), (end, selection.end.x)) if start and end else None

    @contextmanager
    def _steady(self, *, pinned: bool = True) -> Iterator[None]:
        """Change lines; what is on the screen stays there, and a view that follows is at the end again."""
        if self._steadying:
            yield
            return
        kept = self._remember(pinned=pinned)
        yield
        self._restore(kept)

    def _restore(self, kept: Kept, first: int | None = None, *, entry: Entry | None = None) -> None:
        """Lines changed. `first`: only from that line on; `entry`: only in that turn."""
        self._timeline.recount(entry)
        self._steadying = True
        try:
            top = self.scroll_offset.y
            self._set_height(self._timeline.height)
            line = self._timeline.find_place(kept.place) if kept.place else None
            if kept.following:
                self._jump(self.max_scroll_y)
            elif line is not None:
                self._jump(line - kept.row)
            elif top > self.max_scroll_y:
                self._jump(self.max_scroll_y)
            self._repaint(first if self.scroll_offset.y == top else None)
            if first is None:
                self._move_selection(kept)
                self.redrawn()
        finally:
            self._steadying = False
        self._tell()

    def _move_selection(self, kept: Kept) -> None:
        if kept.selected is None or self.text_selection is None:
            return
        (start, left), (end, right) = kept.selected
        first, last = self._timeline.find_place(start), self._timeline.find_place(end)
        if first is None or last is None:
            self._forget_selection()
            return
        moved = Selection(Offset(left, first), Offset(right, last))
        if moved != self.text_selection:
            self.screen.selections = {**self.screen.selections, self: moved}

    def _tell(self) -> None:
        """Say what changed about where the view is."""
        following = self.following
        if following:
            self._news = False
        if following != self._followed:
            self._followed = following
            self.following_changed(following)
            self.refresh(self.size.region)
        if self._painter and self.scroll_offset.y < 2 * self.size.height:
            self.near_first()

    def scrolled(self) -> None:
        """The view moved: draw what is there now."""
        if not self._steadying:
            self._tell()
            self._draw_visible(AT_ONCE)

    # -- sizes

    @property
    def _text_width(self) -> int:
        return max(NARROWEST, min(WIDEST, self._width - GUTTER - 1))

    def _append(self, entry: Entry, width: int) -> None:
        entry.estimate(width)
        self._timeline.append(entry)

    def _remove(self, turn_id: str) -> None:
        entry = self._timeline.find(turn_id)
        if entry is not None:
            with self._steady():
                self._timeline.remove(entry)
                self._opened.pop(entry, None)
                if entry in self._live:
                    self._live.remove(entry)

    def _make_painter(self) -> None:
        self._painter = Painter(self._text_width, self._looks) if self._width > GUTTER else None

    def on_mount(self) -> None:
        """Follow the theme."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._recolour())

    def on_resize(self, event: events.Resize) -> None:
        """Another width: what is on the screen is drawn at once, all else when it is looked at."""
        del event
        self._fit()

    def render_lines(self, crop: Region) -> list[Strip]:
        """What the compositor paints. A widget shown again may get no other sign of it, and it may have been filled."""
        if self._painter is None:
            self.call_later(self._fit)
        return super().render_lines(crop)

    def _fit(self) -> None:
        """Draw for the width there is."""
        self._thumb = (-1, -1)
        if self._width <= GUTTER:
            return
        if self._painter is None or self._painter.width != self._text_width:
            self._redraw_all()
        else:
            kept = self._remember()
            self._restore(kept)
        self._draw_visible(AT_ONCE)

    def _redraw_all(self) -> None:
        """Start over for another width; what is at the top of the screen stays there."""
        self._forget_selection()
        self._drawing = None
        kept = self._remember()
        fresh = self._painter is None
        self._make_painter()
        top, height, width = self.scroll_offset.y, self.size.height, self._text_width
        starts = self._timeline.starts
        for entry, start in zip(self._timeline.entries, starts, strict=True):
            if entry.live:
                self._rebegin(entry, fresh=fresh)
            elif entry.opened and top - height < start + entry.height and start < top + 2 * height and self._painter:
                entry.frame(self._painter)
            elif entry.opened:
                self._close(entry)
            else:
                entry.estimate(width)
        self._restore(kept)

    def _rebegin(self, entry: Entry, *, fresh: bool) -> None:
        assert self._painter
        if fresh:
            entry.begin(self._painter)
        else:
            entry.restart(self._painter)

    def _close(self, entry: Entry) -> None:
        entry.close()
        entry.estimate(self._text_width)
        self._opened.pop(entry, None)

    def _settle_at_end(self) -> None:
        self._restore(Kept(True, None, 0, None))
        self._draw_visible(AT_ONCE)

    # -- work, in slices

    def _start_work(self) -> None:
        self._wake.set()
        if not self._working and self.is_mounted and self._painter:
            self._working = True
            # Not a coroutine yet: where the program ends before the work begins, none is left behind.
            work: Callable[[], Awaitable[None]] = self._work
            self.run_worker(work, group="transcript", name="transcript")

    async def _work(self) -> None:
        """Take what came, show it, draw what is looked at; end when there is nothing to do and no answer alive."""
        frame = cost = 0.0
        try:
            while self._painter and (self._live or self._wanted()):
                self._wake.clear()
                began = perf_counter()
                if began < (until := min(self._held_until, frame + PATIENCE)):
                    await asyncio.sleep(until - began)
                    continue
                pending = self._take_until(began + SLICE)
                if not pending or perf_counter() - frame > max(1 / FRAMES, 4 * cost):
                    frame = perf_counter()
                    self._show_live()
                    cost = perf_counter() - frame
                if not pending:
                    self._draw_until(began + SLICE)
                await self._rest(perf_counter() - began, busy=pending or self._wanted() is not None)
        finally:
            self._working = False
            self._settle_thumb()

    async def _rest(self, spent: float, *, busy: bool) -> None:
        """Let others work: a moment when there is more to do, else until the next frame, else until something comes."""
        self._urgent.clear()
        if busy:
            await asyncio.sleep(BREATH)
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._urgent.wait(), max(1 / FRAMES, 3 * spent) - spent)
        if self._live and not self._due and self._wanted() is None:
            await self._wake.wait()

    @property
    def _due(self) -> bool:
        """Whether something came that is not shown."""
        return any(entry.dirty or entry.pending or entry.final for entry in self._live)

    def _take_until(self, deadline: float) -> bool:
        """Take text that came, until then or until a key comes. True: there is more."""
        held = self._held_until
        for entry in self._live:
            while entry.pending:
                if perf_counter() >= deadline or self._held_until != held:
                    return True
                entry.take()
        return False

    def _show_live(self) -> None:
        """Have painted what changed in the live answers."""
        assert self._painter
        for entry in [entry for entry in self._live if entry.dirty or entry.final]:
            if entry.final and not entry.pending:
                with self._steady():
                    self._live.remove(entry)
                    entry.finish(self._painter)
                    self._opened[entry] = None
                    if not entry.opened:
                        self._close(entry)
                continue
            kept = self._remember()
            first = entry.advance(self._painter)
            self._news = self._news or not kept.following
            last = entry is self._timeline.entries[-1]
            self._restore(kept, self._timeline.start(entry) + first if last else None, entry=entry)

    # -- what is looked at

    def _wanted(self) -> tuple[Entry, Block | None] | None:
        """What is to be drawn next: first on the screen, then around it. None: nothing."""
        painter, height = self._painter, self.size.height
        if painter is None or not height:
            return None
        top = self.scroll_offset.y
        for first, last in ((top, top + height), (top - 2 * height, top + 3 * height)):
            for wanted in self._timeline.to_draw(max(0, first), last, painter):
                return wanted
        return None

    def _draw_until(self, deadline: float, *, visible: bool = False) -> None:
        """Draw what is wanted; `visible`: only what is on the screen."""
        while self._painter and perf_counter() < deadline:
            if self._drawing is None:
                wanted = self._wanted()
                if wanted is None or (visible and not self._on_screen(*wanted)):
                    return
                entry, block = wanted
                steps = draw(self._painter, block) if block else entry.open(self._painter)
                self._drawing = (entry, block, steps)
            self._step()

    def _step(self) -> None:
        """One step of what is being drawn. Its lines change at the last one."""
        assert self._drawing
        entry, block, steps = self._drawing
        kept = self._remember()
        try:
            next(steps)
        except StopIteration:
            self._drawing = None
            entry.recount()
            if block is None:
                self._opened[entry] = None
            self._restore(kept, entry=entry)
            if block is None:
                self._forget_far()

    def _on_screen(self, entry: Entry, block: Block | None) -> bool:
        start = self._timeline.start(entry) + (entry.block_range(block)[0] if block else 0)
        return start < self.scroll_offset.y + self.size.height

    def _draw_visible(self, seconds: float) -> None:
        """Draw what is on the screen, now; what takes longer goes on in slices."""
        self._draw_until(perf_counter() + seconds, visible=True)
        self._start_work()

    def _draw_entry(self, entry: Entry, seconds: float) -> None:
        """Draw all of one turn, so far as that can be done in the time."""
        painter, deadline = self._painter, perf_counter() + seconds
        if painter is None or self._drawing is not None:
            return
        kept = self._remember()
        if not entry.opened:
            for _ in entry.open(painter):
                pass
            self._opened[entry] = None
        for block in entry.blocks:
            if perf_counter() < deadline and entry.stale(block, painter):
                for _ in draw(painter, block):
                    pass
        entry.recount()
        self._restore(kept, entry=entry)

    def _forget_far(self) -> None:
        """Keep no more than `KEPT_LINES` drawn; the oldest drawn go first, what is near the screen stays."""
        surplus = sum(entry.height for entry in self._opened) - KEPT_LINES
        top, height = self.scroll_offset.y, self.size.height
        for entry in list(self._opened):
            if surplus <= 0:
                return
            start = self._timeline.start(entry)
            if entry.live or (start < top + 4 * height and start + entry.height > top - 3 * height):
                continue
            surplus -= entry.height
            entry.close()
            del self._opened[entry]
