"""Streamed chat completions to deltas. Pure: bytes in, deltas out; no socket, no clock.

`events` does the framing. The common event, `data: {…}` on one line, takes a short way through.
"""

import json
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from relai_tui.api.answers import error_in_stream
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
from relai_tui.api.errors import Interrupted, RelaiError, UnreadableAnswer
from relai_tui.api.events import LONGEST_BLOCK, EventReader, EventTooLarge, read_fields
from relai_tui.text import StreamCleaner, clean_line, clean_name

if TYPE_CHECKING:
    from pydantic import SecretStr

_DECODER = json.JSONDecoder(strict=False)
# A whole number of thousands of digits raises in Python; it is no reason to lose an answer.
_PATIENT_DECODER = json.JSONDecoder(
    strict=False, parse_int=lambda digits: int(digits) if len(digits) < 40 else math.inf
)


class ChatStreamReader:
    """The deltas of one streamed chat completion.

    `feed` never raises: once something is wrong or the end was said, `over` is True, what came before it has been
    handed out, and `end` raises the error.
    """

    def __init__(self, *, model: str | None = None, alias: str | None = None, key: "SecretStr | None" = None) -> None:
        self._events = EventReader()
        self._key = key
        self._trouble: RelaiError | None = None
        self._over = False
        self._reason: str | None = None
        self._said_anything = False
        self._out: list[Delta] = []
        self._channels: dict[type[TextDelta] | type[ReasoningDelta], StreamCleaner] = {
            ReasoningDelta: StreamCleaner(),
            TextDelta: StreamCleaner(),
        }
        self._kind: type[TextDelta] | type[ReasoningDelta] = TextDelta
        self._run: list[str] = []
        self._uncounted = 0
        self._calls: dict[int, StreamCleaner] = {}
        self._usage: TokensUsed | None = None
        self._model: object = None
        self._alias = clean_name(alias) if alias else None
        if model:
            self._name(model)

    @property
    def over(self) -> bool:
        """True when nothing that follows matters: the end was said, or an error."""
        return self._over

    @property
    def finishing(self) -> bool:
        """True when a finish reason came: at most the count of tokens is still to come."""
        return self._reason is not None

    def feed(self, data: bytes) -> list[Delta]:
        """The deltas of the next bytes, neighbouring text joined; empty once `over`."""
        if self._over:
            return []
        try:
            for block in self._events.feed(data):
                if block:
                    self._take(block)
                if self._over:
                    break
        except EventTooLarge:
            self._fail(UnreadableAnswer("The server sent an event of more than 16 MiB. The answer was stopped there."))
        return self._collect()

    def flush(self) -> list[Delta]:
        """What was held back for the rest of a character or a line end, when nothing more will come."""
        self._empty_channels()
        return self._collect()

    def end(self) -> list[Delta]:
        """The last deltas, at the end of the bytes.

        Raises `Interrupted` when neither a finish reason nor [DONE] came, and whatever error the stream held.
        """
        if not self._over and read_fields(self._events.left())[1] == "[DONE]":
            self._finish()
        if self._trouble is not None:
            raise self._trouble
        if self._over:
            return self._collect()
        if self._reason is None:
            raise Interrupted(
                "The answer broke off: the server ended it before it was whole. Try again, or go on from here."
                if self._said_anything
                else "The server ended the answer before a word of it came. The prompt may be too long for this model."
            )
        self._finish()
        return self._collect()

    def whole(self, completion: dict[str, Any]) -> list[Delta]:
        """The deltas of a completion that came in one piece of JSON."""
        self._apply(completion, "message")
        if not self._over:
            self._finish()
        return self._collect()

    def _take(self, block: bytes) -> None:
        if len(block) > LONGEST_BLOCK:
            raise EventTooLarge
        if block.startswith(b"data: {") and b"\n" not in block:
            self._take_chunk(block[6:].decode("utf-8", "replace"), "")
            return
        event, data = read_fields(block)
        if data is None or not data.strip():
            return
        if data.strip() == "[DONE]":
            self._finish()
        else:
            self._take_chunk(data, event)

    def _take_chunk(self, data: str, event: str) -> None:
        try:
            chunk = _decoded(data)
        except (ValueError, RecursionError):
            chunk = None
        if event == "relai.warning":
            self._warn(chunk)
        elif isinstance(chunk, dict):
            if event in ("", "message", "error") or "choices" in chunk or "error" in chunk:
                self._said_anything = True
                self._apply(chunk, "delta", event)
        elif event in ("", "message", "error"):
            self._fail(
                UnreadableAnswer(
                    "The server sent a piece of the answer that is not readable. What came before it is kept."
                )
            )

    def _apply(self, chunk: dict[str, Any], part: str, event: str = "") -> None:
        if chunk.get("error") or event == "error" or chunk.get("object") == "error":
            self._fail(error_in_stream(chunk, self._key))
            return
        model = chunk.get("model")
        if model is not None and model != self._model:
            self._name(model)
        choices = chunk.get("choices")
        if isinstance(choices, list):
            for choice in choices:
                if isinstance(choice, dict) and choice.get("index", 0) in (0, None):
                    self._choose(choice, part)
        usage = chunk.get("usage")
        if isinstance(usage, dict):
            self._count(usage)
        if "relai" in chunk:
            self._warn(chunk["relai"])

    def _choose(self, choice: dict[str, Any], part: str) -> None:
        delta = choice.get(part)
        if isinstance(delta, dict):
            reasoning = delta.get("reasoning_content") or delta.get("reasoning")
            if reasoning:
                self._say(ReasoningDelta, reasoning)
            content = delta.get("content") or delta.get("refusal")
            if content:
                self._say(TextDelta, content)
            calls = delta.get("tool_calls")
            if isinstance(calls, list):
                for call in calls:
                    self._call(call)
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            self._reason = reason

    def _say(self, kind: type[TextDelta] | type[ReasoningDelta], content: object) -> None:
        if isinstance(content, list):
            content = "".join(_text_of_part(part) for part in content)
        if not isinstance(content, str) or not content:
            return
        if kind is not self._kind:
            self._end_run()
            self._kind = kind
        self._run.append(content)

    def _end_run(self) -> None:
        if not self._run:
            return
        pieces = len(self._run) + self._uncounted
        text = self._channels[self._kind].feed("".join(self._run))
        self._run.clear()
        self._uncounted = 0 if text else pieces
        if text:
            self._out.append(self._kind(text, pieces))

    def _call(self, call: object) -> None:
        if not isinstance(call, dict):
            return
        self._end_run()
        identity, index, function = call.get("id"), call.get("index"), call.get("function")
        function = function if isinstance(function, dict) else {}
        if not isinstance(index, int):
            last = max(self._calls, default=-1)
            index = last + 1 if identity or last < 0 else last
        name, arguments = function.get("name"), function.get("arguments")
        if isinstance(arguments, dict):
            arguments = json.dumps(arguments, default=str)
        cleaner = self._calls.setdefault(index, StreamCleaner())
        self._out.append(
            ToolCallDelta(
                index,
                clean_name(identity) if isinstance(identity, str) and identity else None,
                clean_name(name) if isinstance(name, str) and name else None,
                cleaner.feed(arguments if isinstance(arguments, str) else ""),
            )
        )

    def _name(self, model: object) -> None:
        self._model = model
        if isinstance(model, str) and model:
            self._end_run()
            self._out.append(Answering(clean_name(model), self._alias))

    def _count(self, usage: dict[str, Any]) -> None:
        prompt = _count_of(usage.get("prompt_tokens", usage.get("input_tokens")))
        completion = _count_of(usage.get("completion_tokens", usage.get("output_tokens")))
        if prompt is not None or completion is not None:
            self._usage = TokensUsed(prompt, completion)

    def _warn(self, told: object) -> None:
        if not isinstance(told, dict):
            return
        warnings = told.get("warnings", [told])
        for warning in warnings if isinstance(warnings, list) else []:
            if isinstance(warning, dict) and (warning.get("code") or warning.get("message")):
                self._end_run()
                self._out.append(_quota_warning(warning))

    def _fail(self, trouble: RelaiError) -> None:
        self._trouble, self._over = trouble, True
        self._empty_channels()

    def _finish(self) -> None:
        self._over = True
        self._empty_channels()
        self._hand_out_usage()
        self._out.append(Finished(clean_name(self._reason) if self._reason else None))

    def _empty_channels(self) -> None:
        self._end_run()
        for kind, cleaner in self._channels.items():
            if held := cleaner.finish():
                self._out.append(kind(held, self._uncounted))
                self._uncounted = 0
        for index, cleaner in self._calls.items():
            if held := cleaner.finish():
                self._out.append(ToolCallDelta(index, None, None, held))

    def _hand_out_usage(self) -> None:
        if self._usage is not None:
            self._out.append(self._usage)
            self._usage = None

    def _collect(self) -> list[Delta]:
        self._end_run()
        self._hand_out_usage()
        out, self._out = self._out, []
        return out


def _decoded(data: str) -> object:
    try:
        return _DECODER.decode(data)
    except json.JSONDecodeError:
        raise
    except ValueError:
        return _PATIENT_DECODER.decode(data)


def _text_of_part(part: object) -> str:
    text = part.get("text") if isinstance(part, dict) else part
    return text if isinstance(text, str) else ""


def _count_of(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None


def _quota_warning(warning: dict[str, Any]) -> QuotaWarning:
    period, percent = warning.get("period"), warning.get("percent")
    if isinstance(percent, bool) or not isinstance(percent, int | float | Decimal) or not math.isfinite(percent):
        percent = None
    return QuotaWarning(
        clean_line(str(warning.get("code") or "")),
        clean_line(str(warning.get("message") or "")),
        clean_line(period) if isinstance(period, str) and period else None,
        None if percent is None else float(percent),
    )
