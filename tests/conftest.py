"""Set before anything imports textual: no animations, pictures as often as in the program, no user's configuration."""

import gc
import os

from relai_tui.cli import FRAMES

os.environ["TEXTUAL_ANIMATIONS"] = "none"
os.environ["TEXTUAL_FPS"] = FRAMES
for name in ("RELAI_API_KEY", "RELAI_API_KEY_FILE", "RELAI_BASE_URL", "RELAI_TUI_HOME", "NO_COLOR"):
    os.environ.pop(name, None)


def pytest_collection_finish() -> None:
    """What is imported by now is here to stay: it need not be looked through again, a fifth of an app's story."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
