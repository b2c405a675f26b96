"""Guards at the sink: private functions of Textual 8.2 and Rich 15 that draw, made safe for foreign text.

Labels, dialogs, notifications, lists and tables draw `Content`. Textual removes five control characters when one is
made; `visible` takes the place of that. Widgets with an own renderer (the transcript, the tables, the prompt) call it
themselves. Rich cuts a line in time that is square in its combining characters; here it is linear.

`tests/ui/test_drawing_guards.py` notices when these functions move.
"""

from functools import lru_cache

from rich.cells import split_text
from rich.segment import Segment
from textual import content

from relai_tui.text import visible


def guard_drawing() -> None:
    """Make what is drawn from now on visible, harmless and bounded in time."""
    content._strip_control_codes = visible  # type: ignore[assignment]  # noqa: SLF001
    Segment._split_cells = classmethod(_split_cells)  # type: ignore[method-assign, assignment, arg-type]  # noqa: SLF001


@lru_cache(1 << 14)  # as Rich's
def _split_cells(kind: type[Segment], segment: Segment, cut: int) -> tuple[Segment, Segment]:
    """Cut a segment at a cell; a wide character that is cut becomes two spaces."""
    text, style, control = segment
    if cut >= segment.cell_length:
        return segment, kind("", style, control)
    before, after = split_text(text, cut)
    return kind(before, style, control), kind(after, style, control)
