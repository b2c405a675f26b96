"""Textual's environment variables: which of them count here.

Some write what is on the screen, or every key pressed, to a file or to a port (TEXTUAL_LOG, TEXTUAL_SCREENSHOT, and
TEXTUAL=devtools), press keys (TEXTUAL_PRESS) or load other code (TEXTUAL_DRIVER). They are for people who build an app;
in one that holds keys and spends money they are ignored. Imports nothing of Textual, which reads them when it is
imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import MutableMapping

HARMLESS = frozenset(
    {
        "TEXTUAL_ANIMATIONS",
        "TEXTUAL_COLOR_SYSTEM",
        "TEXTUAL_DIM_FACTOR",
        "TEXTUAL_DISABLE_KITTY_KEY",
        "TEXTUAL_FILTERS",
        "TEXTUAL_FPS",
        "TEXTUAL_SMOOTH_SCROLL",
        "TEXTUAL_SPEEDUPS",
    }
)
"""Variables that change how things look or how fast they are, and nothing else."""


def ignore_development_variables(environ: MutableMapping[str, str]) -> None:
    """Remove Textual's variables but the harmless ones. To be called before Textual is imported."""
    for name in list(environ):
        if (name == "TEXTUAL" or name.startswith("TEXTUAL_")) and name not in HARMLESS:
            del environ[name]
