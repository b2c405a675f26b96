"""The one place that touches httpx: a connection pool to one address, and replies whose size is bounded.

Imported only when something is to be sent. No exception of httpx leaves this file, nor hides in the `__context__` of
one that does: they hold the request, and the request holds the key.
"""

import asyncio
import functools
import logging
import os
import socket
import ssl
import zlib
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from typing import TypeVar

import httpx

from relai_tui.api.address import Address
from relai_tui.api.errors import ConnectionFailed, Misconfigured, Redirected, RelaiError, TimedOut, UnreadableAnswer
from relai_tui.api.proxy import proxy_for
from relai_tui.api.timeouts import Timeouts

for _chatty in ("httpx", "httpcore"):
    logging.getLogger(_chatty).setLevel(logging.WARNING)

_STEP = 65_536
_ENCODINGS = ("", "identity", "gzip", "x-gzip", "deflate")
_IDLE_CONNECTIONS_LIVE = 55.0
_AHEAD = 16_384
_GATHERING = 0.010
"""Seconds in which tokens of a paced stream gather, to be read at once."""
_WAITED = 0.001
"""Seconds from which on a piece was waited for, and did not lie there."""
_AT_ONCE = 8
"""Pieces at the start of a body that are read without delay."""
_TROUBLES = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError, RuntimeError)
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)

T = TypeVar("T")


def ssl_context() -> ssl.SSLContext:
    """The TLS settings, built once for the certificate settings of the environment. Raises `Misconfigured` (T20)."""
    context = None
    names = ("SSL_CERT_FILE", "SSL_CERT_DIR")
    settings = tuple(os.environ.get(name) for name in names)
    with suppress(OSError, ValueError):
        context = _built_context(settings)
    if context is None:
        told = " and ".join(name for name, value in zip(names, settings, strict=True) if value) or "the system's store"
        raise Misconfigured(
            f"The certificates cannot be read. Look at {told}: it names a file or folder that is not usable."
        )
    return context


@functools.lru_cache(maxsize=1)
def _built_context(_settings: tuple[str | None, ...]) -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=True)


class Wire:
    """Connections to one address, for as long as a client lives. Raises `Misconfigured` when it is made (T20)."""

    def __init__(self, address: Address, timeouts: Timeouts, context: ssl.SSLContext | None) -> None:
        self._timeouts = timeouts
        proxy = proxy_for(address)
        self._name = f"{address.host} (through the proxy {proxy.host})" if proxy else address.host
        made = None
        with suppress(ValueError, ImportError, TypeError, httpx.InvalidURL, httpx.UnsupportedProtocol):
            made = httpx.AsyncClient(
                # Over plain http no certificate is read; an empty context trusts nobody.
                verify=context or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
                proxy=proxy.url if proxy else None,
                trust_env=False,
                follow_redirects=False,
                limits=httpx.Limits(
                    max_connections=32, max_keepalive_connections=8, keepalive_expiry=_IDLE_CONNECTIONS_LIVE
                ),
            )
        if made is None:
            raise Misconfigured(
                "The proxy this machine is set to use is not one this client can use. "
                "Look at HTTPS_PROXY and ALL_PROXY, or name the server in NO_PROXY."
            )
        self._http = made
        self._broken: set[asyncio.Task[httpx.Response]] = set()
        self._closing: set[asyncio.Task[None]] = set()

    async def send(
        self, method: str, url: str, headers: httpx.Headers, content: bytes | None, *, first_byte: float
    ) -> "Reply":
        """The reply as soon as its head is there. `first_byte` is in seconds, after the connection is made.

        Raises `ConnectionFailed`.
        """
        timeouts = self._timeouts
        kept = httpx.Timeout(
            max(first_byte, timeouts.silence), connect=timeouts.connect, write=timeouts.silence, pool=timeouts.connect
        )
        request = self._http.build_request(method, url, headers=headers, content=content, timeout=kept)
        limit = first_byte + timeouts.connect
        response = await _kept_in(self._unbroken(request), limit, self._name)
        return Reply(response, self._name)

    async def _unbroken(self, request: httpx.Request) -> httpx.Response:
        """Send in a task of its own, cancelled at most once: a second cancellation, as Textual sends at exit, would
        break off the cleaning up after the first one and leave the socket open.
        """
        sending = asyncio.create_task(self._http.send(request, stream=True))
        try:
            return await asyncio.shield(sending)
        except asyncio.CancelledError:
            self._broken.add(sending)
            sending.add_done_callback(self._forget)
            sending.cancel()
            raise

    def _forget(self, sending: asyncio.Task[httpx.Response]) -> None:
        self._broken.discard(sending)
        if not sending.cancelled() and sending.exception() is None:  # it was quicker than its end
            closing = asyncio.create_task(sending.result().aclose())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def aclose(self) -> None:
        """Close every connection."""
        while ending := self._broken | self._closing:
            await asyncio.wait(ending)
        await self._http.aclose()


