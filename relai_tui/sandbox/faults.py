"""Misbehaviour on request: what a server, a proxy or the network between may do.

A `Fault` says what goes wrong; `Faults.add` says where and how often::

    sandbox.faults.add(html(502), times=2)                        # the next two requests of any kind
    sandbox.faults.add(cut(after=3))                              # each stream breaks off after three tokens
    sandbox.faults.add(lost_answer(), method="POST", path="/keys", times=1)

The same over HTTP, with the sandbox's token in `X-Sandbox-Token`: `POST /__sandbox/faults` with
`{"preset": "cut", "after": 3, "times": 1}`, or with the fields of `Fault` instead of a preset; `GET` lists what is set
and `DELETE` clears it; `revocation_lag`, `clock_skew` and `warning_form` may be among the fields. Paths are those below
`/v1`, with `*`.
"""

import gzip
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from fnmatch import fnmatchcase
from typing import Any, Literal

CHAT = "/chat/completions"
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One kind of misbehaviour; several may go together (a delay, and then a cut)."""

    path: str = "*"
    """Below `/v1`, with `*` as in a shell."""
    method: str | None = None
    """None: any."""

    # any answer
    delay: float = 0
    """Seconds before anything is done."""
    hang_up: bool = False
    """Close the connection instead of answering; nothing is done."""
    lose_answer: Literal["close", "error"] | None = None
    """Do the work, then close the connection, or answer 500 instead of the result."""
    status: int | None = None
    """Answer this status and `body` without doing anything."""
    body: Any = ""
    """bytes or str: as it is; anything else: as JSON."""
    content_type: str | None = None
    trickle: float = 0
    """Begin an answer, then send a space each so many seconds, for ever."""
    headers: dict[str, str] = field(default_factory=dict)
    retry_date_in: float | None = None
    """Retry-After as an HTTP date this many seconds ahead of the answer's Date."""

    # JSON answers of the real route: dotted paths, `*` for each item of a list (`keys.*.name`)
    set_fields: dict[str, Any] = field(default_factory=dict)
    drop_fields: tuple[str, ...] = ()

    # streams; "after" counts tokens
    stall_after: int | None = None
    """Send nothing more, and keep the connection open."""
    cut_after: int | None = None
    """Break the connection."""
    reset: bool = False
    """Break it with a TCP reset instead of a close in mid-body."""
    end_after: int | None = None
    """End the body cleanly, with neither finish_reason nor [DONE]."""
    empty: bool = False
    """200 and not a byte of body."""
    insert: tuple[tuple[int, bytes], ...] = ()
    """Raw bytes to send after so many tokens."""
    endless: bool = False
    """Go on with prose for ever, in place of an end."""
    finish_reason: str | None = None
    """Finish with this reason in place of the real one, streamed or not."""
    no_done: bool = False
    """Leave out [DONE] (the finish_reason still comes)."""
    no_finish: bool = False
    """Leave out the chunk with finish_reason ([DONE] still comes)."""
    usage_with_choices: bool = False
    """The usage comes with non-empty choices."""
    lean: bool = False
    """Chunks hold `id` and `choices` only, and choices no `index`, as the contract's example shows."""
    keep_alive_every: int = 0
    """A comment line after each so many tokens."""
    line_end: str = "\n"
    bom: bool = False
    write_size: int = 0
    """Bytes per write to the socket, each in its own turn of the event loop; 0: whole frames."""

    def matches(self, method: str, path: str) -> bool:
        """Whether it concerns this request; `path` is below `/v1`."""
        return self.method in {None, method} and fnmatchcase(path, self.path)


@dataclass(slots=True)
class _Armed:
    fault: Fault
    left: int | None


