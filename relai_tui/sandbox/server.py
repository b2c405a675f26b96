"""Running a sandbox: inside an event loop, in a thread of its own, or as a program.

It listens on loopback only, installs no signal handlers (but for `serve`, which is a program) and writes no log.
"""

import asyncio
import contextlib
import json as json_text
import logging
import secrets
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from types import TracebackType
from typing import Self, TypedDict, Unpack

import uvicorn
from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

from relai_tui.sandbox.account import Account
from relai_tui.sandbox.app import Api
from relai_tui.sandbox.faults import Faults
from relai_tui.sandbox.gate import CONTROL, TOKEN_HEADER, Gate
from relai_tui.sandbox.journal import Journal
from relai_tui.sandbox.keys import MAXIMUM_RPM, REGIONS
from relai_tui.sandbox.seed import seed_demo

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PORT_TAKEN = 2
"""Exit code of `serve` when the port cannot be had."""
_EDITIONS = (1, 2)
_HIGHEST_PORT = 65_535
_KEEP_ALIVE_SECONDS = 75


class Options(TypedDict, total=False):
    """What `Sandbox` and `run_in_thread` may be told."""

    host: str
    port: int
    region: str
    edition: int | None
    tokens_per_second: float
    credits_micro: int
    rpm: int
    account: Account | None
    clock: Callable[[], float]


