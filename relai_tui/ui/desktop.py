"""Notifications of the desktop, through the terminal: OSC 9 and OSC 777. Only words of our own are sent."""

from typing import TYPE_CHECKING

from relai_tui.text import CleanLine

if TYPE_CHECKING:
    from textual.app import App

_TITLE = "relai-tui"


def notify_desktop(app: "App[None]", words: CleanLine) -> None:
    """Ask the terminal to show a notification. Terminals know one of the two forms, or none; nothing answers."""
    driver = app._driver  # noqa: SLF001 - as Textual's own bell and clipboard do
    if driver is not None:
        said = words.replace(";", ",")  # what separates the fields of both
        driver.write(f"\x1b]9;{said}\x1b\\\x1b]777;notify;{_TITLE};{said}\x1b\\")
