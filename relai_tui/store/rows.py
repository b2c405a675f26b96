"""Rows as values and back. What is loaded is cleaned again: the file is foreign too."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, TypeVar

from relai_tui.conversation import Conversation, CostBasis, DraftText, Figures, Role, ToolCall, Turn, TurnState
from relai_tui.text import NOTHING, CleanLine, CleanText, clean, clean_line, clean_name

if TYPE_CHECKING:
    import sqlite3
    from enum import StrEnum

    Word = TypeVar("Word", bound=StrEnum)

LARGEST = 2**53
"""The largest count or amount that is kept; what is larger cannot be true and is "not known"."""

FIGURE_COLUMNS = "prompt_tokens, completion_tokens, first_token_seconds, seconds, cost_micro, cost_basis"


def conversation_of(row: sqlite3.Row) -> Conversation:
    """The conversation of a row that also has `draft` and `excerpt`."""
    excerpt = row["excerpt"]
    return Conversation(
        id=text_of(row["id"]),
        title=name_of(row["title"]) or NOTHING,
        created_at=seconds_of(row["created_at"]) or 0.0,
        updated_at=seconds_of(row["updated_at"]) or 0.0,
        model=name_of(row["model"]) or NOTHING,
        system=text_of(row["system"]),
        region=name_of(row["region"]),
        turns=whole_of(row["turns"]) or 0,
        leaf_id=name_of(row["leaf_id"]),
        draft=draft_of(row["draft"], row["draft_blocks"]),
        excerpt=line_of(excerpt),
    )


def draft_of(text: object, blocks: object) -> DraftText:
    """Return a draft; without its blocks where these are not what was written."""
    try:
        spans = tuple((int(start), int(end)) for start, end in json.loads(str(blocks)))
    except (ValueError, TypeError, RecursionError):
        spans = ()
    return DraftText(text_of(text), spans)


def turn_of(row: sqlite3.Row) -> Turn:
    """The turn of a row, without the pieces of an answer that still streams."""
    return Turn(
        id=text_of(row["id"]),
        conversation_id=text_of(row["conversation_id"]),
        parent_id=name_of(row["parent_id"]),
        role=_word(Role, row["role"], Role.ASSISTANT),
        text=text_of(row["text"]),
        # A state of a newer program: what is certain is that we cannot say it is complete.
        state=_word(TurnState, row["state"], TurnState.INTERRUPTED),
        created_at=seconds_of(row["created_at"]) or 0.0,
        reasoning=text_of(row["reasoning"]),
        tool_calls=tool_calls_of(row["tool_calls"]),
        error=line_of(row["error"]),
        finish_reason=line_of(row["finish_reason"]),
        model_asked=name_of(row["model_asked"]),
        model_answered=name_of(row["model_answered"]),
        figures=Figures(
            prompt_tokens=whole_of(row["prompt_tokens"]),
            completion_tokens=whole_of(row["completion_tokens"]),
            first_token_seconds=seconds_of(row["first_token_seconds"]),
            seconds=seconds_of(row["seconds"]),
            cost_micro=whole_of(row["cost_micro"]),
            cost_basis=basis_of(row["cost_basis"]),
        ),
    )


def basis_of(value: object) -> CostBasis:
    """A cost's basis; UNKNOWN for a word of a newer program."""
    return _word(CostBasis, value, CostBasis.UNKNOWN)


def figures_row(figures: Figures) -> tuple[object, ...]:
    """The values for `FIGURE_COLUMNS`."""
    return (
        whole_of(figures.prompt_tokens),
        whole_of(figures.completion_tokens),
        seconds_of(figures.first_token_seconds),
        seconds_of(figures.seconds),
        whole_of(figures.cost_micro),
        figures.cost_basis.value,
    )


def tool_calls_of(text: object) -> tuple[ToolCall, ...]:
    """Tool calls from their JSON; none where it is not what we wrote."""
    try:
        found = json.loads(text) if isinstance(text, str) else []
    except (ValueError, RecursionError):
        return ()
    if not isinstance(found, list):
        return ()
    return tuple(
        ToolCall(clean_name(str(call[0])), clean_name(str(call[1])), clean(str(call[2])))
        for call in found
        if isinstance(call, list) and len(call) == 3
    )


def tool_calls_text(calls: tuple[ToolCall, ...]) -> str:
    """Tool calls as JSON."""
    return json.dumps([[call.id, call.name, call.arguments] for call in calls])


def text_of(value: object) -> CleanText:
    """Any number of lines; empty for what is no text."""
    return clean(value) if isinstance(value, str) else NOTHING


def name_of(value: object) -> CleanText | None:
    """Return an id, a name or a title; None for what is no text."""
    return clean_name(value) if isinstance(value, str) else None


def line_of(value: object) -> CleanLine | None:
    """Return one line of words; None for what is no text."""
    return clean_line(value) if isinstance(value, str) else None


def whole_of(value: object) -> int | None:
    """A count or an amount; None ("not known") for what is no integer or cannot be true."""
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > LARGEST:
        return None
    return value


def seconds_of(value: object) -> float | None:
    """A time or a duration; None for what is none."""
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def _word(kind: type[Word], value: object, otherwise: Word) -> Word:
    try:
        return kind(str(value))
    except ValueError:
        return otherwise
