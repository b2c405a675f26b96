"""Guard at the sink: Textual's widgets draw no text that `visible` has not seen.

Labels, dialogs, notifications, lists and tables all draw `Content`. Textual 8.2 removes five control characters when
one is made, in a private function; `visible` takes its place. Widgets with an own renderer (the transcript, the prompt)
do this themselves. `tests/ui/test_visible_content.py` notices when Textual moves the function.
"""

from textual import content

from relai_tui.text import visible


def guard_content() -> None:
    """Make what could not be seen, or could move the terminal, visible in all content made from now on."""
    content._strip_control_codes = visible  # type: ignore[assignment]  # noqa: SLF001
