"""A chat answer as server-sent events: frames built beforehand, faults worked in, and played at a pace."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from relai_tui.sandbox.faults import Fault
from relai_tui.sandbox.script import Answer, ToolCall

WRITE_BYTES = 16 * 1024
"""Frames that are due are joined to writes of about this size."""
_PIECES_OF_ARGUMENTS = 6


class Frame(NamedTuple):
    """Bytes to send, the tokens charged for them, and what to do after."""

    data: bytes
    tokens: int = 0
    then: Literal["", "charge", "stall", "cut"] = ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What all chunks of one stream have in common."""

    id: str
    created: int
    model: str
    lean: bool = False

    def chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        """One event with this delta."""
        head: dict[str, Any] = {"id": self.id}
        choice: dict[str, Any] = {"delta": delta}
        if not self.lean:
            head |= {"object": "chat.completion.chunk", "created": self.created, "model": self.model}
            choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        elif finish_reason is not None:
            choice["finish_reason"] = finish_reason
        return event(head | {"choices": [choice]})

    def usage(self, usage: dict[str, int], choices: list[dict[str, Any]]) -> bytes:
        """The event that carries the token counts."""
        head = {"id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model}
        return event(head | {"choices": choices, "usage": usage})


def event(data: Any, name: str | None = None) -> bytes:
    """One server-sent event with JSON data."""
    named = f"event: {name}\n" if name else ""
    return f"{named}data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


@lru_cache(maxsize=4096)
def _quoted(token: str) -> bytes:
    return json.dumps(token, ensure_ascii=False).encode()


def token_frames(answer: Answer, envelope: Envelope) -> Iterator[Frame]:
    """The role, then a frame for about each token, without the end."""
    yield Frame(envelope.chunk({"role": "assistant", "content": ""}))
    for name, tokens in ((answer.reasoning_field, answer.reasoning), ("content", answer.content)):
        # A chunk with a placeholder, split around it: the long answers are built by joining bytes.
        before, after = envelope.chunk({name: "\0"}).split(b'"\\u0000"')
        for token in tokens:
            yield Frame(before + _quoted(token) + after, 1)
    for index, call in enumerate(answer.tool_calls):
        yield from _call_frames(index, call, envelope)


def endless_frames(envelope: Envelope) -> Iterator[Frame]:
    """Prose without end, a paragraph of a few hundred characters in each frame."""
    frame = Frame(envelope.chunk({"content": "This answer goes on and on. " * 20 + "\n\n"}), 140)
    while True:
        yield frame


def _call_frames(index: int, call: ToolCall, envelope: Envelope) -> Iterator[Frame]:
    first = {"index": index, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
    yield Frame(envelope.chunk({"tool_calls": [first]}), 1)
    for piece in argument_pieces(call.arguments):
        more = {"index": index, "function": {"arguments": piece}}
        yield Frame(envelope.chunk({"tool_calls": [more]}), 1)


def argument_pieces(arguments: str) -> list[str]:
    """A tool call's JSON text as it is streamed, a few characters each."""
    return re.findall(rf"(?s).{{1,{_PIECES_OF_ARGUMENTS}}}", arguments)


def token_count(answer: Answer) -> int:
    """The tokens of a whole answer, as its frames count them."""
    calls = sum(1 + len(argument_pieces(call.arguments)) for call in answer.tool_calls)
    return len(answer.reasoning) + len(answer.content) + calls


def misbehave(frames: Iterable[Frame], fault: Fault) -> Iterator[Frame]:
    """The frames as the fault has them."""
    ending = fault.line_end.encode()
    for number, frame in enumerate(_disturbed(frames, fault)):
        data = frame.data if ending == b"\n" else frame.data.replace(b"\n", ending)
        if number == 0 and fault.bom:
            data = b"\xef\xbb\xbf" + data
        yield frame._replace(data=data)


def _disturbed(frames: Iterable[Frame], fault: Fault) -> Iterator[Frame]:
    inserts = sorted(fault.insert)
    end, then = _end(fault)
    sent = 0
    for number, frame in enumerate(frames):
        while inserts and inserts[0][0] <= sent and number:
            yield Frame(inserts.pop(0)[1])
        if fault.empty or (end is not None and sent >= end and number):
            yield Frame(b"", then=then)
            return
        yield frame
        sent += frame.tokens
        if fault.keep_alive_every and frame.tokens and sent % fault.keep_alive_every == 0:
            yield Frame(b": keep-alive\n\n")


def _end(fault: Fault) -> tuple[int | None, Literal["", "stall", "cut"]]:
    if fault.stall_after is not None:
        return fault.stall_after, "stall"
    if fault.cut_after is not None:
        return fault.cut_after, "cut"
    return fault.end_after, ""


class Player:
    """Sends frames at a pace and counts the tokens that went out.

    `gone` is done when the client left. `charge` is called with the tokens sent when a frame says so, which is before
    the end is told: who reads the balance after [DONE] must find the charge in it.
    """

    def __init__(
        self,
        send: Callable[[bytes], Awaitable[None]],
        gone: asyncio.Future[Any],
        *,
        charge: Callable[[int], None],
        tokens_per_second: float,
        write_size: int = 0,
    ) -> None:
        self.sent_tokens = 0
        self._charge = charge
        self._send = send
        self._gone = gone
        self._rate = tokens_per_second
        self._write_size = write_size
        self._waiting = bytearray()
        self._waiting_tokens = 0

    async def play(self, frames: Iterable[Frame]) -> Literal["", "cut", "gone"]:
        """Send them all. Returns how it went: to the end, to a cut (the caller breaks the line), or the client left."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        tokens = 0
        for frame in frames:
            tokens += frame.tokens
            if self._rate and frame.tokens and (due := start + tokens / self._rate) > loop.time():
                await self._flush()
                await asyncio.wait({self._gone}, timeout=due - loop.time())
            if self._gone.done():
                return "gone"
            self._waiting += frame.data
            self._waiting_tokens += frame.tokens
            if len(self._waiting) >= WRITE_BYTES or self._write_size:
                await self._flush()
            if frame.then:
                await self._flush()
            if frame.then == "charge":
                self._charge(self.sent_tokens)
            elif frame.then == "cut":
                return "cut"
            elif frame.then == "stall":
                await asyncio.wait({self._gone})
        await self._flush()
        return "gone" if self._gone.done() else ""

    async def _flush(self) -> None:
        if not self._waiting:
            return
        data, self._waiting = bytes(self._waiting), bytearray()
        for start in range(0, len(data), self._write_size or len(data)):
            await self._send(data[start : start + (self._write_size or len(data))])
            await asyncio.sleep(0)
            if self._gone.done():
                return
        self.sent_tokens += self._waiting_tokens
        self._waiting_tokens = 0
