"""Many lines on a small screen: painting, the scrollbar, selecting, copying. Knows nothing of conversations."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from rich.cells import cell_len, split_text
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.geometry import Offset, Region, Size
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget

from relai_tui.ui.chat.copying import copied_text, word_at
from relai_tui.ui.chat.markdown.looks import STYLES, Looks
from relai_tui.ui.chat.markdown.wrap import Packed, unpack
from relai_tui.ui.chat.rail import Rail

KEPT_STRIPS = 1_000
"""Painted lines that are remembered."""
GUTTER = 2
"""Cells left of the text."""
_NEWS = " ↓ new "
_FAINT = re.compile(r"\$foreground \d+%")
_TRAILING = re.compile(r"\s+\Z")


class Painted(NamedTuple):
    """One line, and what is around its text."""

    line: Packed
    gutter: str
    """Of `GUTTER` cells."""
    gutter_look: int
    fill: int
    """The look of what is right of the text."""


class Canvas(ScrollView):
    """A scroll view of lines. Painted strips are cached, exactly as wide as the content: nothing cuts them again."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._looks = Looks()
        self._strips: dict[int, Strip] = {}
        self._styles: dict[int, RichStyle] = {}
        self._thumb = (-1, -1)
        self._news = False
        """Whether lines came below the screen while it did not follow."""

    # -- to be told by the subclass

    def line_at(self, y: int) -> Painted:
        """The line to paint."""
        raise NotImplementedError

    def block_at(self, y: int) -> tuple[int, int]:
        """The first line of the block that line is in, and the one after its last."""
        raise NotImplementedError

    def scrolled(self) -> None:
        """The view moved."""

    # -- where we are

    @property
    def following(self) -> bool:
        """Whether the view is at the newest line and stays there."""
        return self.scroll_target_y >= self.max_scroll_y

    def _set_height(self, height: int) -> None:
        """The number of lines. An assignment to `virtual_size` would lay out the whole screen, so it is set beneath."""
        if height != self.virtual_size.height or self._width != self.virtual_size.width:
            self.set_reactive(Widget.virtual_size, Size(self._width, height))
        self._move_thumb()

    def _jump(self, y: float) -> None:
        """Scroll there, now."""
        self.scroll_target_y = self.scroll_y = max(0, min(y, self.max_scroll_y))

    @property
    def _width(self) -> int:
        return self.scrollable_content_region.width

    @property
    def vertical_scrollbar(self) -> ScrollBar:
        """The scrollbar, made when it is first asked for, as Textual's (8.2) is, but quicker to draw."""
        if self._vertical_scrollbar is None:
            self._vertical_scrollbar = rail = Rail(
                vertical=True, name="vertical", thickness=self.scrollbar_size_vertical
            )
            rail.display = False
            self.app._start_widget(self, rail)  # noqa: SLF001 - as Textual does
        return self._vertical_scrollbar

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Paint the screen again; the thumb of the scrollbar only when it is another cell."""
        self._move_thumb()
        if round(old_value) != round(new_value):
            self.refresh(self.size.region)
            self.scrolled()

    def _move_thumb(self) -> None:
        height, window = max(1, self.virtual_size.height), self.size.height
        thumb = (round(window * self.scroll_y / height), round(window * window / height))
        if thumb != self._thumb:
            self._thumb = thumb
            bar = self.vertical_scrollbar
            bar.window_size = window
            bar.window_virtual_size, bar.position = height, self.scroll_y

    def _settle_thumb(self) -> None:
        """Put the thumb where it belongs to the eighth of a cell: while lines come it moves by whole cells."""
        self._thumb = (-1, -1)
        self._move_thumb()

    def action_scroll_home(self) -> None:
        """To the first line shown."""
        self._jump(0)

    def action_page_up(self) -> None:
        """A screen up, at once."""
        self._jump(self.scroll_offset.y - max(1, self.size.height - 1))

    def action_page_down(self) -> None:
        """A screen down, at once."""
        self._jump(self.scroll_offset.y + max(1, self.size.height - 1))

    def action_scroll_up(self) -> None:
        """A line up."""
        self._jump(self.scroll_offset.y - 1)

    def action_scroll_down(self) -> None:
        """A line down."""
        self._jump(self.scroll_offset.y + 1)

    # -- painting

    def _forget_strips(self, first: int = 0) -> None:
        """Lines from `first` on look different now."""
        if first <= 0:
            self._strips.clear()
        for y in [y for y in self._strips if y >= first]:
            del self._strips[y]

    def _repaint(self, first: int | None = None) -> None:
        """Have the screen painted again, or what is on it from a line on."""
        if first is None:
            self._forget_strips()
            self.refresh(self.size.region)
            return
        self._forget_strips(first)
        top, height = self.scroll_offset.y, self.size.height
        if first < top + height:
            start = max(0, first - top)
            self.refresh(Region(0, start, self.size.width, height - start))

    def _recolour(self) -> None:
        """Colours changed. No line is drawn again for that."""
        self._styles.clear()
        self._repaint()

    def notify_style_update(self) -> None:
        """The style sheet changed, and with it perhaps all colours."""
        super().notify_style_update()
        self._styles.clear()
        self._strips.clear()

    def _style(self, number: int) -> RichStyle:
        found = self._styles.get(number)
        if found is None:
            look = self._looks[number]
            style = self.visual_style
            for name in look.names:
                if spec := STYLES.get(name):
                    if self.app.native_ansi_color:  # the terminal's own colours cannot be mixed
                        spec = _FAINT.sub("dim", spec)
                    style += Style.parse(spec, self.app.theme_variables)
            found = style.rich_style
            if look.link:
                found += RichStyle.from_meta({"link": look.link})
            found = self._styles[number] = self._filtered(found)
        return found

    def _filtered(self, style: RichStyle) -> RichStyle:
        """The style as the app's filters leave it: they look at styles only, so that each is filtered once."""
        segments = [Segment(" ", style)]
        for each in self.get_line_filters():
            segments = each.apply(segments, self.background_colors[1])
        return segments[0].style or style

    def _strip(self, y: int, width: int | None = None) -> Strip:
        """A line as it is painted. `width` spares asking for it at every line: that walks up the whole screen."""
        found = self._strips.get(y)
        if found is None:
            if len(self._strips) > KEPT_STRIPS:
                self._strips.clear()
            found = self._strips[y] = self._paint(self.line_at(y), self._width if width is None else width)
        return found

    def _paint(self, painted: Painted, width: int) -> Strip:
        runs = [(painted.gutter, painted.gutter_look)]
        for text, number in unpack(painted.line):
            if text and number == runs[-1][1]:
                runs[-1] = (runs[-1][0] + text, number)
            elif text:
                runs.append((text, number))
        segments = [Segment(text, self._style(number)) for text, number in runs]
        used = sum(cell_len(segment.text) for segment in segments)
        if used < width:
            segments.append(Segment(" " * (width - used), self._style(painted.fill)))
        return Strip(segments, max(used, width)).crop(0, width)

    def render_lines(self, crop: Region) -> list[Strip]:
        """What the compositor paints: cached strips, whole."""
        top, selection, width = self.scroll_offset.y, self.text_selection, self._width
        strips = [self._strip(top + y, width) for y in crop.line_range]
        if selection is not None:
            strips = [self._marked(strip, selection, top + y) for y, strip in zip(crop.line_range, strips, strict=True)]
        last = self.size.height - 1
        if self._news and crop.y <= last < crop.bottom:
            strips[last - crop.y] = self._with_news(strips[last - crop.y])
        whole = crop.x == 0 and crop.width >= width
        return strips if whole else [strip.crop(crop.x, crop.right) for strip in strips]

    def _marked(self, strip: Strip, selection: Selection, y: int) -> Strip:
        span = selection.get_span(y)
        if span is None:
            return strip
        text = strip.text
        start, stop = max(GUTTER, span[0]), len(text) if span[1] < 0 else span[1]
        if span[1] < 0:  # to the end of the text, not of the screen
            stop = len(text) - len(match[0]) if (match := _TRAILING.search(text)) else len(text)
        low, high = cell_len(text[:start]), cell_len(text[:stop])
        if low >= high:
            return strip
        marked = self.screen.get_component_rich_style("screen--selection")
        inside = [
            Segment(segment.text, segment.style + marked if segment.style else marked)
            for segment in strip.crop(low, high)
        ]
        return Strip.join([strip.crop(0, low), Strip(inside, high - low), strip.crop(high)])

    def _news_columns(self) -> tuple[int, int]:
        end = self._width - 2
        return max(0, end - len(_NEWS)), max(0, end)

    def _with_news(self, strip: Strip) -> Strip:
        start, end = self._news_columns()
        chip = Strip([Segment(_NEWS[: end - start], self._style(self._looks.named("chip")))], end - start)
        return Strip.join([strip.crop(0, start), chip, strip.crop(end)])

    def render_line(self, y: int) -> Strip:
        """What a mouse selection asks for: the line, with its place in the text."""
        y += self.scroll_offset.y
        return self._strip(y).apply_offsets(0, y)

    # -- selecting and copying

    def _select(self, start: Offset, end: Offset) -> None:
        self.screen.selections = {self: Selection(start, end)}

    def _forget_selection(self) -> None:
        if self.is_attached and self.text_selection is not None:
            self.screen.clear_selection()

    def selection_updated(self, selection: Selection | None) -> None:
        """Paint what is selected now."""
        del selection
        self.refresh(self.size.region)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text as it was meant: no padding, no bars, wrapped lines joined, marks as they were typed."""
        height = self.virtual_size.height
        first = selection.start.y if selection.start else 0
        last = min(selection.end.y if selection.end else height - 1, height - 1)
        return copied_text(self._looks, self._selected(selection, first, last)), "\n"

    def _selected(self, selection: Selection, first: int, last: int) -> Iterator[tuple[Packed, int, int | None]]:
        for y in range(first, last + 1):
            if span := selection.get_span(y):
                start, stop = span
                yield self.line_at(y).line, max(0, start - GUTTER), None if stop < 0 else max(0, stop - GUTTER)

    def on_click(self, event: events.Click) -> None:
        """Two clicks select a word, three the block; Textual would select everything."""
        event.prevent_default()
        y = self.scroll_offset.y + event.y
        if self._news and event.y == self.size.height - 1:
            start, end = self._news_columns()
            if start <= event.x < end:
                self.action_scroll_end()
                return
        if event.chain == 2:
            text = self._strip(y).text
            index = len(split_text(text, event.x)[0])
            start, end = word_at(text, index)
            self._select(Offset(start, y), Offset(end, y))
        elif event.chain == 3:
            start, end = self.block_at(y)
            self._select(Offset(0, start), Offset(len(self._strip(end - 1).text), end - 1))
        else:
            self.clicked(y, str(event.style.meta.get("link") or ""))

    def clicked(self, y: int, link: str) -> None:
        """A line was clicked once; `link`: what it leads to there."""
