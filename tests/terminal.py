"""A real pseudo-terminal around the program: what it writes is what a terminal would be told to do."""

import asyncio
import contextlib
import fcntl
import os
import pty
import signal
import struct
import sys
import termios
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class Terminal:
    """The program's end is a tty; ours collects its bytes. Answers the one query Textual waits for."""

    def __init__(self, pid: int, fd: int) -> None:
        self.pid, self._fd = pid, fd
        self.written = bytearray()
        self.status: int | None = None
        self._news = asyncio.Event()
        os.set_blocking(fd, False)
        asyncio.get_running_loop().add_reader(fd, self._read)

    def _read(self) -> None:
        try:
            data = os.read(self._fd, 65_536)
        except OSError:
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._fd)
        self.written += data
        self._news.set()

    async def until(self, holds: Callable[[bytes], object], seconds: float = 20) -> None:
        """Wait until it holds of all that was written."""
        try:
            async with asyncio.timeout(seconds):
                while not holds(bytes(self.written)):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"never came: {bytes(self.written[-3_000:])!r}") from None

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._fd, keys.encode())

    def kill(self, number: int = signal.SIGTERM) -> None:
        """Send a signal to the program."""
        os.kill(self.pid, number)

    def hang_up(self) -> None:
        """Close the terminal's window: the program gets SIGHUP, and nothing it writes can be written any more."""
        asyncio.get_running_loop().remove_reader(self._fd)
        os.close(self._fd)
        self._fd = -1

    async def ended(self, seconds: float = 20) -> int:
        """The exit code; minus the signal's number for one that was killed."""
        async with asyncio.timeout(seconds):
            while self.status is None:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    self.status = os.waitstatus_to_exitcode(status)
                else:
                    await asyncio.sleep(0.01)
        return self.status

    def close(self) -> None:
        """End it, if it still runs."""
        if self._fd >= 0:
            asyncio.get_running_loop().remove_reader(self._fd)
        if self.status is None:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
        if self._fd >= 0:
            os.close(self._fd)


@asynccontextmanager
async def terminal(
    *arguments: str, environ: dict[str, str], rows: int = 30, columns: int = 100
) -> AsyncIterator[Terminal]:
    """Run `python arguments…` on a terminal of its own."""
    pid, fd = pty.fork()
    if not pid:
        try:
            os.execvpe(sys.executable, [sys.executable, *arguments], environ)
        finally:
            os._exit(127)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    running = Terminal(pid, fd)
    try:
        yield running
    finally:
        running.close()
