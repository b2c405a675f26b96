"""How `ask` tells the end of an answer, as a script sees it: on standard error, by exit code, and in the history."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from relai_tui.conversation import TurnState
from relai_tui.sandbox.faults import CHAT, answer, endless, finish, null_events, raw, stream_error
from relai_tui.sandbox.server import Sandbox
from tests.test_ask import Shell

STREAMED = pytest.mark.parametrize("how", [(), ("--no-stream",)], ids=["streamed", "whole"])


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[Shell]:
    async with Sandbox(tokens_per_second=0) as sandbox:
        yield Shell(sandbox, tmp_path / "home")


@STREAMED
@pytest.mark.parametrize("reason", ["error", "network_error"])
async def test_a_failure_told_by_the_finish_reason_is_one(reason: str, how: tuple[str, ...], shell: Shell) -> None:
    shell.sandbox.faults.add(finish(reason))
    ended = await shell.run("ask", *how, "echo: one two three")
    assert (ended.code, ended.out.strip()) == (3, "one two three")
    assert reason in ended.err
    answer = (await shell.kept())[1]
    assert (answer.state, answer.text) == (TurnState.INTERRUPTED, "one two three")
    assert reason in (answer.error or "")


@STREAMED
async def test_a_failure_before_any_text_is_one(how: tuple[str, ...], shell: Shell) -> None:
    shell.sandbox.faults.add(finish("error"))
    ended = await shell.run("ask", *how, "say nothing")
    assert (ended.code, ended.out) == (3, "")
    assert (await shell.kept())[1].state is TurnState.FAILED


@STREAMED
async def test_an_unknown_finish_reason_is_told(how: tuple[str, ...], shell: Shell) -> None:
    shell.sandbox.faults.add(finish("solar_flare"))
    ended = await shell.run("ask", *how, "echo: one")
    assert ended.code == 0
    assert "solar_flare" in ended.err


@STREAMED
async def test_an_empty_answer_is_told(how: tuple[str, ...], shell: Shell) -> None:
    ended = await shell.run("ask", *how, "say nothing")
    assert (ended.code, ended.out) == (0, "")
    assert "The model answered with nothing" in ended.err


@STREAMED
@pytest.mark.parametrize("reason", ["content_filter", "SAFETY"])
async def test_a_content_filter_is_told_and_has_an_exit_code(reason: str, how: tuple[str, ...], shell: Shell) -> None:
    shell.sandbox.faults.add(finish(reason))
    ended = await shell.run("ask", *how, "echo: half of")
    assert (ended.code, ended.out.strip()) == (3, "half of")
    assert "content filter" in ended.err


async def test_events_that_say_nothing_do_not_end_a_paid_answer(shell: Shell) -> None:
    shell.sandbox.faults.add(null_events(2))
    ended = await shell.run("ask", "echo: one two three four five")
    assert (ended.code, ended.out.strip(), ended.err) == (0, "one two three four five", "")


@STREAMED
async def test_reasoning_in_tags_is_kept_as_reasoning_and_not_sent_back(how: tuple[str, ...], shell: Shell) -> None:
    ended = await shell.run("ask", *how, "echo: <think>\nsecretly\n</think>\n\nyes")
    assert (ended.code, ended.out) == (0, "yes\n")
    answer = (await shell.kept())[1]
    assert (answer.reasoning, answer.text) == ("secretly", "yes")
    await shell.run("ask", "-c", *how, "and then?")
    sent = shell.sandbox.requests.of("POST", CHAT)[1].body["messages"]
    assert [message["content"] for message in sent][1:] == ["yes", "and then?"]


async def test_an_answer_without_end_is_stopped_kept_and_told(shell: Shell) -> None:
    shell.sandbox.faults.add(endless())
    ended = await shell.run("ask", "echo: on and")
    assert ended.code == 3
    assert "16 MB" in ended.err
    assert "continue" in ended.err
    answer = (await shell.kept())[1]
    assert answer.state is TurnState.INTERRUPTED
    assert 16_000_000 < len(answer.text) < 17_000_000
    assert answer.text.strip() == ended.out.strip()
    files = sum(file.stat().st_size for file in (shell.home / "data").iterdir())
    assert files < 6 * len(answer.text)


async def test_a_stream_of_null_events_alone_tells_that_nothing_came(shell: Shell) -> None:
    shell.sandbox.faults.add(replace(raw("data: null\n\ndata: [DONE]\n\n", 0), end_after=0))
    ended = await shell.run("ask", "echo: x")
    assert "nothing" in ended.err


async def test_an_error_after_the_first_words_leaves_them_and_says_so(shell: Shell) -> None:
    shell.sandbox.faults.add(stream_error(after=3), times=1)
    ended = await shell.run("ask", "echo: one two three four five six seven eight")
    assert (ended.code, ended.out.startswith("one")) == (3, True)
    assert "What came is kept" in ended.err


async def test_a_body_that_is_no_stream_is_called_that(shell: Shell) -> None:
    shell.sandbox.faults.add(answer(200, "what is this?", content_type="text/event-stream"), path=CHAT, times=1)
    ended = await shell.run("ask", "echo: one")
    assert ended.code != 0
    assert "too long for this model" not in ended.err
