"""What the API answers, as frozen values. Every string is clean, and everything but an id may be missing.

A field that is junk becomes None and never an exception: a malformed extra must not hide valid data. Money is whole
micro-dollars or None, never 0 for "not known".
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr, ValidationError

from relai_tui.api.answers import micro
from relai_tui.api.deltas import (
    Answering,
    Delta,
    Finished,
    QuotaWarning,
    ReasoningDelta,
    TextDelta,
    TokensUsed,
    ToolCallDelta,
)
from relai_tui.api.errors import UnreadableAnswer
from relai_tui.api.request import ChatRequest, Message
from relai_tui.conversation import ToolCall
from relai_tui.text import NAME_LIMIT, NOTHING, CleanText, clean_name

__all__ = [
    "ApiKey",
    "Balance",
    "ChatRequest",
    "Completion",
    "CreatedKey",
    "LedgerEntry",
    "LedgerPage",
    "Message",
    "Model",
    "UsageEvent",
    "UsagePage",
    "read_created_key",
    "read_each",
    "read_value",
]

_PREFIX_LIMIT = 24
_MILLISECONDS_FROM = 100_000_000_000
_SECRET_FIELDS = ("key", "secret", "api_key", "token", "value")
_RELAI_SECRET = re.compile(r"(?:rk-(?:eu|us)-|relai_sk_(?:gbl_)?(?:eu|us)_(?:live|test)_)[A-Za-z0-9_\-]{8,}")
_FOREIGN_SECRET = re.compile(r"[A-Za-z0-9_\-.]{20,1000}")


def _line(value: object, limit: int = NAME_LIMIT) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    return clean_name(str(value), limit) or None


def _line_or_nothing(value: object) -> str:
    return _line(value) or NOTHING


def _count(value: object) -> int | None:
    found = micro(value)
    return found if found is not None and found >= 0 else None


def _whole(value: object) -> int | None:
    if isinstance(value, Decimal) and value.is_finite() and value.adjusted() < 18:
        value = int(value)
    return _count(value)


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _moment(value: object) -> datetime | None:
    """A time as ISO 8601 (without a zone it is UTC) or as seconds or milliseconds since 1970."""
    try:
        if isinstance(value, str) and not value.strip().isdecimal():
            moment = datetime.fromisoformat(value.strip())
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            return None
        number = float(value)
        return datetime.fromtimestamp(number / 1_000 if abs(number) >= _MILLISECONDS_FROM else number, UTC)
    except (ValueError, OverflowError, OSError):
        return None


Line = Annotated[CleanText | None, BeforeValidator(_line)]
Micro = Annotated[int | None, BeforeValidator(micro)]
Count = Annotated[int | None, BeforeValidator(_count)]
Moment = Annotated[datetime | None, BeforeValidator(_moment)]
Flag = Annotated[bool | None, BeforeValidator(_flag)]


class Value(BaseModel):
    """What all values of the wire share: frozen, unknown fields ignored, no input in any error."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Model(Value):
    """A model that may be chatted with."""

    id: Annotated[CleanText, BeforeValidator(_line)]
    owned_by: Line = None


class Balance(Value):
    """The credits of the account."""

    credits_micro: Micro = None
    """Micro-dollars, may be negative; None when the server did not say. The dollars beside it are never read."""
    auto_recharge: Flag = None
    """None on servers without it (edition 1)."""


class ApiKey(Value):
    """An API key of the account, without its secret."""

    id: Annotated[CleanText, BeforeValidator(_line)]
    name: Annotated[CleanText, BeforeValidator(_line_or_nothing)] = NOTHING
    prefix: Annotated[CleanText | None, BeforeValidator(partial(_line, limit=_PREFIX_LIMIT))] = None
    """The start of the key that may be shown; cut, should a server send the whole key here."""
    region: Line = None
    rpm_limit: Count = None
    """Requests a minute."""
    created_at: Moment = None
    last_used_at: Moment = None
    scope: Line = None
    """`regional` or `global` (edition 2)."""
    revoked: Flag = None


class CreatedKey(Value):
    """The answer to a key's creation."""

    secret: SecretStr | None
    """The whole key, shown this once; None when the answer held none."""
    key: ApiKey | None
    """What the answer said of it; None when it said nothing readable."""


class UsageEvent(Value):
    """One request that was charged (edition 2)."""

    request_id: Line = None
    timestamp: Moment = None
    model: Line = None
    tokens_in: Count = None
    tokens_out: Count = None
    cost_micro: Micro = None
    """Micro-dollars."""
    latency_ms: Annotated[int | None, BeforeValidator(_whole)] = None
    status: Line = None


