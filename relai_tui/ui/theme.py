"""The program's own two themes; all of Textual's are there too."""

from textual.theme import Theme

NIGHT = Theme(
    name="relai-night",
    primary="#7cb7ff",
    secondary="#8fd6c4",
    accent="#f2b879",
    foreground="#d8dee9",
    background="#101419",
    surface="#161b22",
    panel="#1d242d",
    success="#86d39a",
    warning="#e9c46a",
    error="#f28b82",
    dark=True,
)

DAY = Theme(
    name="relai-day",
    primary="#1f5fa8",
    secondary="#1c7a68",
    accent="#a85b10",
    foreground="#1c232b",
    background="#fbfbf9",
    surface="#f2f2ee",
    panel="#e6e7e2",
    success="#22763a",
    warning="#8a6100",
    error="#b3261e",
    dark=False,
)

THEMES = (NIGHT, DAY)
DEFAULT_THEME = NIGHT.name