class Reply:
    """An answer whose head is there and whose body is read piece by piece. To be closed in any case.

    A task of its own reads the body. So all that one read of the network brought is one piece (httpx gives it chunk by
    chunk), and who stops waiting, however often, never cancels httpx in the middle of its work.
    """

    def __init__(self, response: httpx.Response, host: str) -> None:
        self._response = response
        self._host = host
        encoding = response.headers.get("content-encoding", "").strip().lower()
        self._packed_oddly = encoding not in _ENCODINGS
        self._inflater = _inflater_for(encoding)
        self._reading: asyncio.Task[None] | None = None
        self._pieces: list[bytes] = []
        self._waiting = 0
        self._arrived, self._room = asyncio.Event(), asyncio.Event()
        self._trouble: RelaiError | None = None
        self._whole = False
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = response.headers

    async def piece(self, seconds: float) -> bytes | None:
        """The next decoded bytes, None at the end.

        Raises `TimedOut` after so many seconds of silence, `ConnectionFailed` when the connection breaks,
        `UnreadableAnswer` when it is packed in a way it does not say.
        """
        if self._packed_oddly:
            raise UnreadableAnswer("The server's answer is packed in a way this client did not ask for. Try again.")
        inflater = self._inflater
        if inflater is None:
            return await self._raw_piece(seconds)
        while not (unpacked := inflater.take()):
            packed = await self._raw_piece(seconds)
            if packed is None:
                return None
            inflater.feed(packed)
        return unpacked

    async def _raw_piece(self, seconds: float) -> bytes | None:
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_ahead())
        if not self._pieces and not self._reading.done():
            self._arrived.clear()
            await _kept_in(self._arrived.wait(), seconds, self._host)
        if self._pieces:
            piece = b"".join(self._pieces)
            self._pieces.clear()
            self._waiting = 0
            self._room.set()
            return piece
        if not self._whole:
            raise self._trouble or _broken(self._host)
        return None

    async def _read_ahead(self) -> None:
        """Read the body as it comes, at most `_AHEAD` bytes ahead of who takes them, so that others get a turn.

        After a piece that had to be waited for, the next ones are left to gather for a moment: reading each token
        of a paced stream by itself costs three times as much. The first few are never kept waiting.
        """
        clock, count = asyncio.get_running_loop().time, 0
        try:
            asked = clock()
            async for piece in self._response.aiter_raw():
                self._pieces.append(piece)
                self._waiting += len(piece)
                self._arrived.set()
                count += 1
                if self._waiting >= _AHEAD:
                    self._room.clear()
                    await self._room.wait()
                elif count > _AT_ONCE and clock() - asked > _WAITED:
                    await asyncio.sleep(_GATHERING)
                asked = clock()
            self._whole = True
        except Exception as error:  # noqa: BLE001 - as in `_kept_in`
            self._trouble = _told(error, self._host)
        finally:
            self._arrived.set()

    async def read(self, limit: int, first: float, silence: float) -> bytes:
        """The whole body. Raises as `piece` does, and `UnreadableAnswer` above `limit` decoded bytes (T8)."""
        body = bytearray()
        seconds = first
        while (piece := await self.piece(seconds)) is not None:
            body += piece
            seconds = silence
            if len(body) > limit:
                raise UnreadableAnswer(f"The server's answer is larger than {limit // 1_048_576} MiB and was not read.")
        return bytes(body)

    async def read_start(self, limit: int, seconds: float) -> bytes:
        """At most `limit` bytes of the body, and what there is of it when it breaks off or the time is up: for the
        words of an error.
        """
        body, clock = bytearray(), asyncio.get_running_loop().time
        until = clock() + seconds
        try:
            while len(body) < limit and (piece := await self.piece(max(0.0, until - clock()))) is not None:
                body += piece
        except (ConnectionFailed, UnreadableAnswer):
            pass
        return bytes(body[:limit])

    async def drain(self, seconds: float) -> None:
        """Read to the end if it comes at once, so that the connection can be used again."""
        try:
            async with asyncio.timeout(seconds):
                while await self.piece(seconds) is not None:
                    pass
        except (TimeoutError, ConnectionFailed, UnreadableAnswer):
            pass

    async def aclose(self) -> None:
        """Close; the socket as well, when the body was not read to its end."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        with suppress(*_TROUBLES):
            await self._response.aclose()
        if not self._whole:
            # httpx takes a reply for closed as soon as it begins to close it, also when that was cancelled.
            with suppress(*_TROUBLES, KeyError):
                await self._response.extensions["network_stream"].aclose()


class _Inflater:
    """gzip and deflate in bounded steps: a bomb is never larger in memory than one step."""

    def __init__(self, gzip: bool) -> None:
        self._gzip = gzip
        self._inflate = self._fresh()
        self._packed = b""
        self._begun = False

    def feed(self, packed: bytes) -> None:
        self._packed += packed

    def take(self) -> bytes:
        """At most one step; empty when more packed bytes are needed. Raises `UnreadableAnswer`."""
        unpacked = b""
        while self._packed and not unpacked:
            if self._inflate.eof:
                self._inflate = self._fresh()
            unpacked = self._unpacked()
            self._packed = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
        return unpacked

    def _unpacked(self) -> bytes:
        begun, self._begun = self._begun, True
        with suppress(zlib.error):
            return self._inflate.decompress(self._packed, _STEP)
        if not self._gzip and not begun:  # servers also send deflate without its header
            self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
            return self._unpacked()
        raise UnreadableAnswer("The server's answer is packed in a way that cannot be unpacked. Try again.")

    def _fresh(self) -> "zlib._Decompress":
        return zlib.decompressobj(zlib.MAX_WBITS | 16 if self._gzip else zlib.MAX_WBITS)


def _inflater_for(encoding: str) -> _Inflater | None:
    match encoding:
        case "" | "identity":
            return None
        case "gzip" | "x-gzip":
            return _Inflater(gzip=True)
    return _Inflater(gzip=False)


async def _kept_in(work: Awaitable[T], seconds: float, host: str) -> T:
    """What is awaited, in the time allowed; trouble becomes ours, and nothing of the original stays with it."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        trouble: RelaiError = TimedOut(f"{host} sent nothing for {seconds:g} s.", "Try again.", sent=True)
    except Exception as error:  # noqa: BLE001 - whatever the libraries raise must become words, not a traceback (T20)
        trouble = error if isinstance(error, RelaiError) else _told(error, host)
    raise trouble


