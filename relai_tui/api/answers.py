"""Answers that say no: every shape a server or a proxy in between may give an error, as one error of our tree.

The words say what happened and what to do next, and never hold a key: a server that echoes it is masked (T15, T21).
"""

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from relai_tui.api.errors import (
    BadRequest,
    Forbidden,
    InsufficientBalance,
    KeyRefused,
    ModelNotFound,
    NotFound,
    NotOffered,
    QuotaExceeded,
    RateLimited,
    RegionMismatch,
    ServerFault,
    ServerRefused,
    UnreadableAnswer,
)
from relai_tui.api.keys import redact
from relai_tui.api.retry import retry_after
from relai_tui.money import dollars
from relai_tui.text import clean_line

if TYPE_CHECKING:
    from pydantic import SecretStr

_DETAIL_LIMIT = 150
_LOOK = "Look at the base URL, or try again later."
_WEB_PAGE = (
    "The server sent a web page, not an answer: perhaps the sign-in page of a network or a proxy. "
    "Sign in there, or look at the base URL."
)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_UNSHOWN = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_INTEGER = re.compile(r"[+-]?[0-9]{1,30}(?:\.0*)?(?:[eE][+-]?[0-9]{1,2})?")

_CLASS_BY_CODE: dict[str, type[ServerRefused]] = {
    "bad_request": BadRequest,
    "invalid_request_error": BadRequest,
    "context_length_exceeded": BadRequest,
    "region_mismatch": RegionMismatch,
    "model_not_available_in_region": RegionMismatch,
    "invalid_api_key": KeyRefused,
    "api_key_not_found": KeyRefused,
    "account_not_provisioned": KeyRefused,
    "authentication_error": KeyRefused,
    "insufficient_balance": InsufficientBalance,
    "permission_error": Forbidden,
    "model_not_found": ModelNotFound,
    "rate_limit_exceeded": RateLimited,
    "rate_limit_error": RateLimited,
    "end_user_quota_exceeded": QuotaExceeded,
    "insufficient_quota": QuotaExceeded,
    "internal_error": ServerFault,
    "database_error": ServerFault,
    "redis_error": ServerFault,
    "upstream_error": ServerFault,
    "home_region_unreachable": ServerFault,
    "server_error": ServerFault,
    "overloaded_error": ServerFault,
}
_CLASS_BY_STATUS: dict[int, type[ServerRefused]] = {
    400: BadRequest,
    401: KeyRefused,
    402: InsufficientBalance,
    403: Forbidden,
    404: NotFound,
    405: NotOffered,
    413: BadRequest,
    422: BadRequest,
    429: RateLimited,
    501: NotOffered,
}
# Codes that name the error more closely than its status; any other code gives way to the status.
_CLOSER: dict[type[ServerRefused], tuple[int, ...]] = {
    RegionMismatch: (400, 403),
    ModelNotFound: (400, 404),
    QuotaExceeded: (402, 403, 429),
    InsufficientBalance: (400, 402, 403, 429),
}
_WORDS: dict[type[ServerRefused], tuple[str, str]] = {
    BadRequest: ("The server cannot take this request", "Change it and send it again."),
    RegionMismatch: ("Key, model and region do not go together", "Use the key's own region, or another model."),
    KeyRefused: ("The server refused the key", "Enter another key."),
    InsufficientBalance: ("The credits do not cover this request", "Top up, then send it again."),
    Forbidden: ("The key may not do this", "Use another key, or ask for the right to."),
    NotFound: ("There is no such thing on the server", "Look at the name and at the base URL."),
    ModelNotFound: ("The server does not know this model", "Pick another model."),
    NotOffered: ("This server does not offer that", "Everything else goes on working."),
    RateLimited: ("Too many requests", "Wait a little, then send it again."),
    QuotaExceeded: ("A quota is used up", "Waiting does not help: raise the quota, or use another key or user."),
    ServerFault: ("The server is in trouble", "Try again in a moment."),
    ServerRefused: ("The server refused", "Try again, or change the request."),
}


