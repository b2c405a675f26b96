"""However a stream is cut into reads, and whatever its line ends: the answer is the same."""

import json
from collections import defaultdict
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relai_tui.api.deltas import Delta, ReasoningDelta, TextDelta, TokensUsed
from relai_tui.api.errors import RelaiError
from relai_tui.api.stream import ChatStreamReader
from relai_tui.text import clean
from tests.api.raw_server import DONE, FINISH, event

BOM = b"\xef\xbb\xbf"
Answer = tuple[dict[str, str], dict[str, int], list[object], str | None]

WHOLE = (
    b"\xef\xbb\xbf: hello\n\n"
    + event("Grüße ")
    + b'id: 1\nevent: message\ndata: {"choices":\ndata: [{"delta":{"reasoning":"hm\\r"}}]}\n\n'
    + b'data: {"choices":[{"delta":{"content":"\\ud83d"}}]}\n\n'
    + b'data: {"choices":[{"delta":{"content":"\\udc4d"}}]}\n\n'
    + b'data: {"choices":[{"delta":{"reasoning":"\\nhm"}}]}\n\n'
    + 'data: {"model":"m","choices":[{"delta":{"content":"\u2028👍\u200b"}}]}\n\n'.encode()
    + b'event: relai.warning\ndata: {"code":"c","message":"m"}\n\n'
    + b'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"arguments":"{\\r"}}]}}]}\n\n'
    + FINISH
    + b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}\n\n'
    + DONE
    + event("never")
)


def answer_of(pieces: list[bytes]) -> Answer:
    reader = ChatStreamReader()
    deltas: list[Delta] = [delta for piece in pieces for delta in reader.feed(piece)]
    deltas += reader.flush()
    trouble = None
    try:
        deltas += reader.end()
    except RelaiError as error:
        trouble = f"{type(error).__name__}: {error}"
    texts: dict[str, str] = defaultdict(str)
    counts: dict[str, int] = defaultdict(int)
    others: list[object] = []
    used = None
    for delta in deltas:
        if isinstance(delta, TextDelta | ReasoningDelta):
            texts[type(delta).__name__] += delta.text
            counts[type(delta).__name__] += delta.pieces
        elif isinstance(delta, TokensUsed):
            used = delta
        else:
            others.append(delta)
    return dict(texts), dict(counts), [*others, used], trouble


def cut(data: bytes, places: list[int]) -> list[bytes]:
    at = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(at)]


def test_the_answer_of_the_whole_is_what_it_should_be() -> None:
    texts, counts, others, trouble = answer_of([WHOLE])
    assert texts == {"TextDelta": clean("Grüße 👍\u2028👍\u200b"), "ReasoningDelta": "hm\nhm"}
    assert counts == {"TextDelta": 4, "ReasoningDelta": 2}
    assert [type(other).__name__ for other in others][-2:] == ["Finished", "TokensUsed"]
    assert trouble is None


@pytest.mark.parametrize("ending", [b"\n", b"\r", b"\r\n"])
def test_cut_at_every_single_place(ending: bytes) -> None:
    data = WHOLE.replace(b"\n", ending)
    expected = answer_of([WHOLE])
    for place in range(len(data) + 1):
        assert answer_of([data[:place], data[place:]]) == expected
    assert answer_of([data[at : at + 1] for at in range(len(data))]) == expected


@given(
    contents=st.lists(st.text(max_size=12), max_size=8),
    endings=st.lists(st.sampled_from([b"\n", b"\r", b"\r\n"]), min_size=1, max_size=3),
    places=st.lists(st.integers(0, 10_000), max_size=12),
    escaped=st.booleans(),
)
@settings(max_examples=150)
def test_any_text_survives_any_cutting(
    contents: list[str], endings: list[bytes], places: list[int], escaped: bool
) -> None:
    events = [
        b"data: "
        + json.dumps({"choices": [{"delta": {"content": content}}]}, ensure_ascii=escaped).encode()
        + endings[number % len(endings)] * 2
        for number, content in enumerate(contents)
    ]
    texts, _, _, trouble = answer_of(cut(b"".join([*events, DONE]), places))
    assert texts.get("TextDelta", "") == clean("".join(contents))
    assert trouble is None


@given(
    noise=st.lists(
        st.one_of(
            st.binary(max_size=20),
            st.sampled_from(
                [b"data:", b"data: {", b"}", b"\n\n", b"\r", b"\n", b"event: error", b"[DONE]", b"\xef\xbb\xbf"]
            ),
            st.just(event("x")),
        ),
        max_size=12,
    ),
    places=st.lists(st.integers(0, 10_000), max_size=8),
)
@settings(max_examples=200)
def test_garbage_is_the_same_garbage_however_it_is_cut(noise: list[bytes], places: list[int]) -> None:
    data = b"".join(noise)
    assert answer_of(cut(data, places)) == answer_of([data])