class UsagePage(Value):
    """The requests of a time, and their sums (edition 2)."""

    total_tokens_in: Count = None
    total_tokens_out: Count = None
    total_cost_micro: Micro = None
    """Micro-dollars."""
    total_requests: Count = None
    events: Annotated[tuple[UsageEvent, ...], BeforeValidator(lambda told: tuple(read_each(told, UsageEvent)))] = ()


class LedgerEntry(Value):
    """One movement of the credits (edition 2)."""

    id: Line = None
    delta_micro: Micro = None
    """Micro-dollars; negative for a charge."""
    reason: Line = None
    reference: Line = None
    created_at: Moment = None


class LedgerPage(Value):
    """A page of the ledger (edition 2)."""

    entries: Annotated[tuple[LedgerEntry, ...], BeforeValidator(lambda told: tuple(read_each(told, LedgerEntry)))] = ()
    total: Count = None
    """Entries there are, on all pages."""


class Completion(Value):
    """A whole answer that was not streamed."""

    text: CleanText = NOTHING
    reasoning: CleanText = NOTHING
    model: CleanText | None = None
    """The model that really answered."""
    alias: CleanText | None = None
    finish_reason: CleanText | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    warnings: tuple[QuotaWarning, ...] = ()

    @classmethod
    def of(cls, deltas: Iterable[Delta]) -> "Completion":
        """The answer these deltas make."""
        told: dict[str, Any] = {"text": NOTHING, "reasoning": NOTHING, "tool_calls": (), "warnings": ()}
        for delta in deltas:
            match delta:
                case TextDelta(text):
                    told["text"] += text
                case ReasoningDelta(text):
                    told["reasoning"] += text
                case ToolCallDelta(_, identity, name, arguments):
                    told["tool_calls"] += (ToolCall(identity or NOTHING, name or NOTHING, arguments),)
                case Answering(model, alias):
                    told |= {"model": model, "alias": alias}
                case TokensUsed(prompt, completion):
                    told |= {"prompt_tokens": prompt, "completion_tokens": completion}
                case QuotaWarning():
                    told["warnings"] += (delta,)
                case Finished(reason):
                    told["finish_reason"] = reason
        return cls.model_construct(**told)


ValueT = TypeVar("ValueT", bound=Value)


def read_value(told: object, kind: type[ValueT]) -> ValueT:
    """The value in parsed JSON. Raises `UnreadableAnswer`, without a word of the answer."""
    if isinstance(told, dict):
        try:
            return kind.model_validate(told)
        except ValidationError:
            pass
    raise UnreadableAnswer("The server's answer has another shape than this client knows. Nothing was read from it.")


def read_each(told: object, kind: type[ValueT]) -> Iterator[ValueT]:
    """The values in a list of parsed JSON; entries without what they need (an id) are left out."""
    for entry in told if isinstance(told, list | tuple) else ():
        try:
            yield entry if isinstance(entry, kind) else kind.model_validate(entry)
        except ValidationError:
            continue


def read_created_key(body: bytes) -> CreatedKey:
    """The answer to a key's creation, whatever shape it has. The secret is taken first; nothing raises."""
    text = body.decode("utf-8-sig", "replace")
    try:
        told = json.loads(text, parse_float=Decimal, strict=False)
    except (ValueError, RecursionError, ArithmeticError):
        found = _RELAI_SECRET.search(text)
        return CreatedKey(secret=SecretStr(found[0]) if found else None, key=None)
    objects = list(_objects(told))
    secret = _secret_in(objects)
    described = next((entry for entry in objects if _line(entry.get("id"))), None)
    key = next(read_each([described], ApiKey), None) if described else None
    return CreatedKey(secret=SecretStr(secret) if secret else None, key=key)


def _secret_in(objects: list[Mapping[str, object]]) -> str | None:
    candidates = [
        value.strip()
        for entry in objects
        for name in _SECRET_FIELDS
        if isinstance(value := entry.get(name), str) and value != entry.get("prefix")
    ]
    for pattern in (_RELAI_SECRET, _FOREIGN_SECRET):
        for candidate in candidates:
            if pattern.fullmatch(candidate):
                return candidate
    return None


def _objects(told: object, depth: int = 4) -> Iterator[Mapping[str, object]]:
    """Every object in the JSON, the outer ones first."""
    if isinstance(told, dict):
        yield told
    inside = told.values() if isinstance(told, dict) else told if isinstance(told, list) else ()
    if depth:
        for value in inside:
            yield from _objects(value, depth - 1)
