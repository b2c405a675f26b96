"""The words above and below an answer."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relai_tui.conversation import CostBasis, Figures, Role, Turn, TurnState
from relai_tui.text import clean, clean_line
from relai_tui.ui.chat.captions import footer_text, heading_text, state_text, thought_text
from tests.ui.chat.scene import FIGURES, answered, asked, streaming, turn


def test_who_answered() -> None:
    answer = answered("a", "x")
    assert heading_text(answer) == "smart"
    assert heading_text(replace(answer, model_answered=clean_line("claude"))) == "smart → claude"
    assert heading_text(replace(answer, model_answered=clean_line("smart"))) == "smart"
    assert heading_text(replace(answer, model_asked=None, model_answered=clean_line("claude"))) == "claude"
    assert heading_text(replace(answer, model_asked=None)) == "assistant"
    assert heading_text(asked("b", "x")) == ""
    assert heading_text(turn("c", Role.SYSTEM, "x")) == "system prompt"


@pytest.mark.parametrize(
    ("figures", "text"),
    [
        (FIGURES, "1,204 tokens · first 0.4 s · 77/s · $0.004213 measured"),
        (Figures(), "cost —"),
        (Figures(completion_tokens=1), "1 token · cost —"),
        (Figures(completion_tokens=0), "0 tokens · cost —"),
        (Figures(first_token_seconds=12.4), "first 12 s · cost —"),
        (Figures(first_token_seconds=75.0), "first 1 min 15 s · cost —"),
        (
            Figures(completion_tokens=10, first_token_seconds=1.0, seconds=5.0),
            "10 tokens · first 1.0 s · 2.5/s · cost —",
        ),
        (Figures(cost_micro=2_500_000, cost_basis=CostBasis.EXACT), "$2.50 exact"),
        (Figures(cost_micro=10, cost_basis=CostBasis.SHARED), "$0.00001 shared with other traffic"),
        (Figures(cost_micro=0, cost_basis=CostBasis.EXACT), "$0.00 exact"),
        (Figures(cost_micro=10, cost_basis=CostBasis.UNKNOWN), "cost —"),
    ],
)
def test_what_an_answer_measured_and_cost(figures: Figures, text: str) -> None:
    assert footer_text(answered("a", "x", figures=figures)) == text


@pytest.mark.parametrize(
    ("state", "error", "reason", "text"),
    [
        (TurnState.STOPPED, None, None, "stopped by you"),
        (TurnState.INTERRUPTED, None, None, "interrupted — what came is kept"),
        (TurnState.INTERRUPTED, "connection lost", None, "interrupted — what came is kept (connection lost)"),
        (TurnState.FAILED, "402 no credits", None, "failed: 402 no credits"),
        (TurnState.FAILED, None, None, "failed"),
        (TurnState.COMPLETE, None, "length", "cut at the token limit"),
        (TurnState.COMPLETE, None, "content_filter", "withheld by a content filter"),
    ],
)
def test_how_an_answer_ended(state: TurnState, error: str | None, reason: str | None, text: str) -> None:
    answer = answered(
        "a",
        "x",
        state=state,
        error=clean_line(error) if error else None,
        finish_reason=clean_line(reason) if reason else None,
    )
    assert footer_text(answer) == f"{text} · cost —"


def test_an_answer_that_ended_well_says_nothing_of_it() -> None:
    assert footer_text(answered("a", "x", finish_reason=clean_line("stop"))) == "cost —"


def test_nothing_is_said_under_a_question_or_while_an_answer_comes() -> None:
    assert footer_text(asked("a", "x")) == ""
    assert footer_text(streaming("b")) == ""


def test_reasoning_in_one_line() -> None:
    assert thought_text(312, 4.04) == "thought for 4.0 s · 312 words"
    assert thought_text(1, None) == "thought · 1 word"


@given(st.builds(Figures, *[st.none() | st.integers(0, 10**9)] * 2, *[st.none() | st.floats(0, 10**6)] * 2))
def test_a_footer_never_invents_a_figure(figures: Figures) -> None:
    text = footer_text(answered("a", "x", figures=figures))
    assert ("token" in text) == (figures.completion_tokens is not None)
    assert ("first" in text) == (figures.first_token_seconds is not None)
    assert ("/s" in text) == (figures.tokens_per_second is not None)
    assert text.endswith("cost —")
    assert not re.search(r"nan|inf", text)


@pytest.mark.parametrize(
    ("text", "reasoning", "reason", "words"),
    [
        ("", "", "stop", "The model answered with nothing"),
        (" \n", "", None, "The model answered with nothing"),
        ("", "hm", "stop", "The model reasoned but gave no answer"),
        ("half of", "", "SAFETY", "withheld by a content filter"),
        ("half of", "", "max_tokens", "cut at the token limit"),
        ("yes", "", "solar_flare", "solar_flare"),
        ("yes", "", "end_turn", None),
        ("yes", "", None, None),
    ],
)
def test_the_end_of_an_answer_is_told(text: str, reasoning: str, reason: str | None, words: str | None) -> None:
    answer = Turn(
        id="a", conversation_id="c", parent_id="p", role=Role.ASSISTANT, text=clean(text), reasoning=clean(reasoning),
        state=TurnState.COMPLETE, created_at=0.0, finish_reason=None if reason is None else clean_line(reason),
    )  # fmt: skip
    shown = state_text(answer)
    assert (shown is None) if words is None else (words in (shown or ""))
