"""Set before anything imports textual: no animations, no user's configuration."""

import os

os.environ["TEXTUAL_ANIMATIONS"] = "none"
for name in ("RELAI_API_KEY", "RELAI_API_KEY_FILE", "RELAI_BASE_URL", "RELAI_TUI_HOME", "NO_COLOR"):
    os.environ.pop(name, None)
