"""One exchange with the server: the head of a reply, a whole answer, tried again where that may help.

Light until the first request: httpx comes with `wire`, which is imported here when something is to be sent.
"""

import asyncio
import functools
import importlib
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, TypeVar, cast
from urllib.parse import urljoin, urlsplit

import relai_tui
from relai_tui.api.address import Address
from relai_tui.api.answers import refusal
from relai_tui.api.deadline import Deadline
from relai_tui.api.deltas import Waiting
from relai_tui.api.errors import ConnectionFailed, Misconfigured, Redirected, RelaiError
from relai_tui.api.keys import redact
from relai_tui.api.progress import Observer, OnWait
from relai_tui.api.retry import wait_before_retry
from relai_tui.api.timeouts import Timeouts
from relai_tui.text import clean_line

if TYPE_CHECKING:
    import ssl

    import httpx
    from pydantic import SecretStr

    from relai_tui.api.wire import Reply, Wire

BODY_LIMIT = 16 * 1024 * 1024
"""Decoded bytes of a JSON answer (T8)."""
ERROR_LIMIT = 64 * 1024
"""Decoded bytes read of an error's body (T8)."""

T = TypeVar("T")


@functools.cache
def warm() -> None:
    """Import what the first request needs and build the TLS settings. Takes about a quarter of a second, once.

    Safe in a thread. Trouble with the certificates is told by the first request, not here.
    """
    _import_wire()
    importlib.import_module("relai_tui.api.models")
    from relai_tui.api.wire import ssl_context

    with suppress(Misconfigured):
        ssl_context()


@functools.cache
def _import_wire() -> None:
    """Import what sends. Left out is httpx's command line, which it imports wherever click is installed: that brings
    rich and pygments and doubles the time.
    """
    modules = cast("dict[str, ModuleType | None]", sys.modules)
    modules.setdefault("httpx._main", None)
    try:
        # httpx imports the first two only with its first client and its first connection.
        for name in ("httpcore", "anyio._backends._asyncio", "relai_tui.api.wire"):
            importlib.import_module(name)
    finally:
        if modules.get("httpx._main") is None:
            modules.pop("httpx._main", None)  # another thread may have been quicker


def _prepared(scheme: str) -> "ssl.SSLContext | None":
    """What sends, without what reads the answers: that can be imported while they are waited for."""
    _import_wire()
    from relai_tui.api.wire import ssl_context

    return ssl_context() if scheme == "https" else None