class Faults:
    """The faults that are set, in order; a request meets the first that matches it."""

    def __init__(self) -> None:
        self._armed: list[_Armed] = []
        self.met: list[Fault] = []
        """Those that were carried out, oldest first."""
        self.revocation_lag: float = 0
        """Seconds for which a revoked key keeps working."""
        self.clock_skew: float = 0
        """Seconds by which the Date header of every answer is ahead."""
        self.warning_form: Literal["event", "bare", "chunk"] = "event"
        """How a stream carries quota warnings: an `event: relai.warning` with a list, with one bare warning object,
        or `relai.warnings` in an ordinary chunk (the only form that `@llmrelai/sdk` 0.1.0 sees)."""

    def add(
        self, fault: Fault, *, times: int | None = None, path: str | None = None, method: str | None = None
    ) -> Fault:
        """Set a fault for the next `times` matching requests (None: until `clear`); returns it as set."""
        if path is not None:
            fault = replace(fault, path=path)
        if method is not None:
            fault = replace(fault, method=method)
        self._armed.append(_Armed(fault, times))
        return fault

    def clear(self) -> None:
        """Behave again."""
        self._armed.clear()
        self.revocation_lag = self.clock_skew = 0
        self.warning_form = "event"

    def take(self, method: str, path: str) -> Fault | None:
        """The fault this request meets, counted off; `path` is below `/v1`."""
        for armed in self._armed:
            if armed.left != 0 and armed.fault.matches(method, path):
                if armed.left is not None:
                    armed.left -= 1
                self.met.append(armed.fault)
                return armed.fault
        return None

    def listed(self) -> list[dict[str, Any]]:
        """What is set, for `GET /__sandbox/faults`."""
        return [
            {"method": armed.fault.method, "path": armed.fault.path, "left": armed.left, "fault": repr(armed.fault)}
            for armed in self._armed
            if armed.left != 0
        ]

    def add_json(self, wanted: Any) -> None:
        """Set what `POST /__sandbox/faults` asks for. Raises ValueError or TypeError with what is wrong."""
        if not isinstance(wanted, dict):
            raise TypeError("a fault is a JSON object")
        wanted = dict(wanted)
        self.revocation_lag = float(wanted.pop("revocation_lag", self.revocation_lag))
        self.clock_skew = float(wanted.pop("clock_skew", self.clock_skew))
        form = wanted.pop("warning_form", self.warning_form)
        if form not in {"event", "bare", "chunk"}:
            raise ValueError("warning_form is one of event, bare, chunk")
        self.warning_form = form
        if not wanted:
            return
        where = {name: wanted.pop(name) for name in ("times", "path", "method") if name in wanted}
        preset = wanted.pop("preset", None)
        if preset is not None:
            if preset not in PRESETS:
                raise ValueError(f"preset is one of {', '.join(sorted(PRESETS))}")
            self.add(PRESETS[preset](**wanted), **where)
            return
        unknown = wanted.keys() - {known.name for known in fields(Fault)}
        if unknown:
            raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
        if "insert" in wanted:
            wanted["insert"] = tuple((int(after), str(raw).encode()) for after, raw in wanted["insert"])
        self.add(Fault(**wanted), **where)


def answer(
    status: int,
    body: Any = "",
    *,
    content_type: str | None = None,
    headers: dict[str, str] | None = None,
    retry_after: float | str | None = None,
    retry_date_in: float | None = None,
) -> Fault:
    """Any status with any body. `retry_after`: the header as it is; `retry_date_in`: a date so many seconds ahead."""
    extra = dict(headers or {})
    if retry_after is not None:
        extra["Retry-After"] = f"{retry_after:g}" if isinstance(retry_after, int | float) else retry_after
    return Fault(status=status, body=body, content_type=content_type, headers=extra, retry_date_in=retry_date_in)


def error(status: int, code: str, message: str = "The sandbox was told to fail.", **more: Any) -> Fault:
    """An error as the contract has it; `more` goes beside `code`: `retry_after=2`, `param="model"`."""
    return Fault(status=status, body={"error": {"message": message, "type": code, "code": code, **more}})


def html(status: int = 502) -> Fault:
    """A proxy's page."""
    page = f"<html><head><title>{status}</title></head><body><h1>{status} Bad Gateway</h1><hr>nginx</body></html>"
    return Fault(status=status, body=page, content_type="text/html")


def detail(status: int = 422) -> Fault:
    """The shape that FastAPI servers answer."""
    return Fault(
        status=status, body={"detail": [{"loc": ["body", "model"], "msg": "field required", "type": "missing"}]}
    )


def redirect(to: str) -> Fault:
    """307 to another address."""
    return Fault(status=307, headers={"Location": to})


