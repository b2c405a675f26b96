"""The Relai API as one coroutine an endpoint, for both editions and for any other OpenAI-compatible server.

Nothing heavy is imported before the first request; `warm` does it ahead of time, in a thread, after the first paint.
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from relai_tui.api.address import Address, check_allowed, choose_address
from relai_tui.api.answers import check_is_answer, error_in_stream, parse_json
from relai_tui.api.deadline import Deadline
from relai_tui.api.deltas import Delta, Waiting
from relai_tui.api.errors import (
    ConnectionFailed,
    Interrupted,
    NotOffered,
    RefusedToSend,
    RelaiError,
    ServerRefused,
    TimedOut,
    UnreadableAnswer,
)
from relai_tui.api.exchange import BODY_LIMIT, Call, Exchange, Rhythm
from relai_tui.api.exchange import warm as warm
from relai_tui.api.keys import key_format
from relai_tui.api.progress import Observer, OnWait
from relai_tui.api.request import ChatRequest
from relai_tui.api.stream import ChatStreamReader
from relai_tui.api.timeouts import Timeouts

if TYPE_CHECKING:
    from pydantic import SecretStr

    from relai_tui.api.models import ApiKey, Balance, Completion, CreatedKey, LedgerPage, Model, UsagePage
    from relai_tui.api.wire import Reply
    from relai_tui.text import CleanText

MOST_PAGES = 50
"""Pages of a list that are followed."""

_PATIENT = Timeouts()
_CHAT = Call("POST", "/chat/completions", chat=True, stream=True)
_KEYS = "API keys"


class Client:
    """A server and a key. Makes one pool of connections at the first request; `aclose` ends it.

    Raises `RefusedToSend` (`WrongRegion`, `InsecureAddress`) when made with a key that may not go to the address.
    With `read_only` whatever would change the account raises `RefusedToSend`.
    `observer` is told why a request that is not streamed takes long; a method's own `on_wait` goes before it.
    `sleep`, `chance` (0 to 1) and `now` (Unix time in seconds) are what retries go by.
    """

    def __init__(
        self,
        base_url: str | None,
        key: "SecretStr | None",
        *,
        region: str | None = None,
        allow_insecure_hosts: frozenset[str] = frozenset(),
        timeouts: Timeouts = _PATIENT,
        read_only: bool = False,
        observer: Observer | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._address: Address = choose_address(base_url, key, region)
        check_allowed(self._address, key, region, allow_insecure_hosts)
        self._key = key
        told = key_format(key) if key is not None else None
        spoken = (self._address.region or region or told.region) if told and told.edition == 2 else None
        self._timeouts = timeouts
        self._read_only = read_only
        self._exchange = Exchange(self._address, key, spoken, timeouts, Rhythm(sleep, chance, now), observer)
        self._ask_usage = True

    def __repr__(self) -> str:
        return f"Client({self.base_url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    @property
    def base_url(self) -> str:
        """Where requests go, without a trailing slash."""
        return self._address.base_url

    @property
    def official(self) -> bool:
        """True when the server is one of Relai's own."""
        return self._address.official

    async def models(self, on_wait: OnWait | None = None) -> "tuple[Model, ...]":
        """The models that may be chatted with, in the server's order; aliases are not among them."""
        from relai_tui.api.models import Model, read_each

        told = await self._get("/models", on_wait, optional=True, feature="a list of models")
        return tuple(read_each(_entries(told, "data", "models"), Model))

    async def balance(self, on_wait: OnWait | None = None, *, once: bool = False) -> "Balance":
        """The credits. Raises `NotOffered` on servers without a balance.

        `once` asks without trying again: for who asks time and again anyway, and keeps the server's rhythm itself.
        """
        from relai_tui.api.models import Balance, read_value

        told = await self._get("/balance", on_wait, optional=not self.official, once=once, feature="a balance")
        return read_value(told, Balance)

    async def set_auto_recharge(self, wanted: bool) -> "Balance":
        """Turn the automatic top-up on or off (edition 2). Raises `NotOffered`."""
        from relai_tui.api.models import Balance, read_value

        self._check_may_change()
        body = b'{"auto_recharge":true}' if wanted else b'{"auto_recharge":false}'
        call = Call("PATCH", "/balance", body, optional=True, feature="automatic top-up")
        answer = await self._changed(call)
        told = parse_json(answer) if answer.strip() else {"auto_recharge": wanted}
        trouble = self._trouble_in(told, call)
        if trouble is not None:
            del answer, told  # a traceback that shows locals must not show them
            raise trouble
        return read_value(told, Balance)

    async def keys(self, on_wait: OnWait | None = None) -> "tuple[ApiKey, ...]":
        """The keys of the account, all pages. Raises `NotOffered` on servers without keys."""
        from relai_tui.api.models import ApiKey, read_each

        found: dict[CleanText, ApiKey] = {}
        call = Call("GET", "/keys", optional=not self.official, feature=_KEYS)
        async with self._exchange.deadline(call) as deadline:
            for _ in range(MOST_PAGES):
                told = await self._told(call, deadline, on_wait)
                page = {key.id: key for key in read_each(_entries(told, "keys", "data"), ApiKey)}
                news = page.keys() - found.keys()
                found |= page
                query = _next_page(told, list(page))
                if not query or not news:
                    break
                call = replace(call, path=f"/keys?{urlencode(query)}")
        return tuple(found.values())

    async def create_key(self, name: str, rpm_limit: int | None, scope: str | None = None) -> "CreatedKey":
        """Create a key. Sent once and never again by itself; `rpm_limit` is in requests a minute.

        On an error ask `may_have_happened`: the key may exist all the same, and its secret be lost (T10).
        """
        from relai_tui.api.models import read_created_key

        self._check_may_change()
        wished = {"name": name, "rpm_limit": rpm_limit, "scope": scope}
        body = json.dumps({field: value for field, value in wished.items() if value is not None}).encode()
        call = Call("POST", "/keys", body, optional=not self.official, feature=_KEYS)
        answer = await self._changed(call)
        created = read_created_key(answer)
        if created.secret is None and created.key is None:
            trouble = self._trouble_in(_parsed(answer), call)
            if trouble is not None:
                del answer  # a traceback that shows locals must not show it
                raise trouble
        return created

    async def revoke_key(self, key_id: str) -> None:
        """Revoke a key, for good. Raises `NotFound` when there is no such key (any more)."""
        self._check_may_change()
        if not key_id.strip("."):
            raise RefusedToSend("This key has no id that can be sent. Nothing was revoked.")
        await self._changed(Call("DELETE", f"/keys/{quote(key_id, safe='')}"))

    async def usage(
        self,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        key: str | None = None,
        user: str | None = None,
        model: str | None = None,
        limit: int | None = None,
        on_wait: OnWait | None = None,
    ) -> "UsagePage":
        """The charged requests of a time (edition 2); `key` is a key's id, `model` takes `*`. Raises `NotOffered`."""
        from relai_tui.api.models import UsagePage, read_value

        times = {"from": start.isoformat() if start else None, "to": end.isoformat() if end else None}
        rest = {"key": key, "user": user, "model": model, "limit": limit}
        told = await self._get("/usage", on_wait, times | rest, optional=True, feature="usage records")
        return read_value(told, UsagePage)

    async def ledger(
        self, *, limit: int | None = None, offset: int | None = None, on_wait: OnWait | None = None
    ) -> "LedgerPage":
        """The movements of the credits, newest first (edition 2). Raises `NotOffered`."""
        from relai_tui.api.models import LedgerPage, read_value

        page = {"limit": limit, "offset": offset}
        told = await self._get("/billing/ledger", on_wait, page, optional=True, feature="a ledger")
        return read_value(told, LedgerPage)

    async def chat(self, request: ChatRequest, on_wait: OnWait | None = None) -> "Completion":
        """A whole answer in one piece. A stream is better for anything a person waits for."""
        from relai_tui.api.models import Completion

        async with aclosing(self.whole_chat(request, on_wait)) as deltas:
            return Completion.of([delta async for delta in deltas])

    async def whole_chat(self, request: ChatRequest, on_wait: OnWait | None = None) -> AsyncGenerator[Delta, None]:
        """The deltas of an answer that is asked for in one piece. Raises as `stream_chat`, after what came."""
        call, exchange = Call("POST", "/chat/completions", request.body(stream=False), chat=True), self._exchange
        async with exchange.deadline(call) as deadline:
            reply = await exchange.with_retries(exchange.open, call, deadline, on_wait)
            try:
                reader = await self._read_whole(reply)
            finally:
                await exchange.close(reply)
        for delta in reader.flush():
            yield delta
        for delta in reader.end():
            yield delta

    async def stream_chat(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """The deltas of an answer, as they come; `Finished` is the last of a whole one.

        To be used with `contextlib.aclosing`: closing it closes the socket at once. Yields `Waiting` before a wait.
        Raises `Interrupted` when the answer broke off after it began, and any other `RelaiError`.
        """
        attempt = 1
        reply: Reply | None = None
        while reply is None:
            waiting: Waiting | None = None
            try:
                reply = await self._open_stream(request)
            except RelaiError as error:
                waiting = self._exchange.wait_for(error, attempt, _CHAT)
                if waiting is None:
                    raise
            if waiting is not None:
                yield waiting
                await self._exchange.sleep(waiting)
                attempt += 1
        try:
            deltas = self._whole_as_stream(reply) if _is_json(reply) else self._streamed(reply)
            async with aclosing(deltas):
                async for delta in deltas:
                    yield delta
        finally:
            await self._exchange.close(reply)

    async def aclose(self) -> None:
        """Close every connection. May be called twice; no request can be made afterwards."""
        await self._exchange.aclose()

    async def _streamed(self, reply: "Reply") -> AsyncGenerator[Delta, None]:
        check_is_answer(reply.status, reply.headers)
        reader = self._reader(reply)
        for delta in reader.feed(b""):
            yield delta
        begun, trouble, clock = False, None, asyncio.get_running_loop().time
        said_at = clock()
        while not reader.over:
            try:
                piece = await reply.piece(self._patience(begun, reader))
            except RelaiError as error:
                trouble = error
                break
            if piece is None:
                break
            begun = True
            for delta in reader.feed(piece):
                said_at = clock()
                yield delta
            piece = None  # a traceback that shows locals must not show an error that repeats the key
            if clock() - said_at > self._timeouts.whole_answer:
                trouble = TimedOut(f"The server said nothing of the answer for {self._timeouts.whole_answer:g} s.")
                break
        for delta in reader.flush():
            yield delta
        if trouble is not None and not reader.finishing:
            raise _broken_off(trouble, begun)
        for delta in reader.end():
            yield delta
        await reply.drain(self._timeouts.drain)

    async def _whole_as_stream(self, reply: "Reply") -> AsyncGenerator[Delta, None]:
        async with self._exchange.deadline(replace(_CHAT, stream=False)):
            reader = await self._read_whole(reply)
        for delta in reader.flush():
            yield delta
        for delta in reader.end():
            yield delta

    async def _read_whole(self, reply: "Reply") -> ChatStreamReader:
        """A reader that holds an answer that is one piece of JSON."""
        check_is_answer(reply.status, reply.headers)
        try:
            completion = _completion(await reply.read(BODY_LIMIT, self._timeouts.whole_answer, self._timeouts.silence))
        except ConnectionFailed as error:
            trouble = Interrupted(f"The answer broke off: {error.message} Nothing of it came; it may be charged.")
        else:
            reader = self._reader(reply)
            reader.whole(completion)
            del completion  # a traceback that shows locals must not show it
            return reader
        raise trouble

    def _reader(self, reply: "Reply") -> ChatStreamReader:
        headers = reply.headers
        return ChatStreamReader(model=headers.get("x-relai-model"), alias=headers.get("x-relai-alias"), key=self._key)

    def _patience(self, begun: bool, reader: ChatStreamReader) -> float:
        if reader.finishing:
            return self._timeouts.ending
        return self._timeouts.silence if begun else self._timeouts.first_byte

    async def _get(
        self,
        path: str,
        on_wait: OnWait | None,
        query: Mapping[str, str | int | None] | None = None,
        *,
        feature: str,
        optional: bool = False,
        once: bool = False,
    ) -> object:
        """The parsed JSON of a GET, tried again where that may help, unless it is asked `once`."""
        wished = {name: str(value) for name, value in (query or {}).items() if value is not None}
        whole_path = f"{path}?{urlencode(wished)}" if wished else path
        call = Call("GET", whole_path, optional=optional, feature=feature)
        async with self._exchange.deadline(call) as deadline:
            return await self._told(call, deadline, on_wait, once=once)

    async def _told(self, call: Call, deadline: Deadline, on_wait: OnWait | None, *, once: bool = False) -> object:
        exchange = self._exchange
        body = exchange.answer(call) if once else exchange.with_retries(exchange.answer, call, deadline, on_wait)
        told = parse_json(await body)
        trouble = self._trouble_in(told, call)
        if trouble is not None:
            del told  # a traceback that shows locals must not show it
            raise trouble
        return told

    async def _changed(self, call: Call) -> bytes:
        """The body of the answer to a change, which is sent once."""
        async with self._exchange.deadline(call):
            return await self._exchange.answer(call)

    def _check_may_change(self) -> None:
        if self._read_only:
            raise RefusedToSend("This is --read-only: nothing was sent, and nothing of the account is changed.")

    def _trouble_in(self, told: object, call: Call) -> ServerRefused | None:
        """The error in an answer that says 200: some servers do so, also on routes they do not have."""
        if not isinstance(told, dict) or not told.get("error"):
            return None
        if call.optional:
            return NotOffered(f"This server does not offer {call.feature}.", status=200)
        return error_in_stream(told, self._key)

    async def _open_stream(self, request: ChatRequest) -> "Reply":
        """A stream's reply. Servers that do not know `stream_options` are asked without, from then on."""
        try:
            return await self._exchange.open(self._stream_call(request))
        except ServerRefused as error:
            if error.status not in (400, 422) or not self._ask_usage or not _names_stream_options(error):
                raise
        self._ask_usage = False
        return await self._exchange.open(self._stream_call(request))

    def _stream_call(self, request: ChatRequest) -> Call:
        return replace(_CHAT, content=request.body(stream=True, ask_usage=self._ask_usage))


def _is_json(reply: "Reply") -> bool:
    return reply.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def _parsed(body: bytes) -> object:
    try:
        return parse_json(body)
    except UnreadableAnswer:
        return None


def _completion(body: bytes) -> dict[str, Any]:
    told = parse_json(body)
    if not isinstance(told, dict) or not ("choices" in told or told.get("error")):
        del body, told  # a traceback that shows locals must not show them
        raise UnreadableAnswer("The server's answer is not a chat completion. Look at the base URL.")
    return told


def _broken_off(trouble: RelaiError, begun: bool) -> RelaiError:
    if not begun or not isinstance(trouble, ConnectionFailed):
        return trouble
    return Interrupted(f"The answer broke off: {trouble.message} What came before is kept.")


def _names_stream_options(error: ServerRefused) -> bool:
    return "stream_options" in f"{error.message} {error.param}"


def _entries(told: object, *names: str) -> list[Any]:
    """The list in an answer, under one of these names or bare. Raises `UnreadableAnswer` when there is none."""
    found = told if isinstance(told, list) else None
    if isinstance(told, dict):
        found = next((told[name] for name in names if isinstance(told.get(name), list)), None)
    if found is None:
        raise UnreadableAnswer("The server's answer holds no list. Nothing was read from it.")
    return found


def _next_page(told: object, ids: "list[CleanText]") -> dict[str, str]:
    """The query of the next page; empty when there is none. Only the query of a link is used, never its host."""
    if not isinstance(told, dict):
        return {}
    link = told.get("next") or told.get("next_cursor")
    if isinstance(link, str) and ("?" in link or link.startswith(("/", "http"))):
        return dict(parse_qsl(urlsplit(link).query))
    if isinstance(link, str):
        return {"cursor": link}
    return {"after": ids[-1]} if told.get("has_more") is True and ids else {}