@dataclass(frozen=True, slots=True)
class Call:
    """One request, before it is sent."""

    method: str
    path: str
    content: bytes | None = field(default=None, repr=False)
    chat: bool = False
    stream: bool = False
    optional: bool = False
    """A server may lack this route: its 404 hides a feature and is no error."""
    feature: str = ""
    """Name of the route's purpose, as in "This server does not offer …"."""

    @property
    def repeatable(self) -> bool:
        """Whether it may be tried again by itself: reads and chats. A change of keys or settings never is (T9)."""
        return self.method == "GET" or self.chat


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What waiting goes by."""

    sleep: Callable[[float], Awaitable[object]]
    chance: Callable[[], float]
    """A number from 0 to 1."""
    now: Callable[[], float]
    """Unix time in seconds."""


class Exchange:
    """The pool of connections to one address, made at the first request, and how it is talked to."""

    def __init__(
        self,
        address: Address,
        key: "SecretStr | None",
        region: str | None,
        timeouts: Timeouts,
        rhythm: Rhythm,
        observer: Observer | None = None,
    ) -> None:
        self._address, self._key, self._region = address, key, region
        self._observer = observer
        self._timeouts, self._rhythm = timeouts, rhythm
        self._wire: Wire | None = None
        self._closed = False
        self._connecting = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()

    def wait_for(self, error: RelaiError, attempt: int, call: Call) -> Waiting | None:
        """The wait before the next try, after the try of this number (from 1) failed; None to give up."""
        if not call.repeatable:
            return None
        seconds = wait_before_retry(error, attempt, self._rhythm.chance, paid=call.chat)
        return Waiting(seconds, attempt + 1, error.cause) if seconds is not None else None

    async def sleep(self, waiting: Waiting) -> None:
        """Let the wait pass."""
        await self._rhythm.sleep(waiting.seconds)

    def deadline(self, call: Call) -> Deadline:
        """The total limit of a call that is not streamed."""
        seconds = self._timeouts.whole_answer if call.chat else self._timeouts.total
        return Deadline(seconds, self._address.host, self._observer)

    async def with_retries(
        self, do: Callable[[Call], Awaitable[T]], call: Call, deadline: Deadline, on_wait: OnWait | None = None
    ) -> T:
        """Call `do` up to three times. `on_wait`, or else the client's observer, is told before each wait."""
        attempt, told = 1, on_wait or self._observer
        while True:
            try:
                return await do(call)
            except RelaiError as error:
                waiting = self.wait_for(error, attempt, call)
                if waiting is None:
                    raise
            if told is not None:
                told(waiting)
            await deadline.pause(self._rhythm.sleep, waiting.seconds)
            attempt += 1

    async def answer(self, call: Call) -> bytes:
        """The body of one answer, asked for once."""
        reply = await self.open(call)
        try:
            if call.method == "DELETE":  # its status says it all
                return await reply.read_start(ERROR_LIMIT, self._timeouts.error_body)
            return await reply.read(BODY_LIMIT, self._timeouts.first_byte, self._timeouts.silence)
        finally:
            await self.close(reply)

    async def open(self, call: Call) -> "Reply":
        """The reply to a call, once its head is there and says yes. Raises for every other status."""
        wire = await self._connected()
        whole = call.chat and not call.stream
        reply = await wire.send(
            call.method,
            self._address.base_url + call.path,
            self._headers(call),
            call.content,
            first_byte=self._timeouts.whole_answer if whole else self._timeouts.first_byte,
        )
        if 200 <= reply.status < 300:
            return reply
        try:
            if 300 <= reply.status < 400:
                raise _redirected(reply, self._address)
            raise refusal(
                reply.status,
                reply.headers,
                await reply.read_start(ERROR_LIMIT, self._timeouts.error_body),
                now=self._rhythm.now(),
                key=self._key,
                optional=call.optional,
                chat=call.chat,
                feature="" if call.method == "DELETE" else call.feature,
            )
        finally:
            await self.close(reply)

    async def close(self, reply: "Reply") -> None:
        """Close a reply in a task of its own: a second cancellation must not leave its socket open."""
        closing = asyncio.create_task(reply.aclose())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        await asyncio.shield(closing)

    async def aclose(self) -> None:
        """Close every connection. May be called twice; no request can be made afterwards."""
        async with self._connecting:
            self._closed = True
            wire, self._wire = self._wire, None
        if self._closing:
            await asyncio.wait(self._closing)
        if wire is not None:
            await wire.aclose()

    async def _connected(self) -> "Wire":
        async with self._connecting:
            if self._closed:
                raise ConnectionFailed("The connection was closed before the request was sent.")
            if self._wire is None:
                context = await asyncio.to_thread(_prepared, self._address.scheme)
                from relai_tui.api.wire import Wire

                self._wire = Wire(self._address, self._timeouts, context)
            return self._wire

    def _headers(self, call: Call) -> "httpx.Headers":
        """As httpx's own type: its repr does not show the key."""
        import httpx

        headers = httpx.Headers(
            {
                "Accept": "text/event-stream, application/json" if call.stream else "application/json",
                "Accept-Encoding": "identity" if call.stream else "gzip, deflate",
                "User-Agent": f"relai-tui/{relai_tui.__version__}",
            }
        )
        if call.content is not None:
            headers["Content-Type"] = "application/json"
        if self._region is not None:
            headers["X-Relai-Region"] = self._region
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        return headers


def _redirected(reply: "Reply", address: Address) -> Redirected:
    """The error of a redirect: its target as far as it differs, which was not followed since the key would go along."""
    told = ""
    with suppress(ValueError):
        told = _target(reply.headers.get("location", "").strip(), address)
    if not told:
        return Redirected(f"The server sent a redirect ({reply.status}) without a readable target. Check the base URL.")
    return Redirected(
        f"The server redirects to {clean_line(redact(told), 100)} ({reply.status}). It was not followed, since the key "
        "would go along. If that is right, make it the base URL."
    )


def _target(location: str, address: Address) -> str:
    """Return where a redirect leads, as far as it differs from the address; empty for nowhere. Raises ValueError."""
    if not location:
        return ""
    target, own = urlsplit(urljoin(address.base_url, location)), urlsplit(address.base_url)
    ports = {"http": 80, "https": 443}
    origins = [(url.scheme, url.hostname, url.port or ports.get(url.scheme)) for url in (target, own)]
    if origins[0] == origins[1]:
        return f"another path, {target.path or '/'}"
    host = f"[{target.hostname}]" if ":" in (target.hostname or "") else target.hostname
    return f"{target.scheme}://{host}{f':{target.port}' if target.port else ''}"
