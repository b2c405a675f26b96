"""Painting less: a change in one widget asks only the widgets it touches for their lines.

Textual 8.2 asks every widget of the screen at each update: it compares the update with what a widget is clipped to, not
with where the widget is. While an answer streams that is a tenth of all work, at a key's echo it is most of it. One of
the private hooks that tie this program to Textual's minor version; `tests/ui/test_compositing.py` holds it.
"""

from collections.abc import Iterable

from textual._compositor import Compositor
from textual.geometry import Region
from textual.strip import Strip


class NarrowCompositor(Compositor):
    """Textual's, but for the widgets an update does not reach."""

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        """Each widget's region, clip and lines, front to back; only of those that `crop` reaches."""
        for widget, (region, clip) in self.visible_widgets.items():
            seen = region.intersection(clip)
            if not seen or (crop and not crop.overlaps(seen)):
                continue
            inside = region.reset_offset if seen == region else seen.translate(-region.offset)
            yield region, clip, widget.render_lines(inside)
