"""Our own faults: told, written down without the values of variables, and never silent."""

import traceback
from pathlib import Path

from textual.message import Message
from textual.message_pump import MessagePump
from textual.worker import Worker, WorkerState

from relai_tui.private_files import make_folder, write
from relai_tui.text import clean


class Fault(Message):
    """A worker ended with an exception nobody expected."""

    bubble = True

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


class TellsFaults(MessagePump):
    """For whatever starts workers with `exit_on_error=False`: what they raise becomes a `Fault` on its way up."""

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Pass on what went wrong."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.post_message(Fault(event.worker.error))


def write_down(error: BaseException, path: Path) -> None:
    """Keep the traceback, without locals, which may hold keys. Readable by the user alone. Raises `OSError`."""
    make_folder(path.parent)
    write(path, clean("".join(traceback.format_exception(error))))