_STATUS_WORDS: dict[int, tuple[str, str]] = {
    407: ("The proxy wants a name and a password", "Put them into HTTPS_PROXY: http://name:password@host:port."),
    408: ("The server waited too long for the request", "Try again in a moment."),
    413: ("The request is too large for the server", "Send less: a shorter prompt, or a new conversation."),
    431: ("The request's headers are too large for the server", "Look at the base URL."),
    511: ("The network wants a sign-in first", "Sign in with a browser, then try again."),
}
_MAY_PASS = (408, 409, 425)


@dataclass(frozen=True, slots=True)
class _Told:
    """What an error body says of itself, not yet clean."""

    message: str = ""
    codes: tuple[str, ...] = ()
    param: str | None = None
    figures: Mapping[str, Any] | None = None


def parse_json(body: bytes) -> object:
    """The JSON of a body, numbers as they are written (`Decimal`). Raises `UnreadableAnswer`, without a word of it."""
    value: object = None
    readable = True
    try:
        value = json.loads(
            body.decode("utf-8-sig", "replace"),
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_not_a_number,
            strict=False,
        )
    except (ValueError, RecursionError):
        readable = False
    words = "" if readable else unreadable_words(body[:200])
    del body  # a traceback that shows locals must not show it
    if not readable:
        raise UnreadableAnswer(words)
    return value


def check_is_answer(status: int, headers: Mapping[str, str]) -> None:
    """Raise `UnreadableAnswer` for a head that says yes but brings no answer: 204, or a web page."""
    if status in (204, 205):
        raise UnreadableAnswer(f"The server sent an answer with nothing in it ({status}). {_LOOK}")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml"):
        raise UnreadableAnswer(_WEB_PAGE)


def unreadable_words(start: bytes) -> str:
    """Return what to say of a body that begins like this and is not the JSON or the stream it should be."""
    begin = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not begin:
        return f"The server sent an answer with nothing in it. {_LOOK}"
    if begin.startswith(b"<"):
        return _WEB_PAGE
    return "The server's answer is not the JSON it should be. Look at the base URL, or try again."


def micro(value: object) -> int | None:
    """Micro-dollars from JSON: a whole number, also written as a float or as text; None for everything else (T18)."""
    if isinstance(value, str):
        value = _decimal(value.strip()) if _INTEGER.fullmatch(value.strip()) else None
    if isinstance(value, float):
        value = _decimal(repr(value))
    if isinstance(value, Decimal):
        return int(value) if value.is_finite() and value.adjusted() < 18 and value % 1 == 0 else None
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18 else None


def refusal(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: float,
    key: "SecretStr | None" = None,
    optional: bool = False,
    chat: bool = False,
    feature: str = "",
) -> ServerRefused:
    """The error of an answer with an error status.

    `now` is Unix time in seconds, for dates in Retry-After. `optional` marks a route a server may lack: its 404 is
    `NotOffered`. `chat` marks the chat route, whose 404 is mostly about the model. `feature` names what the route is
    for, where its 404 says that there is no such route.
    """
    try:
        payload = parse_json(body)
    except UnreadableAnswer:
        payload = None
    if isinstance(payload, list) and payload:
        payload = payload[0]
    told = _told(payload) if isinstance(payload, dict) else _Told(_plain(body))
    if told.message.strip() == str(status):
        told = replace(told, message="")
    kind = _class_of(status, told, optional=optional, chat=chat)
    if kind is NotFound and chat:
        feature = "chat at this address"
    return _made(kind, status, told, retry_after(headers, payload, now), key, feature)


def error_in_stream(payload: Mapping[str, Any], key: "SecretStr | None" = None) -> ServerRefused:
    """The error of an error object in mid-stream, or in an answer that says 200."""
    told = _told(payload)
    statuses = [int(code) for code in told.codes if code.isdecimal() and len(code) == 3]
    kind = next((_CLASS_BY_CODE[code] for code in told.codes if code in _CLASS_BY_CODE), None)
    if kind is None:
        kind = _class_of(statuses[0], told, optional=False, chat=True) if statuses else ServerRefused
    return _made(kind, None, told, retry_after({}, payload, 0.0), key)


