"""Where files live, and what the user has chosen: `config.toml` with its profiles. It never holds a secret.

    theme = "textual-dark"
    default_profile = "prod"

    [profiles.prod]
    region = "eu"
    key_command = ["op", "read", "op://Work/relai/key"]

    [keymap]
    "chat.new" = "ctrl+n"

    [limits]                            # of your own, in dollars
    day = { soft = 2.00, hard = 5.00 }

    [alerts]
    low = { floor = 2.00, runway_hours = 24 }

What limits and alerts may hold is told in `spending_rules`. A setting this program does not know is a warning and stays
in the file; a wrong one is a `SettingsError` that names the file, the line and what to do. Saving keeps the user's
comments and order.
"""

from __future__ import annotations

from relai_tui.settings.values import (
    DEFAULT_PROFILE,
    NAME_LENGTH,
    Paths,
    Profile,
    Settings,
    SettingsError,
    checked_name,
    text_of,
)

__all__ = ["DEFAULT_PROFILE", "NAME_LENGTH", "Paths", "Profile", "Settings", "SettingsError", "checked_name", "load"]


def load(paths: Paths) -> Settings:
    """The settings of `config.toml`; what holds by default where there is no such file. Raises SettingsError."""
    text = text_of(paths.config_file)
    if text is None:
        return Settings(paths)
    from relai_tui.settings.reading import read  # only with a file to read: a start without one need not wait for it

    return read(paths, text)
