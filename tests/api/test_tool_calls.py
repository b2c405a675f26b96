"""Tool calls told apart as servers number them, well or badly."""

from typing import Any

import pytest

from relai_tui.api.deltas import ToolCallDelta
from relai_tui.api.stream import ChatStreamReader
from tests.api.raw_server import DONE
from tests.api.test_stream import chunk


def piece(identity: str | None, name: str | None, arguments: str, **more: Any) -> dict[str, Any]:
    function = {"arguments": arguments} | ({"name": name} if name else {})
    return {"function": function, **({"id": identity} if identity else {}), **more}


def calls_of(*pieces: dict[str, Any]) -> list[tuple[str | None, str | None, str]]:
    reader = ChatStreamReader()
    deltas = [delta for each in pieces for delta in reader.feed(chunk(choices=[{"delta": {"tool_calls": [each]}}]))]
    deltas += reader.feed(DONE)
    found: dict[int, tuple[str | None, str | None, str]] = {}
    for delta in deltas:
        if isinstance(delta, ToolCallDelta):
            identity, name, arguments = found.get(delta.index, (None, None, ""))
            found[delta.index] = delta.id or identity, delta.name or name, arguments + delta.arguments
    return list(found.values())


BOTH = [("a", "f", '{"x": 1}'), ("b", "g", '{"y": 2}')]


@pytest.mark.parametrize("index", [{}, {"index": 0}, {"index": "0"}, {"index": None}, {"index": 0.5}])
def test_calls_that_share_an_index_are_told_apart_by_their_ids(index: dict[str, Any]) -> None:
    whole = [piece("a", "f", '{"x": 1}', **index), piece("b", "g", '{"y": 2}', **index)]
    assert calls_of(*whole) == BOTH
    first_only = [
        piece("a", "f", "", **index), piece(None, None, '{"x"', **index), piece(None, None, ": 1}", **index),
        piece("b", "g", "", **index), piece(None, None, '{"y"', **index), piece(None, None, ": 2}", **index),
    ]  # fmt: skip
    assert calls_of(*first_only) == BOTH
    repeated = [
        piece("a", "f", '{"x"', **index), piece("b", "g", '{"y"', **index),
        piece("a", "f", ": 1}", **index), piece("b", "g", ": 2}", **index),
    ]  # fmt: skip
    assert calls_of(*repeated) == BOTH


@pytest.mark.parametrize("first", [0, 1, "1"])
def test_calls_with_good_indexes_may_come_interleaved(first: int | str) -> None:
    second = int(first) + 1 if isinstance(first, int) else "2"
    assert calls_of(
        piece("a", "f", "", index=first), piece("b", "g", "", index=second),
        piece(None, None, '{"y": 2}', index=second), piece(None, None, '{"x": 1}', index=first),
    ) == BOTH  # fmt: skip


def test_an_id_may_come_late() -> None:
    assert calls_of(piece(None, "f", '{"x"', index=0), piece("a", None, ": 1}", index=0)) == BOTH[:1]


@pytest.mark.parametrize("index", [{}, {"index": 0}])
def test_calls_without_ids_begin_with_their_names(index: dict[str, Any]) -> None:
    got = calls_of(piece(None, "f", '{"x": 1}', **index), piece(None, "g", '{"y": 2}', **index))
    assert got == [(None, "f", '{"x": 1}'), (None, "g", '{"y": 2}')]


def test_calls_of_a_whole_answer_are_apart_whatever_they_hold() -> None:
    same = [piece("a", "f", "{}", index=0), piece("a", "f", "{}", index=0), piece(None, "f", "{}")]
    reader = ChatStreamReader()
    reader.whole({"choices": [{"message": {"tool_calls": same}}]})
    assert len({delta.index for delta in reader.flush() if isinstance(delta, ToolCallDelta)}) == 3
