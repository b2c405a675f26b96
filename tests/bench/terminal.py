"""A program on a terminal of its own: a pseudo-terminal, a screen, and the answers a terminal of today gives."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.bench import processes
from tests.bench.vterm import Screen

ROWS, COLUMNS = 40, 120

_QUERIES = re.compile(
    rb"\x1b\[\?(?P<mode>2026|2048|2027|2031)\$p|(?P<version>\x1b\[>0?q)|(?P<kitty>\x1b\[\?u)"
    rb"|\x1b\](?P<colour>1[01]);\?(?:\x07|\x1b\\)|(?P<palette>\x1b\]4;(?P<index>\d+);\?(?:\x07|\x1b\\))"
    rb"|(?P<capability>\x1bP\+q[0-9a-fA-F;]*\x1b\\)|(?P<graphics>\x1b_G[^\x1b]*\x1b\\)"
)
"""What libvterm does not answer, or not as terminals of today do. Taken out of its input."""


def _answer(query: re.Match[bytes]) -> bytes:
    if query["mode"]:
        return b"\x1b[?%s;%d$y" % (query["mode"], 2 if query["mode"] == b"2026" else 0)
    if query["version"]:
        return b"\x1bP>|bench 1.0\x1b\\"
    if query["kitty"]:
        return b"\x1b[?0u"
    if query["colour"]:
        shade = b"e0e0/e0e0/e0e0" if query["colour"] == b"10" else b"1010/1010/1010"
        return b"\x1b]%s;rgb:%s\x1b\\" % (query["colour"], shade)
    if query["palette"]:
        return b"\x1b]4;%s;rgb:8080/8080/8080\x1b\\" % query["index"]
    return b"\x1bP0+r\x1b\\" if query["capability"] else b""


class Terminal:
    """One program on one screen, from exec on. Times are those of CLOCK_MONOTONIC, in seconds."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], folder: Path) -> None:
        self._screen = Screen(ROWS, COLUMNS)
        self.is_full_screen = False
        """Whether it switched to the alternate screen."""
        self.ended = False
        self._tail = b""
        self.started = time.monotonic()
        self.process, self._fd = pty.fork()
        if not self.process:
            try:
                os.chdir(folder)
                os.execvpe(command[0], list(command), dict(environ))
            finally:
                os._exit(127)
        self._set_window(ROWS, COLUMNS)

    def _set_window(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, columns * 10, rows * 20))

    # -- the screen

    def text(self) -> str:
        """What is on the screen."""
        return self._screen.text()

    def resize(self, rows: int, columns: int) -> None:
        """Make the window another size and tell the program."""
        self._screen.resize(rows, columns)
        self._set_window(rows, columns)

    def send(self, keys: str | bytes) -> None:
        """Type."""
        try:
            os.write(self._fd, keys.encode() if isinstance(keys, str) else keys)
        except OSError:
            self.ended = True

    def step(self, timeout: float) -> float | None:
        """Read once; the time of the read, None when nothing came within the timeout."""
        if self.ended:
            time.sleep(min(timeout, 0.01))
            return None
        if not select.select([self._fd], [], [], timeout)[0]:
            return None
        try:
            data = os.read(self._fd, 1 << 16)
        except OSError:
            data = b""
        now = time.monotonic()
        if not data:
            self.ended = True
            return None
        self._show(data)
        return now

    def _show(self, data: bytes) -> None:
        if not self.is_full_screen:
            self.is_full_screen = b"\x1b[?1049h" in self._tail + data
            self._tail = data[-16:]
        answers = b"".join(map(_answer, _QUERIES.finditer(data)))
        answers += self._screen.write(_QUERIES.sub(b"", data))
        if answers:
            self.send(answers)

    def rest(self, seconds: float) -> None:
        """Read on for a while."""
        self.until(lambda _: False, seconds)

    def until(self, holds: Callable[[str], object], seconds: float) -> float | None:
        """Read until it holds of the screen's text: the time of that read, or None when it never did."""
        if holds(self.text()):
            return time.monotonic()
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not self.ended:
            when = self.step(left)
            if when and holds(self.text()):
                return when
        return None

    # -- the program

    def cpu_seconds(self) -> float:
        """Processor time so far, of the program and all it started."""
        return processes.cpu_seconds(self.process)

    def peak_mib(self) -> float:
        """The most memory so far, of the same."""
        return processes.peak_mib(self.process)

    def close(self) -> None:
        """End the program and all it started."""
        for process in reversed(processes.tree(self.process)):
            with suppress(OSError):
                os.kill(process, signal.SIGKILL)
        with suppress(OSError):
            os.waitpid(self.process, 0)
            os.close(self._fd)
        self._screen.close()
