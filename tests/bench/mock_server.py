"""An OpenAI-compatible server on loopback that stamps every chunk it sends. Standard library only: it must be quick.

    python -m tests.bench.mock_server          # prints its port, then serves until it is ended

The prompt names the scenario: `md-2000r200k7` asks for 2,000 tokens of Markdown, one to a chunk, at 200 a second (0 is
unpaced) with the nonce 7; `documents` has the kinds. `GET /stamps` tells of every completion so far.
"""

import asyncio
import functools
import json
import re
import time
from contextlib import suppress
from typing import Any

from tests.bench.documents import tokens_of

SCENARIO = re.compile(r"\b(?P<kind>[a-z]+(?:-[a-z]+)?)-(?P<size>\d+)r(?P<rate>\d+)k(?P<nonce>\d+)")
_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)


def _framed(payload: str) -> bytes:
    """One server-sent event as one HTTP chunk."""
    data = f"data: {payload}\n\n".encode()
    return b"%x\r\n%s\r\n" % (len(data), data)


def _chunk(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    return _framed(
        json.dumps(
            {
                "id": "chatcmpl-mock",
                "object": "chat.completion.chunk",
                "created": 1700000000,
                "model": "mock-model",
                "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}],
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )
    )


@functools.lru_cache(maxsize=32)
def _frames(kind: str, size: int, nonce: str) -> tuple[bytes, ...]:
    return tuple(_chunk({"content": token}) for token in tokens_of(kind, size, nonce))


def _usage(count: int) -> bytes:
    usage = {"prompt_tokens": 10, "completion_tokens": count, "total_tokens": count + 10}
    return _framed(json.dumps({"id": "chatcmpl-mock", "model": "mock-model", "choices": [], "usage": usage}))


class MockServer:
    """Its stamps are of CLOCK_MONOTONIC, in seconds, as those of the terminal."""

    def __init__(self) -> None:
        self.stamps: list[dict[str, Any]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, target, _ = head[0].split(" ", 2)
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
                body = await reader.readexactly(int(headers.get("content-length") or 0))
                await self._route(method, target.partition("?")[0], body, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _route(self, method: str, path: str, body: bytes, writer: asyncio.StreamWriter) -> None:
        if method == "POST" and path.endswith("/chat/completions"):
            await self._complete(json.loads(body), writer)
            return
        answers: dict[str, object] = {
            "/v1/models": {"object": "list", "data": [{"id": "mock-model", "object": "model", "owned_by": "mock"}]},
            "/v1/balance": {"credits_micro": 4_500_000, "credits_dollars": 4.5},
            "/stamps": self.stamps,
        }
        found = answers.get(path)
        data = json.dumps({"error": {"message": "no such route"}} if found is None else found).encode()
        head = f"HTTP/1.1 {404 if found is None else 200} X\r\ncontent-type: application/json\r\n"
        writer.write(f"{head}content-length: {len(data)}\r\n\r\n".encode() + data)
        await writer.drain()

    async def _complete(self, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        received = time.monotonic()
        asked = SCENARIO.search(str(body["messages"][-1]["content"]))
        kind, size, rate, nonce = (
            (asked["kind"], int(asked["size"]), int(asked["rate"]), asked["nonce"]) if asked else ("md", 1, 0, "")
        )
        record: dict[str, Any] = {"nonce": nonce, "received": received, "first": None, "last": None, "sent": 0}
        self.stamps.append(record)
        frames = _frames(kind, size, nonce)
        writer.write(_HEAD + _chunk({"role": "assistant", "content": ""}))
        start = time.monotonic()
        for index, frame in enumerate(frames):
            if rate and (wait := start + index / rate - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            if writer.is_closing():  # the client has heard enough
                return
            writer.write(frame)
            record["last"] = time.monotonic()
            record["first"] = record["first"] or record["last"]
            record["sent"] += 1
            if not rate:  # wait for the reader once the socket is full
                await writer.drain()
        writer.write(_chunk({}, "stop"))
        if (body.get("stream_options") or {}).get("include_usage"):
            writer.write(_usage(len(frames)))
        writer.write(_framed("[DONE]") + b"0\r\n\r\n")
        await writer.drain()


async def _main() -> None:
    server = await asyncio.start_server(MockServer().serve, "127.0.0.1", 0, limit=2**24)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(_main())
