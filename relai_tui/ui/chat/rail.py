"""The scrollbar of the transcript: Textual's, drawn with a tenth of the work."""

from textual.geometry import Region
from textual.scrollbar import ScrollBar
from textual.strip import Strip


class Rail(ScrollBar):
    """A vertical scrollbar whose thumb moves while an answer streams.

    Textual draws each of its cells as a line of a widget, with borders and padding to be looked for: four milliseconds
    for each move of the thumb. Here all cells are drawn in one go, and kept until something of it changes.
    """

    _painted: list[Strip] | None = None

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> "Rail":
        """Draw it afresh when it is next asked for."""
        self._painted = None
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def render_lines(self, crop: Region) -> list[Strip]:
        """All its cells, cut to what is asked for."""
        width, height = self.region.size
        if self._painted is None or len(self._painted) != height:
            self._painted = self._paint(width, height)
        strips = self._painted[crop.y : crop.bottom]
        return strips if crop.width >= width else [strip.crop(crop.x, crop.right) for strip in strips]

    def _paint(self, width: int, height: int) -> list[Strip]:
        console = self.app.console
        options = console.options.update_dimensions(width, height)
        background = self.background_colors[1]
        lines = console.render_lines(self.render(), options, style=self.rich_style, pad=False)
        strips = [Strip(line, width) for line in lines]
        for each in self.get_line_filters():
            strips = [strip.apply_filter(each, background) for strip in strips]
        return strips
