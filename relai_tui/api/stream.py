"""Streamed chat completions to deltas. Pure: bytes in, deltas out; no socket, no clock.

`events` does the framing. The common event, `data: {…}` on one line, takes a short way through.
"""

import json
import math
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from relai_tui.api.answers import error_in_stream, parse_json, unreadable_words
from relai_tui.api.deltas import (
    Answering,
    Delta,
    Finished,
    QuotaWarning,
    ReasoningDelta,
    TextDelta,
    TokensUsed,
)
from relai_tui.api.errors import Interrupted, RelaiError, UnreadableAnswer
from relai_tui.api.events import LONGEST_BLOCK, EventReader, EventTooLarge, read_fields
from relai_tui.api.finish_reasons import is_failure
from relai_tui.api.keys import redact
from relai_tui.api.reasoning_tags import ReasoningTags
from relai_tui.api.tool_calls import ToolCalls
from relai_tui.text import StreamCleaner, clean_line, clean_name

if TYPE_CHECKING:
    from pydantic import SecretStr

LONGEST_ANSWER = 16 * 1024 * 1024
"""Characters of one answer, reasoning and tool calls included (T8)."""
_CALL_COUNTS = 200
"""Characters that a piece of a tool call counts beyond its arguments."""

_DECODER = json.JSONDecoder(strict=False)
# A whole number of thousands of digits raises in Python; it is no reason to lose an answer.
_PATIENT_DECODER = json.JSONDecoder(
    strict=False, parse_int=lambda digits: int(digits) if len(digits) < 40 else math.inf
)


_FIELDS = (b"data", b"event", b"id", b"retry", b":")
"""Beginnings of an event stream. A body that begins otherwise is something else."""


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
        self._tags = ReasoningTags()
        self._calls = ToolCalls()
        self._length = 0
        self._start = b""
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
        if len(self._start) < 200:
            self._start += data[:200]
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
        if not self._over and not self._said_anything:
            self._take_whole(self._events.left())
        if not self._over and (self._reason is not None or read_fields(self._events.left())[1] == "[DONE]"):
            self._finish()
        if self._trouble is not None:
            raise self._trouble
        if not self._over:
            raise self._unended()
        return self._collect()

    def whole(self, completion: dict[str, Any]) -> None:
        """Take a completion that came in one piece of JSON; `flush` gives its deltas."""
        self._apply(completion, "message")
        if not self._over:
            self._finish()

    def _take_whole(self, body: bytes) -> None:
        """Take an answer in one piece of JSON whose head did not say that it is one."""
        if body.lstrip()[:1] != b"{":
            return
        with suppress(UnreadableAnswer):
            told = parse_json(body)
            if isinstance(told, dict) and ("choices" in told or told.get("error")):
                self._said_anything = True
                self._apply(told, "message")
                if not self._over:
                    self._finish()

    def _unended(self) -> RelaiError:
        if self._said_anything:
            return Interrupted(
                "The answer broke off: the server ended it before it was whole. Try again, or go on from here."
            )
        start = self._start.lstrip(b"\xef\xbb\xbf \t\r\n")
        if start and not start.startswith(_FIELDS):
            return UnreadableAnswer(unreadable_words(self._start))
        return Interrupted(
            "The server ended the answer before a word of it came. The prompt may be too long for this model."
        )

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
        readable, chunk = True, None
        try:
            chunk = _decoded(data)
        except (ValueError, RecursionError):
            readable = False
        if event == "relai.warning":
            self._warn(chunk)
        elif event not in ("", "message", "error") and not (
            isinstance(chunk, dict) and ("choices" in chunk or "error" in chunk)
        ):
            return
        elif event == "error" and not isinstance(chunk, dict):
            self._fail(
                error_in_stream({"error": chunk if isinstance(chunk, str) else "" if readable else data}, self._key)
            )
        elif not readable:
            self._fail(
                UnreadableAnswer(
                    "The server sent a piece of the answer that is not readable. What came before it is kept."
                )
            )
        else:
            # JSON that is no object says nothing: null, numbers and empty lists come as signs of life.
            for part in chunk if isinstance(chunk, list) else [chunk]:
                if isinstance(part, dict) and not self._over:
                    self._said_anything = True
                    self._apply(part, "delta", event)

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
                if isinstance(choice, dict) and choice.get("index", 0) in (0, None, "0"):
                    self._choose(choice, part)
        usage = chunk.get("usage")
        if isinstance(usage, dict):
            self._count(usage)
        if "relai" in chunk:
            self._warn(chunk["relai"])

    def _choose(self, choice: dict[str, Any], part: str) -> None:
        if isinstance(choice.get("error"), dict):
            self._fail(error_in_stream(choice, self._key))
            return
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
                    self._call(call, whole=part == "message")
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            self._reason = reason

    def _say(self, kind: type[TextDelta] | type[ReasoningDelta], content: object) -> None:
        if isinstance(content, list):
            content = "".join(_text_of_part(part) for part in content)
        if not isinstance(content, str) or not content:
            return
        if kind is ReasoningDelta or self._tags.done:
            self._append(kind, content)
            return
        parts = self._tags.feed(content)
        if not parts:
            self._uncounted += 1
        for reasoning, text in parts:
            self._append(ReasoningDelta if reasoning else TextDelta, text)

    def _append(self, kind: type[TextDelta] | type[ReasoningDelta], text: str) -> None:
        if self._over:
            return
        if kind is not self._kind:
            self._end_run()
            self._kind = kind
        self._run.append(text)
        self._grow(len(text))

    def _grow(self, characters: int) -> None:
        self._length += characters
        if self._length > LONGEST_ANSWER:
            self._fail(
                Interrupted(
                    "The answer was stopped at 16 MB, the most that is kept of one."
                    " To go on, ask it to continue (in the chat: Alt+↑, c)."
                )
            )

    def _end_run(self) -> None:
        if not self._run:
            return
        pieces = len(self._run) + self._uncounted
        text = self._channels[self._kind].feed("".join(self._run))
        self._run.clear()
        self._uncounted = 0 if text else pieces
        if text:
            self._out.append(self._kind(text, pieces))

    def _call(self, call: object, *, whole: bool) -> None:
        delta = self._calls.take(call, whole=whole)
        if delta is not None:
            self._end_run()
            self._out.append(delta)
            self._grow(len(delta.arguments) + _CALL_COUNTS)

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
        if is_failure(self._reason):
            reason = clean_line(redact(self._reason or "", self._key), 40)
            self._fail(
                Interrupted(
                    f"The server broke the answer off (finish reason “{reason}”). What came is kept. Try again."
                )
            )
            return
        self._over = True
        self._empty_channels()
        self._hand_out_usage()
        self._out.append(Finished(clean_name(self._reason) if self._reason else None))

    def _empty_channels(self) -> None:
        for reasoning, text in self._tags.finish():
            kind = ReasoningDelta if reasoning else TextDelta
            if kind is not self._kind:
                self._end_run()
                self._kind = kind
            self._run.append(text)
        self._end_run()
        for kind, cleaner in self._channels.items():
            if held := cleaner.finish():
                self._out.append(kind(held, self._uncounted))
                self._uncounted = 0
        self._out += self._calls.finish()

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
