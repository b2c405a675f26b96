"""A server made of nothing but sockets: it can cut, stall, lie and explode as no web framework would."""

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

KEY = "rk-eu-CANARYcanary0123456789abcdWXYZ"


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Line:
    """One connection, seen from the server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the client closed its end."""

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def cut(self) -> None:
        """Reset the connection in the middle of whatever it was doing."""
        self.writer.transport.abort()


Answer = Callable[[Asked, Line], Awaitable[None]]


class RawServer:
    """Answers the first request with the first answer, and so on; the last one is given for ever."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._context = context
        self.asked: list[Asked] = []
        self.lines: list[Line] = []
        self.answers: list[Answer] = []
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "RawServer":
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self._context)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for line in self.lines:
            line.writer.transport.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        line = Line(reader, writer)
        self.lines.append(line)
        try:
            first = await reader.read(1)
            while first:
                asked = await _read_request(first, reader)
                self.asked.append(asked)
                watching = asyncio.create_task(_watch(line))
                await self.answers[min(len(self.asked), len(self.answers)) - 1](asked, line)
                first = await watching
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            line.gone.set()
        finally:
            writer.close()
            self._tasks.discard(task)


async def _watch(line: Line) -> bytes:
    """The first byte of the next request; when there is none, the client is gone."""
    try:
        first = await line.reader.read(1)
    except ConnectionError:
        first = b""
    if not first:
        line.gone.set()
    return first


async def _read_request(first: bytes, reader: asyncio.StreamReader) -> Asked:
    head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    request, *lines = head.strip().split("\r\n")
    method, path, _ = request.split(" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Asked(method, path, headers, await reader.readexactly(int(headers.get("content-length", 0))))


def head(status: int = 200, **headers: str) -> bytes:
    """The head of an answer; `content_type="x"` becomes `content-type: x`."""
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def replies(status: int = 200, body: bytes | str | dict[str, Any] | list[Any] = b"", **headers: str) -> Answer:
    """A whole answer."""
    if isinstance(body, dict | list):
        body = json.dumps(body)
        headers = {"content_type": "application/json", **headers}
    data = body.encode() if isinstance(body, str) else body

    async def answer(_: Asked, line: Line) -> None:
        length = {} if status in (204, 304) else {"content_length": str(len(data))}
        await line.send(head(status, **length, **headers) + data)

    return answer


def event(content: str | None = None, **fields: Any) -> bytes:
    """One event of a chat stream."""
    delta = {} if content is None else {"content": content}
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta}], **fields}).encode() + b"\n\n"


FINISH = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"


def streams(*pieces: bytes, chunked: bool = True, **headers: str) -> Answer:
    """A stream, each piece in a chunk of its own."""

    async def answer(_: Asked, line: Line) -> None:
        told = {"content_type": "text/event-stream", **headers}
        if not chunked:
            await line.send(head(200, **told, connection="close") + b"".join(pieces))
            line.writer.close()
            return
        await line.send(head(200, transfer_encoding="chunked", **told))
        for piece in pieces:
            await line.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        await line.send(b"0\r\n\r\n")

    return answer


def streams_then_stalls(*pieces: bytes) -> Answer:
    """A stream that stays open and silent after these pieces."""

    async def answer(_: Asked, line: Line) -> None:
        await line.send(head(200, content_type="text/event-stream", connection="close") + b"".join(pieces))
        await line.gone.wait()

    return answer


def streams_then_cuts(*pieces: bytes) -> Answer:
    """A stream that is cut in the middle of its chunked body."""

    async def answer(_: Asked, line: Line) -> None:
        await line.send(head(200, content_type="text/event-stream", transfer_encoding="chunked"))
        for piece in pieces:
            await line.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        line.writer.close()

    return answer


async def cuts(_: Asked, line: Line) -> None:
    """No answer: the connection is closed."""
    line.writer.close()


async def stalls(_: Asked, line: Line) -> None:
    """No answer, for as long as the client waits."""
    await line.gone.wait()
