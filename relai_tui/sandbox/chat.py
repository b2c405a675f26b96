"""`POST /chat/completions`: what may be asked, and the answer as one JSON body or as a stream."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send

from relai_tui.sandbox.account import MINIMUM_OUTPUT_TOKENS, Account
from relai_tui.sandbox.faults import Fault, Faults
from relai_tui.sandbox.keys import Key
from relai_tui.sandbox.models import ALIASES, Model, resolve
from relai_tui.sandbox.refusals import Refusal, bad_request, insufficient_balance, model_not_found, quota_exceeded
from relai_tui.sandbox.script import Answer, answer, prompt_tokens
from relai_tui.sandbox.stream import (
    Envelope,
    Frame,
    Player,
    endless_frames,
    event,
    misbehave,
    token_count,
    token_frames,
)
from relai_tui.sandbox.users import warning

LONGEST_WAIT = 5.0
"""Seconds; an answer in one piece never takes longer, whatever the pace."""
CLIENT_CLOSED = 499
HangUp = Callable[[Scope, bool], None]
"""Breaks the connection of a scope; with True by a TCP reset."""

_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A request that passed the checks."""

    name: str
    """The id or alias that was asked."""
    model: Model
    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]]
    max_tokens: int | None
    stream: bool
    include_usage: bool
    user: str | None
    tokens_in: int


def checked(body: dict[str, Any], *, edition: int, region: str) -> ChatRequest:
    """What a body asks for. Raises Refusal: 400 with `param`, or 404 for an unknown model."""
    name = body.get("model")
    if not isinstance(name, str) or not name:
        raise bad_request("'model' must be the id of a model or an alias.", "model")
    messages = _messages(body.get("messages"))
    _temperature(body.get("temperature"))
    stream = _flag(body, "stream")
    options = body.get("stream_options")
    if options is not None and (not stream or not isinstance(options, dict)):
        raise bad_request("'stream_options' must be an object, and only with stream: true.", "stream_options")
    user = body.get("user") if edition > 1 else None
    if user is not None and (not isinstance(user, str) or not user):
        raise bad_request("'user' must be a string.", "user")
    model = resolve(name, edition=edition)
    if model is None:
        raise model_not_found(name)
    if region not in model.regions:
        where = f"The model '{model.id}' is not available in the region '{region}'."
        raise Refusal(400, "model_not_available_in_region", where, param="model")
    return ChatRequest(
        name=name,
        model=model,
        messages=messages,
        tools=_tools(body.get("tools")),
        max_tokens=_max_tokens(body),
        stream=stream,
        include_usage=bool(options and options.get("include_usage")),
        user=user,
        tokens_in=prompt_tokens(messages),
    )


def _messages(messages: Any) -> list[dict[str, Any]]:
    if not isinstance(messages, list) or not messages:
        raise bad_request("'messages' must be a list with at least one message.", "messages")
    for number, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            raise bad_request(f"messages[{number}] must be an object with a known 'role'.", f"messages[{number}].role")
        content = message.get("content")
        if not isinstance(content, str | list) and not (content is None and message["role"] == "assistant"):
            raise bad_request(f"messages[{number}] must have 'content'.", f"messages[{number}].content")
    return messages


def _temperature(value: Any) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 2:
        raise bad_request("'temperature' must be a number from 0 to 2.", "temperature")


def _max_tokens(body: dict[str, Any]) -> int | None:
    param = "max_completion_tokens" if body.get("max_completion_tokens") is not None else "max_tokens"
    value = body.get(param)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise bad_request(f"'{param}' must be a whole number of at least 1.", param)
    return value


def _flag(body: dict[str, Any], name: str) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise bad_request(f"'{name}' must be true or false.", name)
    return bool(value)


def _tools(tools: Any) -> list[dict[str, Any]]:
    if tools is None:
        return []
    if not isinstance(tools, list):
        raise bad_request("'tools' must be a list.", "tools")
    for number, tool in enumerate(tools):
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str) or not function["name"]:
            raise bad_request(f"tools[{number}] must be a function with a name.", f"tools[{number}]")
    return tools


def shortened(said: Answer, max_tokens: int | None) -> Answer:
    """The answer within `max_tokens`, reasoning included; a cut one finishes with `length`."""
    if max_tokens is None or len(said.reasoning) + len(said.content) <= max_tokens:
        return said
    reasoning = said.reasoning[:max_tokens]
    content = said.content[: max_tokens - len(reasoning)]
    return replace(said, reasoning=reasoning, content=content, finish_reason="length")


def warnings_for(account: Account, request: ChatRequest) -> list[dict[str, Any]]:
    """The quota warnings the answer carries. Raises Refusal when a quota is used up."""
    if request.user is None:
        return []
    user = account.end_user(request.user)
    near = user.alert_threshold if user.alert_threshold is not None else account.settings.default_alert_threshold
    monthly, daily = (account.spent_micro(request.user, monthly=period) for period in (True, False))
    shares = user.shares(monthly, daily)
    for period, share in shares:
        if share >= 1:
            raise quota_exceeded(request.user, period)
    return [warning(period, share) for period, share in shares if share >= near]


