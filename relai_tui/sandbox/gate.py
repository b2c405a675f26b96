"""What every request passes before the routes: it is noted down, and meets the fault that is set for it."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Sequence
from email.utils import formatdate
from hmac import compare_digest
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from relai_tui.sandbox.chat import CLIENT_CLOSED, HangUp
from relai_tui.sandbox.faults import Fault, Faults
from relai_tui.sandbox.journal import Asked, Journal, below_v1, masked, parsed

CONTROL = "/__sandbox"
"""Where the sandbox itself is spoken to; neither noted nor faulted."""
TOKEN_HEADER = "X-Sandbox-Token"  # noqa: S105 - the name of a header
"""Carries the token that every control request needs."""


class Gate:
    """The outermost ASGI application. An exception from inside is kept in `failures` and answered with 500."""

    def __init__(
        self,
        inner: ASGIApp,
        faults: Faults,
        journal: Journal,
        clock: Callable[[], float],
        hang_up: HangUp,
        control_token: str,
    ) -> None:
        self.failures: list[Exception] = []
        self._control_token = control_token
        self._inner, self._faults, self._journal, self._clock, self._hang_up = inner, faults, journal, clock, hang_up

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note the request, work the fault in, hand on to the routes."""
        body = await _read(receive)
        if body is None:
            return
        path = scope["path"]
        if path.startswith(CONTROL) and (refused := _control_refusal(scope, self._control_token)):
            await refused(scope, receive, send)
            return
        if path.startswith(CONTROL) or path == "/":
            await self._inner(scope, _again(body, receive), send)
            return
        asked = self._journal.note(
            Asked(
                scope["method"],
                path,
                scope["query_string"].decode("latin-1"),
                masked(scope["headers"]),
                parsed(body),
                self._clock(),
            )
        )
        fault = self._faults.take(scope["method"], below_v1(path))
        try:
            await self._answer(scope, body, receive, send, asked, fault)
        except Exception as failure:  # noqa: BLE001 - a defect of the double itself: kept for the test, told to the client
            self.failures.append(failure)
            if asked.status is None:
                await Response(f"The sandbox failed: {failure!r}", 500)(scope, receive, send)

    async def _answer(
        self, scope: Scope, body: bytes, receive: Receive, send: Send, asked: Asked, fault: Fault | None
    ) -> None:
        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                asked.status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), *self._dated(fault)]}
            await send(message)

        if fault is None:
            await self._inner(scope, _again(body, receive), noting)
            return
        if fault.delay and await _client_leaves(receive, fault.delay):
            asked.status = CLIENT_CLOSED
            return
        if fault.hang_up:
            await self._close(scope, receive, asked, fault)
        elif fault.trickle:
            await _trickle(fault, receive, noting)
        elif fault.status is not None:
            await _told(fault)(scope, receive, noting)
        elif fault.lose_answer:
            await self._inner(scope, _again(body, receive), _swallow)
            if fault.lose_answer == "close":
                await self._close(scope, receive, asked, fault)
            else:
                lost = {"error": {"message": "Something broke.", "type": "server_error", "code": "internal_error"}}
                await _told(Fault(status=500, body=lost))(scope, receive, noting)
        elif fault.set_fields or fault.drop_fields:
            await self._inner(scope, _again(body, receive), _Editor(noting, fault))
        else:
            await self._inner({**scope, "fault": fault}, _again(body, receive), noting)

    def _dated(self, fault: Fault | None) -> list[tuple[bytes, bytes]]:
        """The headers that tell the time, and who answers."""
        now = time.time() + self._faults.clock_skew
        headers = [(b"date", formatdate(now, usegmt=True).encode()), (b"server", b"relai-tui-sandbox")]
        if fault is not None and fault.retry_date_in is not None:
            headers.append((b"retry-after", formatdate(now + fault.retry_date_in, usegmt=True).encode()))
        return headers

    async def _close(self, scope: Scope, receive: Receive, asked: Asked, fault: Fault) -> None:
        asked.status = 0
        self._hang_up(scope, fault.reset)
        while (await receive())["type"] != "http.disconnect":
            pass


