"""Base of all dialogs: dismissed once, deaf afterwards, and never the end of the app."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from textual import events
from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen

from relai_tui.ui.faults import Fault, TellsFaults

if TYPE_CHECKING:
    from textual.message import Message
    from textual.message_pump import MessagePump
    from textual.screen import Screen

Result = TypeVar("Result")

PATIENCE = 0.5
"""Seconds the next key waits at most for the one before it."""


class Dialog(TellsFaults, ModalScreen[Result]):
    """Modal screen that is dismissed once, by whichever key, click or worker comes first.

    What still arrives afterwards is dropped: the second Enter of two, the second click of a double click, the button
    behind an Esc. So is an action that comes before there is anything to act on.
    """

    dismissed = False
    """Whether it was dismissed."""

    def dismiss(self, result: Result | None = None) -> AwaitComplete:
        """Dismiss it with a result, the first time; later calls do nothing.

        Textual pops the topmost screen of the mode that is shown, whichever that is (textual 8.2). This takes itself
        off, also from under another dialog and from a mode that is not shown.
        """
        if self.dismissed:
            return AwaitComplete()
        self.dismissed = True
        app = self.app
        stack = next((each for each in app._screen_stacks.values() if self in each), None)  # noqa: SLF001
        if stack is None or not app.is_running:
            return AwaitComplete()
        if app.screen is self:
            return super().dismiss(result)
        stack.remove(self)
        if self._result_callbacks:
            self._result_callbacks[-1](result)
        self._pop_result_callback()
        return AwaitComplete(app._replace_screen(self)).call_next(app)  # noqa: SLF001

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing can be done before the dialog is there, nor after it was dismissed."""
        if self.dismissed or not self.is_mounted:
            return False
        return super().check_action(action, parameters)

    async def on_key(self, event: events.Key) -> None:
        """Run the binding of a key here: the app would run it after the keys that follow."""
        if self.app.screen is self and await self.app._check_bindings(event.key):  # noqa: SLF001
            event.stop()

    async def _dispatch_message(self, message: "Message") -> None:
        if self.dismissed and _is_input(message):
            return
        try:
            await super()._dispatch_message(message)
        except Exception as error:
            if isinstance(message, Fault):
                raise
            self.app.post_message(Fault(error))  # it could not be drawn
            self.dismiss(None)


async def handled(screen: "Screen[Any]") -> None:
    """Wait until what a screen was told so far has been handled, by the widget with the focus and by itself."""
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            for _ in range(2):  # a key runs an action, which posts a message
                pump: MessagePump | None = screen.focused or screen
                while pump is not None and pump is not screen.app:
                    await _reached(pump)
                    pump = pump._parent  # noqa: SLF001


def _is_input(message: "Message") -> bool:
    """Whether it comes from the user: a key, the mouse, a paste, or what a widget makes of them."""
    if isinstance(message, events.Event):
        return isinstance(message, events.InputEvent | events.Paste)
    return message.control is not None


async def _reached(pump: "MessagePump") -> None:
    """Wait until the pump has handled what is in its queue."""
    done = asyncio.Event()

    async def reach() -> None:
        done.set()

    if pump.is_running and pump.post_message(events.Callback(callback=reach)):
        await done.wait()
