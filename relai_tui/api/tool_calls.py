"""Tool calls that come in pieces, told apart however their server numbers them. Pure.

The contract gives each call an `index` and names its id in the first piece. Servers also leave the index out, write it
as text, give every call index 0, or repeat the id in each piece.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from relai_tui.api.deltas import ToolCallDelta
from relai_tui.text import StreamCleaner, clean_name

_NEAR = 128
"""Calls back from the last that a piece may go on with."""


@dataclass(slots=True)
class _Call:
    number: int
    told_index: int | None
    id: str | None
    name: str | None = None
    arguments: list[str] = field(default_factory=list)
    cleaner: StreamCleaner = field(default_factory=StreamCleaner)

    @property
    def whole(self) -> bool:
        """True when the arguments so far are one JSON value: more would belong to another call."""
        try:
            json.loads("".join(self.arguments))
        except (ValueError, RecursionError):
            return False
        return True


class ToolCalls:
    """The calls of one answer. The deltas it gives have an index of our own for each."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._taken: set[int] = set()
        self._next = 0

    def take(self, piece: object, *, whole: bool = False) -> ToolCallDelta | None:
        """Return the delta of a piece; None for what is no piece of a call.

        `whole` says that each piece is a call by itself, as in an answer that is not streamed.
        """
        if not isinstance(piece, dict):
            return None
        function = piece.get("function")
        function = function if isinstance(function, dict) else {}
        identity, name, arguments = _text(piece.get("id")), _text(function.get("name")), function.get("arguments")
        if isinstance(arguments, dict | list):
            arguments = json.dumps(arguments, default=str)
        index = _index(piece.get("index"))
        call = None if whole else self._known(index, identity, name)
        if call is None:
            call = _Call(self._free(index), index, identity)
            self._calls.append(call)
        call.id, call.name = call.id or identity, call.name or name
        said = arguments if isinstance(arguments, str) else ""
        if said:
            call.arguments.append(said)
        return ToolCallDelta(
            call.number,
            clean_name(identity) if identity else None,
            clean_name(name) if name else None,
            call.cleaner.feed(said),
        )

    def finish(self) -> list[ToolCallDelta]:
        """Return what was held back, at the end of the answer."""
        held = ((call.number, call.cleaner.finish()) for call in self._calls)
        return [ToolCallDelta(number, None, None, text) for number, text in held if text]

    def _known(self, index: int | None, identity: str | None, name: str | None) -> _Call | None:
        """Return the call a piece goes on with; None when it begins another."""
        near = [call for call in self._calls[-_NEAR:] if index is None or call.told_index in (None, index)]
        if identity is not None:
            for call in near:
                if call.id == identity:
                    return call
            last = near[-1] if near else None
            return last if last is not None and last.id is None and not (name and last.name) else None
        if not near:
            return None
        last = near[-1]
        return None if name and last.name and (index is None or last.whole) and last.arguments else last

    def _free(self, index: int | None) -> int:
        number = index if index is not None and index not in self._taken else self._next
        self._taken.add(number)
        self._next = max(self._next, number + 1)
        return number


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _index(value: object) -> int | None:
    if isinstance(value, str) and value.strip().isdecimal() and len(value.strip()) < 6:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 100_000:
        return None
    return value
