"""Reasoning written into the content between tags, streamed in any pieces or in one."""

import pytest

from relai_tui.api.deltas import Delta, ReasoningDelta, TextDelta
from relai_tui.api.stream import ChatStreamReader
from tests.api.raw_server import DONE, FINISH, event


def told(deltas: list[Delta]) -> tuple[str, str]:
    reasoning = "".join(delta.text for delta in deltas if isinstance(delta, ReasoningDelta))
    return reasoning, "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


def streamed(*pieces: str) -> tuple[str, str]:
    reader = ChatStreamReader()
    deltas = [delta for piece in pieces for delta in reader.feed(event(piece))]
    deltas += reader.feed(FINISH) + reader.feed(DONE)
    return told(deltas + reader.flush() + reader.end())


def whole(content: str) -> tuple[str, str]:
    reader = ChatStreamReader()
    reader.whole({"choices": [{"message": {"content": content}, "finish_reason": "stop"}]})
    return told(reader.flush() + reader.end())


ANSWERS = [
    ("<think>hm</think>yes", "hm", "yes"),
    ("<thinking>hm</thinking>yes", "hm", "yes"),
    ("<think>\nhm\nhm\n</think>\n\nyes\n", "hm\nhm", "yes\n"),
    ("<think>\r\nhm\r\n</think>\r\n\r\nyes", "hm", "yes"),
    ("\n\n  <think>hm</think> yes", "hm", "yes"),
    ("<THINK>hm</Think>yes", "hm", "yes"),
    ("<think></think>yes", "", "yes"),
    ("<think>\n\n</think>\n\nyes", "", "yes"),
    ("<think>a</think>\n<think>b</think>yes", "ab", "yes"),
    ("<think>a < b </thin </thinking> <think> c</think>yes", "a < b </thin </thinking> <think> c", "yes"),
    ("<think>İİİ</think>yes", "İİİ", "yes"),
    ("<think>never closed", "never closed", ""),
    ("<think>never closed </thin", "never closed </thin", ""),
    ("<think>only this</think>", "only this", ""),
    ("<think>only this</think>\n\n", "only this", ""),
]
PROSE = [
    "The tag <think>hm</think> is prose.",
    "```\n<think>hm</think>\n```",
    "`<think>` opens",
    "    <think>indented code</think>",
    "\t<think>indented code</think>",
    "> <think>quoted</think>",
    "<thin",
    "<thinker>no</thinker>",
    "<",
    "",
    " \n",
    "</think>yes",
    "<p>yes</p>",
]


@pytest.mark.parametrize(("content", "reasoning", "text"), ANSWERS)
def test_reasoning_in_tags_is_reasoning(content: str, reasoning: str, text: str) -> None:
    content_lines = text.replace("\r\n", "\n")
    assert streamed(content) == whole(content) == (reasoning, content_lines)
    assert streamed(*content) == (reasoning, content_lines)
    for cut in range(len(content)):
        assert streamed(content[:cut], content[cut:]) == (reasoning, content_lines), cut


@pytest.mark.parametrize("content", PROSE)
def test_tags_anywhere_else_stay_in_the_text(content: str) -> None:
    assert streamed(content) == whole(content) == ("", content)
    for cut in range(len(content)):
        assert streamed(content[:cut], content[cut:]) == ("", content), cut


def test_tags_in_a_second_part_of_the_answer_are_text() -> None:
    assert streamed("<think>a</think>yes <think>b</think>") == ("a", "yes <think>b</think>")


def test_long_reasoning_takes_linear_time() -> None:
    piece = "word " * 20
    reasoning, text = streamed("<think>", *[piece] * 3_000, "</think>", "yes")
    assert (len(reasoning), text) == (len(piece) * 3_000 - 1, "yes")