def _class_of(status: int, told: _Told, *, optional: bool, chat: bool) -> type[ServerRefused]:
    for code in told.codes:
        kind = _CLASS_BY_CODE.get(code)
        if kind is not None and status in _CLOSER.get(kind, ()):
            return kind
    if status == 404 and optional:
        return NotOffered
    if status == 404 and chat and "model" in told.message.lower():
        return ModelNotFound
    return _CLASS_BY_STATUS.get(status, ServerFault if status >= 500 else ServerRefused)


def _made(
    kind: type[ServerRefused],
    status: int | None,
    told: _Told,
    wait: float | None,
    key: "SecretStr | None",
    feature: str = "",
) -> ServerRefused:
    detail = clean_line(redact(told.message, key), _DETAIL_LIMIT).rstrip(".")
    code = redact(told.codes[0], key) if told.codes else None
    param = redact(told.param, key) if told.param else None
    lead, advice = _STATUS_WORDS.get(status or 0, _WORDS[kind])
    if feature and kind is NotOffered:
        lead = f"This server does not offer {feature}"
    elif feature and kind is NotFound:
        lead, advice = f"The server does not offer {feature}", "Look at the base URL."
    number = f" ({status})" if status is not None else ""
    if kind is InsufficientBalance:
        figures = told.figures or {}
        balance, required = micro(figures.get("balance_micro")), micro(figures.get("required_micro"))
        words = _sentence(lead, "; ".join(filter(None, (_figures(balance, required), detail))), number)
        return InsufficientBalance(
            words, advice, status=status, code=code, param=param, balance_micro=balance, required_micro=required
        )
    if wait is not None and kind is RateLimited:
        advice = f"Wait {_duration(wait)}, then send it again."
    elif wait is not None and (kind is ServerFault or status in _MAY_PASS):
        advice = f"It asks to wait {_duration(wait)}. Try again then."
    error = kind(_sentence(lead, detail, number), advice, status=status, code=code, param=param)
    error.retry_after = wait
    return error


def _sentence(lead: str, detail: str, number: str) -> str:
    return f"{lead}{number}{': ' + detail if detail else ''}."


def _figures(balance: int | None, required: int | None) -> str:
    parts = []
    if balance is not None:
        parts.append(f"{dollars(balance)} left")
    if required is not None:
        parts.append(f"{dollars(required)} needed")
    return ", ".join(parts)


def _duration(seconds: float) -> str:
    whole = max(1, round(seconds))
    if whole < 120:
        return f"{whole} s"
    if whole < 7_200:
        return f"{round(whole / 60)} min"
    return f"{round(whole / 3_600)} h" if whole < 48 * 3_600 else f"{round(whole / 86_400)} days"


def _told(payload: Mapping[str, Any]) -> _Told:
    error = payload.get("error") or payload.get("detail") or payload.get("errors") or payload
    if isinstance(error, list):
        error = error[0] if error else payload
    if isinstance(error, str):
        return _Told(error, _codes(payload), figures=payload)
    if not isinstance(error, dict):
        return _Told("", _codes(payload), figures=payload)
    said = next(
        (text for name in ("message", "msg", "detail", "error", "title") if isinstance(text := error.get(name), str)),
        "",
    )
    param, place = error.get("param"), error.get("loc")
    if isinstance(place, list):
        param = ".".join(str(part) for part in place[:8])
    figures = {**payload, **error}
    return _Told(said, _codes(error), param if isinstance(param, str) else None, figures)


def _codes(error: Mapping[str, Any]) -> tuple[str, ...]:
    found = (error.get("code"), error.get("type"))
    return tuple(
        str(code) for code in found if isinstance(code, str | int) and not isinstance(code, bool) and code != ""
    )


def _plain(body: bytes) -> str:
    text = body.decode("utf-8", "replace")
    if "<" not in text:
        return text.strip()
    title = _TITLE.search(text)
    return html.unescape(title[1] if title and title[1].strip() else _UNSHOWN.sub(" ", text)).strip()


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("NaN")


def _integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) < 40 else _decimal(digits)


def _not_a_number(_name: str) -> None:
    return None