def _told(error: Exception, host: str) -> RelaiError:
    sent = not isinstance(error, _NOT_SENT)
    causes = _causes(error)
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return Misconfigured(
            f"The certificate of {host} could not be verified. Look at the clock, the proxy and SSL_CERT_FILE."
        )
    if isinstance(error, httpx.ProxyError):
        return Misconfigured(f"The proxy did not let the request through to {host}. Look at HTTPS_PROXY and ALL_PROXY.")
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return TimedOut(f"{host} could not be reached in time.", "Look at the network, then try again.")
    if isinstance(error, httpx.TimeoutException):
        return TimedOut(f"{host} sent nothing in the time allowed.", "Try again.", sent=True)
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return ConnectionFailed(f"The name of {host} was not found. Look at {_places(host)} and at the network.")
    if isinstance(error, httpx.RemoteProtocolError) and "location header" in str(error).lower():
        return Redirected(f"{host} sent a redirect without a readable target. Look at the base URL.")
    if isinstance(error, httpx.RemoteProtocolError) and (words := _not_http(str(error))):
        return UnreadableAnswer(f"{host} {words}")
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return Misconfigured(
            f"{host} does not answer with TLS on this port. Look at the address, the port, and at https:// or http://."
        )
    if not sent:
        return ConnectionFailed(
            f"{host} cannot be reached.", f"Look at {_places(host)} and at the network, then try again."
        )
    return _broken(host)


def _places(host: str) -> str:
    return "the address, HTTPS_PROXY" if "(through the proxy" in host else "the address"


def _not_http(fault: str) -> str | None:
    """Return what to say of an answer that breaks HTTP; None for one that only ended too early."""
    fault = fault.lower()
    if "disconnect" in fault or "peer closed" in fault or "without sending" in fault:
        return None
    if "too long" in fault or "too large" in fault or "buffer" in fault:
        return "sent headers larger than this client reads. Look at the address and at the proxies in between."
    return "does not answer in HTTP. Look at the address and its port."


def _broken(host: str) -> ConnectionFailed:
    return ConnectionFailed(f"{host} broke the connection before the answer was whole.", "Try again.", sent=True)


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    todo: list[BaseException | None] = [error]
    while todo and len(found) < 30:
        cause = todo.pop()
        if cause is not None and cause not in found:
            found.append(cause)
            todo += [cause.__cause__, cause.__context__]
            todo += cause.exceptions if isinstance(cause, BaseExceptionGroup) else ()
    return found