def gzip_bomb(mebibytes: int = 64) -> Fault:
    """A small `GET /models` body that unpacks to this many mebibytes."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1, mtime=0) as file:
        file.write(b'{"object":"list","data":[')
        for _ in range(mebibytes):
            file.write(b" " * MEBIBYTE)
        file.write(b"]}")
    return Fault(
        path="/models",
        status=200,
        body=packed.getvalue(),
        content_type="application/json",
        headers={"Content-Encoding": "gzip"},
    )


def balance(credits_micro: str) -> Fault:
    """`GET /balance` with this JSON text as `credits_micro`: `"4.5"`, `null`, `NaN`, `1e400`, `-5`, `"\\"many\\""`."""
    body = f'{{"credits_micro": {credits_micro}, "credits_dollars": {credits_micro}}}'
    return Fault(path="/balance", method="GET", status=200, body=body, content_type="application/json")


def delay(seconds: float) -> Fault:
    """Nothing at all for this long."""
    return Fault(delay=seconds)


def hang_up() -> Fault:
    """The connection closes before any answer, and nothing was done."""
    return Fault(hang_up=True)


def lost_answer(how: Literal["close", "error"] = "close") -> Fault:
    """The work is done, and its answer is lost."""
    return Fault(lose_answer=how)


def no_secret() -> Fault:
    """`POST /keys` answers without the new key's secret."""
    return Fault(path="/keys", method="POST", drop_fields=("key",))


def stall(after: int) -> Fault:
    """Silence in mid-stream."""
    return Fault(path=CHAT, stall_after=after)


def cut(after: int, *, reset: bool = False) -> Fault:
    """The connection breaks in mid-stream."""
    return Fault(path=CHAT, cut_after=after, reset=reset)


def early_end(after: int) -> Fault:
    """The stream ends cleanly with neither finish_reason nor [DONE]."""
    return Fault(path=CHAT, end_after=after)


def empty_stream() -> Fault:
    """200 and nothing."""
    return Fault(path=CHAT, empty=True)


def raw(data: bytes | str, after: int = 0) -> Fault:
    """Raw bytes among the frames."""
    return Fault(path=CHAT, insert=((after, data.encode() if isinstance(data, str) else data),))


def garbage(after: int = 1) -> Fault:
    """Lines that are no fields, unknown fields, an event without data."""
    return raw(b"\xff\xfe not an event\nfoo: bar\nretry: soon\nid\n\nevent: mystery\n\n", after)


def bad_json(after: int = 1) -> Fault:
    """An event whose data is cut JSON."""
    return raw(b'data: {"choices": [{"delta": {"content": "half\n\n', after)


def trickle(every: float = 0.05) -> Fault:
    """An answer that begins and never ends, a byte at a time."""
    return Fault(trickle=every)


def endless() -> Fault:
    """A chat answer that never ends."""
    return Fault(path=CHAT, endless=True)


def finish(reason: str) -> Fault:
    """A chat answer that ends with this finish reason."""
    return Fault(path=CHAT, finish_reason=reason)


def null_events(after: int = 1) -> Fault:
    """Events whose data is JSON but no object, as some servers send to keep a connection alive."""
    return raw("".join(f"data: {data}\n\n" for data in ("null", "1", "[]", '""', "true")), after)


def stream_error(after: int = 3, code: str = "upstream_error", message: str = "The upstream broke.") -> Fault:
    """An error object in mid-stream, and then the end."""
    shape = json.dumps({"error": {"message": message, "type": code, "code": code}})
    return replace(raw(f"data: {shape}\n\n", after), end_after=after)


def odd_deltas(after: int = 1) -> Fault:
    """Null content, role only, no delta, no choices, null choices."""
    odd: tuple[Any, ...] = (
        {"choices": [{"index": 0, "delta": {"content": None}}]},
        {"choices": [{"index": 0, "delta": {"role": "assistant"}}]},
        {"choices": [{"index": 0, "delta": None}]},
        {"choices": [{"index": 0}]},
        {"choices": []},
        {"choices": None},
        {},
    )
    return raw("".join(f"data: {json.dumps(shape)}\n\n" for shape in odd), after)


def huge_event(mebibytes: int, after: int = 1) -> Fault:
    """One event of this size."""
    text = b"x" * (mebibytes * MEBIBYTE)
    return raw(b'data: {"choices":[{"index":0,"delta":{"content":"' + text + b'"}}]}\n\n', after)


PRESETS: dict[str, Callable[..., Fault]] = {
    made.__name__: made
    for made in (
        answer, error, html, detail, redirect, gzip_bomb, balance, delay, hang_up, lost_answer, no_secret, stall, cut,
        early_end, empty_stream, raw, garbage, bad_json, stream_error, odd_deltas, huge_event, trickle, endless, finish,
        null_events,
    )
}  # fmt: skip
"""The functions above by name, for `POST /__sandbox/faults`."""
