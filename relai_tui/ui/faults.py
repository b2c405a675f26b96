"""Our own faults: told, written down without the values of variables, and never silent."""

import traceback
from pathlib import Path

from textual import events
from textual.message import Message
from textual.message_pump import MessagePump
from textual.worker import Worker, WorkerState

from relai_tui.private_files import make_folder, write
from relai_tui.text import clean


class Fault(Message):
    """An exception nobody expected ended a worker, or the handling of a message."""

    bubble = True

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


class TellsFaults(MessagePump):
    """Turns unexpected exceptions of its message handlers and of its workers into a `Fault` for the app.

    Textual ends the app for those of handlers (textual 8.2), and for those of workers unless `exit_on_error` is false.
    """

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Pass on what went wrong."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.post_message(Fault(event.worker.error))

    async def _dispatch_message(self, message: Message) -> None:
        try:
            await super()._dispatch_message(message)
        except Exception as error:
            if isinstance(message, Fault | events.Load | events.Compose | events.Mount):
                raise  # nothing could be shown
            self.app.post_message(Fault(error))


def write_down(error: BaseException, path: Path) -> None:
    """Keep the traceback, without locals, which may hold keys. Readable by the user alone. Raises `OSError`."""
    make_folder(path.parent)
    write(path, clean("".join(traceback.format_exception(error))))