def _control_refusal(scope: Scope, token: str) -> Response | None:
    """Return the answer to a control request that must not be carried out; None for one that may.

    A web page must not steer the sandbox, neither across origins nor by DNS rebinding: only a program that was given
    the token may, and no browser.
    """
    headers = Headers(scope=scope)
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not _names_loopback(hosts[0]):
        return Response("Only for this machine: the Host header must name loopback.", 403)
    if "origin" in headers or headers.get("sec-fetch-site", "none") != "none":
        return Response("Not for web pages.", 403)
    given = headers.get(TOKEN_HEADER, "")
    if not compare_digest(given.encode("utf-8", "replace"), token.encode()):
        return Response(f"Send the token that the sandbox printed at its start in {TOKEN_HEADER}.", 401)
    return None


def _names_loopback(host: str) -> bool:
    name, _, port = host.rpartition(":")
    return name.lower().strip("[]") in {"127.0.0.1", "localhost", "::1"} and port.isdecimal()


async def _read(receive: Receive) -> bytes | None:
    """The whole body; None when the client left before its end."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body once more, and then what really comes."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def _client_leaves(receive: Receive, seconds: float) -> bool:
    """Wait; True when the client did not."""
    waiting = asyncio.ensure_future(receive())
    try:
        await asyncio.wait({waiting}, timeout=seconds)
        return waiting.done()
    finally:
        waiting.cancel()
        await asyncio.wait({waiting})


async def _trickle(fault: Fault, receive: Receive, send: Send) -> None:
    """Send the head of an answer and then a space now and then, until the client leaves."""
    length = [(b"content-type", (fault.content_type or "application/json").encode()), (b"content-length", b"100000000")]
    await send({"type": "http.response.start", "status": fault.status or 200, "headers": length})
    while not await _client_leaves(receive, fault.trickle):
        await send({"type": "http.response.body", "body": b" ", "more_body": True})


async def _swallow(message: Message) -> None:
    """A `send` into the void."""


def _told(fault: Fault) -> Response:
    """The answer that a fault's status, body and headers make."""
    body, content_type = fault.body, fault.content_type
    if not isinstance(body, str | bytes):
        body = json.dumps(body)
        content_type = content_type or "application/json"
    response = Response(body, fault.status or 200, headers=fault.headers)
    if content_type:
        response.headers["Content-Type"] = content_type
    return response


class _Editor:
    """A `send` that changes a JSON answer on its way."""

    def __init__(self, send: Send, fault: Fault) -> None:
        self._send, self._fault = send, fault
        self._start: Message = {}
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._body += message.get("body", b"")
        if message.get("more_body"):
            return
        body = self._edited()
        headers = [(name, value) for name, value in self._start["headers"] if name != b"content-length"]
        if self._start["status"] != 204:
            headers.append((b"content-length", str(len(body)).encode()))
        await self._send({**self._start, "headers": headers})
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    def _edited(self) -> bytes:
        try:
            data = json.loads(self._body)
        except ValueError:
            return self._body
        for path, value in self._fault.set_fields.items():
            for holder, name in _places(data, path.split(".")):
                holder[name] = value
        for path in self._fault.drop_fields:
            for holder, name in _places(data, path.split(".")):
                holder.pop(name, None)
        return json.dumps(data).encode()


def _places(data: Any, path: Sequence[str]) -> Iterator[tuple[dict[str, Any], str]]:
    """Where a dotted path leads: each object and its field; `*` stands for each item of a list."""
    name, rest = path[0], path[1:]
    if name == "*" and isinstance(data, list):
        for item in data:
            yield from _places(item, rest)
    elif isinstance(data, dict) and rest:
        yield from _places(data.get(name), rest)
    elif isinstance(data, dict):
        yield data, name
