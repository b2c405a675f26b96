"""Streams as real servers send them, well and badly: one shape a test."""

import json
from typing import Any

import pytest
from pydantic import SecretStr

from relai_tui.api.deltas import Delta, Finished, TextDelta, TokensUsed
from relai_tui.api.errors import (
    InsufficientBalance,
    Interrupted,
    KeyRefused,
    RelaiError,
    ServerFault,
    ServerRefused,
    UnreadableAnswer,
)
from relai_tui.api.events import EVENT_LIMIT
from relai_tui.api.stream import ChatStreamReader
from tests.api.raw_server import DONE, FINISH, event
from tests.api.said import answering, called, finished, said, thought, warned


def read(*pieces: bytes) -> list[Delta]:
    reader = ChatStreamReader()
    deltas = [delta for piece in pieces for delta in reader.feed(piece)]
    return deltas + reader.end()


def read_to_the_trouble(*pieces: bytes) -> tuple[list[Delta], RelaiError]:
    reader = ChatStreamReader()
    deltas = [delta for piece in pieces for delta in reader.feed(piece)]
    deltas += reader.flush()
    with pytest.raises(RelaiError) as caught:
        reader.end()
    return deltas, caught.value


def text_of(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


def chunk(**fields: Any) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def delta(**fields: Any) -> bytes:
    return chunk(choices=[{"index": 0, "delta": fields}])


def test_an_answer_comes_as_text_and_ends_as_finished() -> None:
    assert read(event("Hel"), event("lo"), FINISH, DONE) == [said("Hel"), said("lo"), finished("stop")]


def test_text_of_one_read_is_joined_and_its_pieces_counted() -> None:
    assert read(event("Hel") + event("lo") + FINISH + DONE) == [said("Hello", 2), finished("stop")]


@pytest.mark.parametrize(
    ("tail", "reason"), [(FINISH, "stop"), (DONE, None), (b"data:[DONE]\n\n", None), (b"data: [DONE]", None)]
)
def test_either_a_finish_reason_or_done_makes_an_answer_whole(tail: bytes, reason: str | None) -> None:
    assert read(event("x"), tail) == [said("x"), finished(reason)]


def test_a_cut_answer_is_interrupted_and_keeps_what_came() -> None:
    deltas, trouble = read_to_the_trouble(event("Half"), b'data: {"choices":[{"del')
    assert text_of(deltas) == "Half"
    assert isinstance(trouble, Interrupted)


@pytest.mark.parametrize("nothing", [b"", b": ping\n\n", b"\n\n\n", b"\xef\xbb"])
def test_an_empty_stream_is_interrupted_and_says_that_nothing_came(nothing: bytes) -> None:
    deltas, trouble = read_to_the_trouble(nothing)
    assert deltas == []
    assert isinstance(trouble, Interrupted)
    assert "before a word" in str(trouble)


def test_data_after_done_is_ignored() -> None:
    reader = ChatStreamReader()
    assert reader.feed(DONE + event("late")) == [finished(None)]
    assert reader.over
    assert reader.feed(event("later")) == []
    assert reader.end() == []


@pytest.mark.parametrize("ending", [b"\n", b"\r", b"\r\n"])
def test_an_event_does_not_wait_for_the_next_read(ending: bytes) -> None:
    reader = ChatStreamReader()
    assert reader.feed(event("now").replace(b"\n", ending)) == [said("now")]


def test_a_line_end_cut_in_two_is_one_line_end() -> None:
    whole = event("a").replace(b"\n", b"\r\n") + event("b").replace(b"\n", b"\r\n") + DONE.replace(b"\n", b"\r\n")
    pieces = [whole[at : at + 1] for at in range(len(whole))]
    assert text_of(read(*pieces)) == "ab"


def test_one_byte_order_mark_is_dropped_also_in_pieces() -> None:
    assert read(b"\xef\xbb\xbf" + event("x"), DONE)[0] == said("x")
    assert read(b"\xef", b"\xbb", b"\xbf", event("x"), DONE)[0] == said("x")
    assert text_of(read(b"\xef\xbb\xbf\xef\xbb\xbf" + event("lost") + event("x"), DONE)) == "x"


def test_characters_cut_in_two_and_bytes_that_are_none() -> None:
    whole = 'data: {"choices":[{"delta":{"content":"é👍"}}]}\n\n'.encode()
    assert text_of(read(*(whole[at : at + 1] for at in range(len(whole))), DONE)) == "é👍"
    assert text_of(read(whole.replace("é".encode(), b"\xff\xc3"), DONE)) == "\ufffd\ufffd👍"


def test_a_character_escaped_in_two_halves_over_two_deltas_is_one() -> None:
    halves = (
        b'data: {"choices":[{"delta":{"content":"\\ud83d"}}]}\n\n',
        b'data: {"choices":[{"delta":{"content":"\\udc4d"}}]}\n\n',
    )
    assert read(*halves, DONE) == [said("👍", 2), finished(None)]
    assert text_of(read(halves[0], DONE)) == "\ufffd"


def test_what_was_held_back_is_given_when_the_stream_breaks() -> None:
    deltas, trouble = read_to_the_trouble(event("line\r"))
    assert text_of(deltas) == "line\n"
    assert isinstance(trouble, Interrupted)


@pytest.mark.parametrize(
    "noise",
    [
        b": a comment\n\n",
        b":\n",
        b"id: 7\n\n",
        b"id: 7\n\nid\n\n",
        b"retry: 1000\n\n",
        b"data\n\n",
        b"data:\n\n",
        b"data: \n\n",
        b"data:\ndata:\n\n",
        b"event: ping\ndata: {}\n\n",
        b"event: something.new\ndata: not json\n\n",
        b"DATA: {junk\n\n",
        b"da\x00ta: {junk\n\n",
        b" data: {junk\n\n",
        b"datax: {junk\n\n",
        b"junk\n\n",
        b"\n\n\n\n",
        b'data: {"choices":[]}\n\n',
        b'data: {"choices":null,"usage":null,"error":null}\n\n',
        b'data: {"choices":[{"index":1,"delta":{"content":"another choice"}}]}\n\n',
        b'data: {"choices":["junk",7,{"delta":"junk"},{"delta":{"content":7}}]}\n\n',
        b'data: {"choices":[{"delta":{"role":"assistant","content":null}}]}\n\n',
        b'data: {"choices":[{"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n',
        b'data: {"choices":[{"delta":null}]}\n\n',
        b'data: {"new":{"field":[1,2,3]},"choices":[{"index":0,"delta":{"new":1}}]}\n\n',
        b"event: relai.warning\ndata: junk\n\n",
        b'data: {"created":' + b"9" * 5_000 + b',"choices":[]}\n\n',
        b'data: {"created":NaN,"choices":[]}\n\n',
    ],
)
def test_noise_between_two_events_changes_nothing(noise: bytes) -> None:
    assert read(event("a"), noise, event("b"), FINISH, DONE) == [said("a"), said("b"), finished("stop")]


def test_fields_are_read_as_the_standard_says() -> None:
    spaced = b'data:{"choices":[{"delta":{"content":"a"}}]}\n\ndata:\t{"choices":[{"delta":{"content":"b"}}]}\n\n'
    named = b'event: message\nid: 1\ndata: {"choices":\ndata: [{"delta":{"content":"c"}}]}\nretry: 3\n\n'
    assert text_of(read(spaced + named, DONE)) == "abc"


def test_raw_control_characters_in_the_json_become_visible_marks() -> None:
    raw = b'data: {"choices":[{"delta":{"content":"a\x00b\x1b[2J\tc"}}]}\n\n'
    assert text_of(read(raw, DONE)) == "a␀b␛[2J\tc"


def test_separators_of_unicode_are_text_and_no_line_ends() -> None:
    assert (
        text_of(read('data: {"choices":[{"delta":{"content":"a\u2028b\x85c"}}]}\n\n'.encode(), DONE)) == "a\u2028b\nc"
    )


def test_reasoning_comes_apart_from_text_under_both_its_names() -> None:
    deltas = read(delta(reasoning_content="think "), delta(reasoning="more"), delta(content="say"), DONE)
    assert deltas == [thought("think "), thought("more"), said("say"), finished(None)]
    both = delta(reasoning_content="once", reasoning="once", content="x")
    assert read(both, DONE) == [thought("once"), said("x"), finished(None)]


def test_content_in_parts_and_a_refusal_are_text() -> None:
    parts = delta(content=[{"type": "text", "text": "a"}, {"type": "image"}, "b"])
    assert text_of(read(parts, delta(refusal="no"), DONE)) == "abno"


def test_a_tool_call_comes_in_pieces() -> None:
    first = delta(
        tool_calls=[{"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": ""}}]
    )
    second = delta(tool_calls=[{"index": 0, "function": {"arguments": '{"a":'}}])
    third = delta(tool_calls=[{"index": 0, "function": {"arguments": "1}\x1b"}}])
    assert read(first, second, third, FINISH, DONE) == [
        called(0, "call_1", "look", ""),
        called(0, None, None, '{"a":'),
        called(0, None, None, "1}␛"),
        finished("stop"),
    ]