class Chat:
    """One request from its checks to its charge; an ASGI application for itself once made."""

    def __init__(
        self,
        account: Account,
        faults: Faults,
        key: Key,
        body: dict[str, Any],
        *,
        edition: int,
        tokens_per_second: float,
        hang_up: HangUp,
    ) -> None:
        self.account, self.faults, self.key, self.edition = account, faults, key, edition
        self.request = checked(body, edition=edition, region=account.region)
        self.warnings = warnings_for(account, self.request)
        required = self.request.model.cost_micro(self.request.tokens_in, MINIMUM_OUTPUT_TOKENS)
        if account.credits_micro < required:
            raise insufficient_balance(account.credits_micro, required)
        said = answer(self.request.messages, self.request.tools, model=self.request.model.id)
        self.said = shortened(said, self.request.max_tokens)
        self.rate = tokens_per_second if said.tokens_per_second is None else said.tokens_per_second
        self.token = account.new_token()
        self._hang_up = hang_up
        self._charged = False
        self._started = time.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and charge for what was sent."""
        gone = asyncio.ensure_future(_left(receive))
        try:
            if self.request.stream:
                await self._stream(scope, send, gone)
            else:
                await self._whole(scope, receive, send, gone)
        finally:
            gone.cancel()
            await asyncio.wait({gone})

    def _headers(self) -> dict[str, str]:
        headers = {"X-Request-Id": f"req_{self.token}"}
        if self.edition > 1:
            headers["X-Relai-Model"] = self.request.model.id
            if self.request.name in ALIASES:
                headers["X-Relai-Alias"] = self.request.name
        return headers

    def _charge(self, tokens_out: int, status: int = 200) -> None:
        if self._charged:
            return
        self._charged = True
        self.account.charge(
            self.request.model,
            self.request.tokens_in,
            tokens_out,
            key=self.key,
            request_id=f"req_{self.token}",
            user=self.request.user,
            latency_ms=int((time.monotonic() - self._started) * 1000),
            status=status,
        )

    def _usage(self) -> dict[str, int]:
        tokens_in, tokens_out = self.request.tokens_in, token_count(self.said)
        return {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}

    def _envelope(self, *, lean: bool) -> Envelope:
        return Envelope(f"chatcmpl-{self.token}", int(self.account.clock()), self.request.model.id, lean)

    async def _whole(self, scope: Scope, receive: Receive, send: Send, gone: asyncio.Future[None]) -> None:
        usage = self._usage()
        if self.rate:
            await asyncio.wait({gone}, timeout=min(usage["completion_tokens"] / self.rate, LONGEST_WAIT))
        self._charge(usage["completion_tokens"], CLIENT_CLOSED if gone.done() else 200)
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self.said.content)}
        if self.said.reasoning:
            message[self.said.reasoning_field] = "".join(self.said.reasoning)
        if self.said.tool_calls:
            calls = [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in self.said.tool_calls
            ]
            message |= {"content": None, "tool_calls": calls}
        envelope = self._envelope(lean=False)
        body: dict[str, Any] = {
            "id": envelope.id,
            "object": "chat.completion",
            "created": envelope.created,
            "model": envelope.model,
            "choices": [{"index": 0, "message": message, "finish_reason": self._reason(scope.get("fault"))}],
            "usage": usage,
        }
        if self.warnings:
            body["relai"] = {"warnings": self.warnings}
        await JSONResponse(body, headers=self._headers())(scope, receive, send)

    async def _stream(self, scope: Scope, send: Send, gone: asyncio.Future[None]) -> None:
        fault: Fault = scope.get("fault") or Fault()
        content_type = fault.content_type or "text/event-stream; charset=utf-8"
        headers = self._headers() | {"Content-Type": content_type, "Cache-Control": "no-cache"} | fault.headers
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            }
        )

        async def write(data: bytes) -> None:
            await send({"type": "http.response.body", "body": data, "more_body": True})

        player = Player(write, gone, charge=self._charge, tokens_per_second=self.rate, write_size=fault.write_size)
        how = "gone"
        try:
            how = await player.play(misbehave(self._frames(fault), fault))
        finally:
            self._charge(player.sent_tokens, CLIENT_CLOSED if how == "gone" else 200)
        if how == "cut":
            self._hang_up(scope, fault.reset)
            await asyncio.wait({gone})
        elif how == "":
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _frames(self, fault: Fault) -> Iterator[Frame]:
        envelope = self._envelope(lean=fault.lean)
        yield from token_frames(self.said, envelope)
        if fault.endless:
            yield from endless_frames(envelope)
        yield Frame(b"", then="charge")
        if not fault.no_finish:
            yield Frame(envelope.chunk({}, self._reason(fault)))
        if self.request.include_usage:
            choices = [{"index": 0, "delta": {}, "finish_reason": None}] if fault.usage_with_choices else []
            yield Frame(envelope.usage(self._usage(), choices))
        for data in self._warning_events(envelope):
            yield Frame(data)
        if not fault.no_done:
            yield Frame(b"data: [DONE]\n\n")

    def _reason(self, fault: Fault | None) -> str:
        return fault.finish_reason if fault and fault.finish_reason else self.said.finish_reason

    def _warning_events(self, envelope: Envelope) -> list[bytes]:
        if not self.warnings:
            return []
        if self.faults.warning_form == "bare":
            return [event(one, "relai.warning") for one in self.warnings]
        if self.faults.warning_form == "chunk":
            return [event({"id": envelope.id, "choices": [], "relai": {"warnings": self.warnings}})]
        return [event({"warnings": self.warnings}, "relai.warning")]


async def _left(receive: Receive) -> None:
    """Done when the client has gone."""
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            return
