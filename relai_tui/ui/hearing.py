"""Keys, heard when they come from the terminal: before the event loop gets to them.

A key passes six to eight turns of the loop until its echo is painted. Who works in slices wants to know of it at the
first, not at the sixth.
"""

from collections.abc import Callable

from textual import events
from textual.driver import Driver
from textual.message import Message


def hearing(driver: type[Driver], heard: Callable[[], object]) -> type[Driver]:
    """The driver, which calls `heard` at every key. It is called in the thread that reads the terminal: set a flag."""

    def send_message(self: Driver, message: Message) -> None:
        if isinstance(message, events.Key):
            heard()
        driver.send_message(self, message)

    return type(f"Hearing{driver.__name__}", (driver,), {"send_message": send_message})