class Sandbox:
    """A local Relai, ready inside `async with`.

    `port` 0 takes a free one. `region` is the one the server plays; `edition` 1 or 2 makes a server that knows only
    that, None one that knows both. `tokens_per_second` is the pace of answers, 0 for as fast as can be. `credits_micro`
    is the opening balance in micro-dollars, `rpm` the limit of the keys handed out in `keys`, `clock` seconds since
    the epoch.
    A given `account` brings its own credits, clock and region.
    Leaving the block raises what failed inside the sandbox itself, so that a defect of the double is not taken for one
    of the client. Raises ValueError for a host that is not loopback, OSError when the port is taken.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        region: str = "eu",
        edition: int | None = None,
        tokens_per_second: float = 80,
        credits_micro: int = 4_500_000,
        rpm: int = MAXIMUM_RPM,
        account: Account | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if host not in LOOPBACK:
            raise ValueError(f"the sandbox listens on loopback only ({', '.join(LOOPBACK)}), not on {host!r}")
        if not 0 <= port <= _HIGHEST_PORT:
            raise ValueError(f"port is 0 to {_HIGHEST_PORT}")
        if edition not in {None, *_EDITIONS}:
            raise ValueError("edition is 1, 2 or None for both")
        if region not in REGIONS:
            raise ValueError(f"region is one of {', '.join(REGIONS)}")
        self.account = account or Account(clock=clock, region=region, credits_micro=credits_micro)
        self.faults = Faults()
        self.requests = Journal()
        editions = _EDITIONS if edition is None else (edition,)
        self.keys: dict[int, str] = {
            each: self.account.mint(f"Sandbox edition {each}", edition=each, rpm_limit=rpm).secret for each in editions
        }
        """A full secret key for each edition the server knows."""
        self._api = Api(
            self.account,
            self.faults,
            self.requests,
            edition=edition,
            tokens_per_second=tokens_per_second,
            hang_up=self._hang_up,
        )
        self.control_token = secrets.token_urlsafe(24)
        """To be sent as `X-Sandbox-Token` with every request to `/__sandbox/…`."""
        self._gate = Gate(
            self._api.application(), self.faults, self.requests, self.account.clock, self._hang_up, self.control_token
        )
        self._host, self._port = "127.0.0.1" if host == "localhost" else host, port
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def origin(self) -> str:
        """`http://127.0.0.1:PORT`: the base URL without `/v1`, as `@llmrelai/sdk` wants it."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:PORT/v1`. The port is known once entered, and stays known after leaving."""
        return f"{self.origin}/v1"

    @property
    def tokens_per_second(self) -> float:
        """The pace of the answers that begin from now on; 0: unpaced."""
        return self._api.tokens_per_second

    @tokens_per_second.setter
    def tokens_per_second(self, pace: float) -> None:
        self._api.tokens_per_second = pace

    @property
    def failures(self) -> list[Exception]:
        """Exceptions of the sandbox itself."""
        return self._gate.failures

    @property
    def connections(self) -> int:
        """Open connections of clients."""
        return len(self._server.server_state.connections) if self._server else 0

    @property
    def answering(self) -> int:
        """Requests that are being answered."""
        return len(self._server.server_state.tasks) if self._server else 0

    async def __aenter__(self) -> Self:
        listener = _listen(self._host, self._port)
        self._port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._gate,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level=logging.CRITICAL + 1,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        )
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]), name="sandbox")
        ready = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait({self._task, ready}, return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            ready.cancel()
            listener.close()
            await self._task
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
        if error is None and self.failures:
            raise RuntimeError("the sandbox itself failed") from self.failures[0]

    async def close(self) -> None:
        """Stop now: open streams are broken off. What was sent is charged."""
        if self._server and self._task:
            self._server.stop()
            await asyncio.wait({self._task})

    def _hang_up(self, scope: Scope, reset: bool) -> None:
        """Break the connection of a scope."""
        connections = self._server.server_state.connections if self._server else set()
        for connection in connections:
            if not isinstance(connection, H11Protocol) or connection.client != tuple(scope["client"]):
                continue
            if reset:
                raw = connection.transport.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.transport.abort()
            else:
                connection.transport.close()
            return


class _Server(uvicorn.Server):
    """uvicorn as a guest: no signal handlers, ready and stopped without polling."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End `serve` soon."""
        self.should_exit = True
        self._stopping.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the signals to the program around."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        """Wait until stopped."""
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Break off what is open; nobody waits for a double."""
        for listener in [*self.servers, *(sockets or ())]:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        tasks = list(self.server_state.tasks)
        if tasks:
            # They see their client gone and charge for what was sent; who does not, is cancelled.
            _, late = await asyncio.wait(tasks, timeout=1)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for server in self.servers:
            await server.wait_closed()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio sets TCP_NODELAY only then; without it an answer in two writes takes 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


@contextlib.contextmanager
def run_in_thread(**options: Unpack[Options]) -> Iterator[Sandbox]:
    """A sandbox in a daemon thread with its own event loop; ready inside `with`, stopped on leaving.

    Takes what `Sandbox` takes, and raises the same.
    """
    sandbox = Sandbox(**options)
    started: Future[Callable[[], object]] = Future()

    async def live() -> None:
        leave = asyncio.Event()
        loop = asyncio.get_running_loop()
        try:
            await sandbox.__aenter__()
        except BaseException as failure:  # noqa: BLE001 - handed to the thread that waits
            started.set_exception(failure)
            return
        started.set_result(lambda: loop.call_soon_threadsafe(leave.set))
        await leave.wait()
        await sandbox.close()

    thread = threading.Thread(target=lambda: asyncio.run(live()), name="sandbox", daemon=True)
    thread.start()
    try:
        leave = started.result()
    except BaseException:
        thread.join()
        raise
    try:
        yield sandbox
    finally:
        leave()
        thread.join()


def serve(
    *,
    port: int,
    json: bool = False,
    demo: bool = False,
    region: str = "eu",
    edition: int | None = None,
    tokens_per_second: float = 80,
    credits_micro: int = 4_500_000,
) -> int:
    """Serve until SIGINT or SIGTERM; returns the exit code (2: the port cannot be had, told on stderr).

    Before anything else it prints the address and the keys: with `json` as one line
    `{"base_url": …, "keys": {"1": …, "2": …}, "control_token": …}`, else as words for a person. `demo` fills the
    account with a month of history.
    """
    account = Account(region=region, credits_micro=0 if demo else credits_micro)
    if demo:
        seed_demo(account)
    sandbox = Sandbox(port=port, region=region, edition=edition, tokens_per_second=tokens_per_second, account=account)
    try:
        return asyncio.run(_serve(sandbox, port=port, json=json))
    except KeyboardInterrupt:  # before the handlers were in place
        return 0


async def _serve(sandbox: Sandbox, *, port: int, json: bool) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda _number, _frame: loop.call_soon_threadsafe(stop.set))
    async with contextlib.AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(sandbox)
        except OSError as refused:
            sys.stderr.write(f"relai-tui sandbox: cannot listen on port {port}: {refused.strerror or refused}\n")
            return PORT_TAKEN
        sys.stdout.write(_greeting(sandbox, json=json))
        sys.stdout.flush()
        await stop.wait()
    return 0


def _greeting(sandbox: Sandbox, *, json: bool) -> str:
    if json:
        told = {"base_url": sandbox.base_url, "keys": sandbox.keys, "control_token": sandbox.control_token}
        return json_text.dumps(told) + "\n"
    keys = "".join(f"  key, edition {edition}:  {key}\n" for edition, key in sandbox.keys.items())
    key = next(reversed(sandbox.keys.values()))
    return (
        "A Relai sandbox: a development double on this machine. Its models are scripted; nothing is billed.\n\n"
        f"  base URL:        {sandbox.base_url}\n{keys}"
        f"  control token:   {sandbox.control_token}   (header {TOKEN_HEADER}, for {CONTROL}/faults)\n\n"
        f"Use it:   RELAI_API_KEY={key} relai-tui --base-url {sandbox.base_url}\n"
        f"          curl {sandbox.base_url}/balance -H 'Authorization: Bearer {key}'\n"
        "Stop it:  Ctrl+C\n"
    )