def test_tool_calls_without_an_index_are_told_apart_by_their_ids() -> None:
    one = delta(tool_calls=[{"id": "a", "function": {"name": "f", "arguments": {"x": 1}}}, "junk"])
    more = delta(tool_calls=[{"function": {"arguments": "!"}}])
    two = delta(tool_calls=[{"id": "b", "function": None}])
    assert read(one, more, two, DONE)[:-1] == [
        called(0, "a", "f", '{"x": 1}'),
        called(0, None, None, "!"),
        called(1, "b", None, ""),
    ]


@pytest.mark.parametrize("choices", [[], [{"index": 0, "delta": {}}], None])
def test_the_count_of_tokens_may_come_with_or_without_choices(choices: object) -> None:
    usage = chunk(choices=choices, usage={"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8})
    assert read(event("x"), FINISH, usage, DONE) == [said("x"), TokensUsed(3, 5), finished("stop")]


@pytest.mark.parametrize(
    "usage", [{}, [], "junk", {"prompt_tokens": -1}, {"prompt_tokens": True}, {"prompt_tokens": "3"}]
)
def test_a_count_that_is_none_is_not_known(usage: object) -> None:
    assert read(chunk(choices=[], usage=usage), DONE) == [finished(None)]


def test_the_model_may_be_named_late_and_change() -> None:
    named = chunk(model="claude\x1b", choices=[]) + chunk(model="claude\x1b", choices=[])
    reader = ChatStreamReader(alias="smart")
    assert reader.feed(event("x") + named + event("y", model="gpt") + event("z", model=7)) == [
        said("x"),
        answering("claude␛", "smart"),
        answering("gpt", "smart"),
        said("yz", 2),
    ]


def test_the_model_the_head_of_the_answer_named_is_not_named_again() -> None:
    reader = ChatStreamReader(model="claude", alias="smart")
    assert reader.feed(b"") == [answering("claude", "smart")]
    assert reader.feed(event("x", model="claude")) == [said("x")]


WARNING = {"code": "quota_near", "message": "85 % used", "period": "monthly", "percent": 0.85}


@pytest.mark.parametrize(
    "told",
    [
        b"event: relai.warning\ndata: " + json.dumps({"warnings": [WARNING]}).encode() + b"\n\n",
        b"event: relai.warning\ndata: " + json.dumps(WARNING).encode() + b"\n\n",
        chunk(choices=[], relai={"warnings": [WARNING]}),
    ],
)
def test_a_quota_warning_in_each_of_its_shapes(told: bytes) -> None:
    assert read(event("x"), told, DONE) == [
        said("x"),
        warned("quota_near", "85 % used", "monthly", 0.85),
        finished(None),
    ]


@pytest.mark.parametrize("percent", [None, "0.85", True, float("inf")])
def test_a_warning_without_a_usable_share_is_still_told(percent: object) -> None:
    told = (
        b"event: relai.warning\ndata: " + json.dumps({"code": "c", "percent": percent, "period": 3}).encode() + b"\n\n"
    )
    assert read(told, DONE)[0] == warned("c", "", None, None)


@pytest.mark.parametrize(
    ("told", "kind", "words"),
    [
        (chunk(error={"message": "boom", "code": "upstream_error"}), ServerFault, "boom"),
        (chunk(error={"message": "boom", "code": 502}), ServerFault, "boom"),
        (chunk(error="just text"), ServerRefused, "just text"),
        (b'event: error\ndata: {"message":"named","type":"overloaded_error"}\n\n', ServerFault, "named"),
        (chunk(object="error", message="vllm", code=401, type="x"), KeyRefused, "vllm"),
        (chunk(choices=[], error={"message": "revoked", "type": "api_key_not_found"}), KeyRefused, "another key"),
    ],
)
def test_an_error_in_mid_stream_is_ours_and_keeps_what_came(told: bytes, kind: type[RelaiError], words: str) -> None:
    deltas, trouble = read_to_the_trouble(event("kept") + told + event("never"))
    assert text_of(deltas) == "kept"
    assert type(trouble) is kind
    assert words in str(trouble)


def test_running_out_of_credits_in_mid_stream_has_both_figures() -> None:
    error = {"message": "empty", "code": "insufficient_balance", "balance_micro": 12, "required_micro": "5000000"}
    _, trouble = read_to_the_trouble(chunk(error=error))
    assert isinstance(trouble, InsufficientBalance)
    assert (trouble.balance_micro, trouble.required_micro) == (12, 5_000_000)
    assert "$5.00" in str(trouble)


def test_an_error_that_repeats_the_key_does_not_show_it() -> None:
    reader = ChatStreamReader(key=SecretStr("sk-other-secret"))
    reader.feed(chunk(error={"message": "bad key sk-other-secret or rk-eu-abcdefgh", "code": "invalid_api_key"}))
    with pytest.raises(KeyRefused) as caught:
        reader.end()
    assert "secret" not in str(caught.value)
    assert "abcdefgh" not in str(caught.value)


@pytest.mark.parametrize(
    "junk",
    [b"{cut", b"[" * 200_000, b'{"choices":' + b"[" * 200_000, b"<html>", b"{} {}"],
)
def test_what_is_not_readable_is_said_and_nothing_is_skipped(junk: bytes) -> None:
    deltas, trouble = read_to_the_trouble(event("kept"), b"data: " + junk + b"\n\n", event("never"), DONE)
    assert text_of(deltas) == "kept"
    assert isinstance(trouble, UnreadableAnswer)


def _large(size: int) -> bytes:
    frame = b'{"choices":[{"delta":{"content":"%s"}}]}'
    return b"data: " + frame % (b"x" * (size - len(frame) + 2)) + b"\n\n"


def test_an_event_of_sixteen_mebibytes_is_read_in_small_pieces() -> None:
    data = _large(EVENT_LIMIT)
    reader = ChatStreamReader()
    given = [found for at in range(0, len(data), 1_024) for found in reader.feed(data[at : at + 1_024])]
    assert len(text_of(given)) > EVENT_LIMIT - 100


@pytest.mark.parametrize("ended", [True, False])
def test_a_larger_event_is_refused(ended: bool) -> None:
    data = _large(EVENT_LIMIT + 2_048)
    _, trouble = read_to_the_trouble(event("kept"), data if ended else data[:-2], DONE)
    assert isinstance(trouble, UnreadableAnswer)
    assert "16 MiB" in str(trouble)


def test_a_completion_in_one_piece_gives_the_same_deltas() -> None:
    reader = ChatStreamReader()
    answer = {
        "model": "claude",
        "choices": [{"message": {"role": "assistant", "content": "Hi", "reasoning": "hm"}, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2},
    }
    reader.whole(answer)
    assert reader.flush() + reader.end() == [
        answering("claude"),
        thought("hm"),
        said("Hi"),
        TokensUsed(1, 2),
        finished("length"),
    ]


@pytest.mark.parametrize(
    "nothing",
    [
        b"null",
        b"1",
        b"0",
        b"true",
        b"[]",
        b"{}",
        b'""',
        b'"text"',
        b"[null, 3]",
        b'{"choices":null}',
        b'{"choices":[null]}',
        b'{"choices":{}}',
        b'{"choices":[{"delta":null}]}',
        b'{"choices":[{"delta":[]}]}',
    ],
)
def test_an_event_that_says_nothing_does_not_end_the_answer(nothing: bytes) -> None:
    assert read(event("a"), b"data: " + nothing + b"\n\n", event("b"), FINISH, DONE) == [
        said("a"),
        said("b"),
        finished("stop"),
    ]


@pytest.mark.parametrize("told", [b"null", b'"the upstream died"', b"the upstream died"])
def test_an_error_event_without_an_object_is_an_error(told: bytes) -> None:
    deltas, trouble = read_to_the_trouble(event("kept") + b"event: error\ndata: " + told + b"\n\n" + DONE)
    assert text_of(deltas) == "kept"
    assert isinstance(trouble, ServerRefused)
    assert ("upstream died" in trouble.message) is (b"upstream" in told)


def test_an_error_in_a_list_is_an_error() -> None:
    _, trouble = read_to_the_trouble(b'data: [{"error": {"code": 503, "message": "busy"}}]\n\n')
    assert isinstance(trouble, ServerFault)


@pytest.mark.parametrize(
    "reason", ["error", "ERROR", "server_error", "network_error", "failed", "abort", "cancelled", "timeout",
               "insufficient_system_resource"],
)  # fmt: skip
@pytest.mark.parametrize("tail", [DONE, b"data: [DONE]", b""])
def test_a_finish_reason_that_names_a_failure_is_one(reason: str, tail: bytes) -> None:
    usage = chunk(choices=[], usage={"prompt_tokens": 1, "completion_tokens": 2})
    last = chunk(choices=[{"index": 0, "delta": {}, "finish_reason": reason}])
    deltas, trouble = read_to_the_trouble(event("kept"), last, usage, tail)
    assert text_of(deltas) == "kept"
    assert TokensUsed(1, 2) in deltas
    assert not [delta for delta in deltas if isinstance(delta, Finished)]
    assert isinstance(trouble, Interrupted)
    assert reason in trouble.message


@pytest.mark.parametrize("reason", ["stop", "length", "content_filter", "tool_calls", "eos", "terror", "whatever"])
def test_any_other_finish_reason_ends_the_answer(reason: str) -> None:
    last = chunk(choices=[{"index": 0, "delta": {}, "finish_reason": reason}])
    assert read(event("x"), last, DONE)[-1] == finished(reason)


def test_an_error_in_a_choice_is_an_error() -> None:
    choice = {"index": 0, "delta": {"content": ""}, "finish_reason": "error", "error": {"code": 502, "message": "gone"}}
    _, trouble = read_to_the_trouble(event("kept") + chunk(choices=[choice]) + DONE)
    assert isinstance(trouble, ServerFault)
    assert "gone" in trouble.message


@pytest.mark.parametrize("field", ["content", "reasoning_content"])
def test_an_answer_without_end_is_stopped_at_16_mb(field: str) -> None:
    reader, piece = ChatStreamReader(), chunk(choices=[{"delta": {field: "word " * 20_000}}])
    pieces = 0
    while not reader.over:
        reader.feed(piece)
        pieces += 1
    assert 16 * 1024 * 1024 / 100_000 <= pieces < 200
    with pytest.raises(Interrupted, match=r"16 MB.*continue"):
        reader.end()


def test_tool_calls_without_end_are_stopped_as_well() -> None:
    reader, pieces = ChatStreamReader(), 0
    while not reader.over:
        calls = [{"id": f"c{pieces}-{n}", "function": {"name": "f", "arguments": "x" * 20_000}} for n in range(20)]
        reader.feed(chunk(choices=[{"delta": {"tool_calls": calls}}]))
        pieces += 1
    assert pieces < 60
