"""What is said about a turn above and below it, in words; pure."""

from relai_tui.api.finish_reasons import finish_words
from relai_tui.conversation import CostBasis, Role, Turn, TurnState
from relai_tui.money import dollars
from relai_tui.text import CleanLine, clean_line

_BASES = {
    CostBasis.EXACT: "exact",
    CostBasis.MEASURED: "measured",
    CostBasis.SHARED: "shared with other traffic",
}


def heading_text(turn: Turn) -> CleanLine:
    """Who answers: `smart → claude-sonnet-4.6`, one name where only one is known. Empty for the user."""
    if turn.role is Role.USER:
        return clean_line("")
    if turn.role is Role.SYSTEM:
        return clean_line("system prompt")
    asked, answered = turn.model_asked, turn.model_answered
    names = [name for name in (asked, answered if answered != asked else None) if name]
    return clean_line(" → ".join(names) or "assistant")


def state_text(turn: Turn) -> CleanLine | None:
    """How the turn ended, if not well; None if there is nothing to say."""
    if turn.state is TurnState.FAILED:
        return clean_line(f"failed: {turn.error}" if turn.error else "failed")
    if turn.state is TurnState.STOPPED:
        return clean_line("stopped by you")
    if turn.state is TurnState.INTERRUPTED:
        why = f" ({turn.error})" if turn.error else ""
        return clean_line(f"interrupted — what came is kept{why}")
    if turn.state is TurnState.COMPLETE and turn.role is Role.ASSISTANT:
        answered = bool(turn.text.strip() or turn.tool_calls)
        return finish_words(turn.finish_reason, answered=answered, reasoned=bool(turn.reasoning))
    return None


def figures_text(turn: Turn) -> CleanLine | None:
    """What the answer measured and cost: `1,204 tokens · first 0.4 s · 78/s · $0.0042 measured`.

    What is not known is left out, but for the cost, which is then `cost —`. None for turns that cost nothing.
    """
    if turn.role is not Role.ASSISTANT or turn.state is TurnState.STREAMING:
        return None
    if turn.state is TurnState.FAILED and not turn.text and not turn.reasoning:
        return None  # it was never made
    figures = turn.figures
    parts: list[str] = []
    if figures.completion_tokens is not None:
        parts.append(f"{figures.completion_tokens:,} token{'' if figures.completion_tokens == 1 else 's'}")
    if figures.first_token_seconds is not None:
        parts.append(f"first {_seconds(figures.first_token_seconds)}")
    if (speed := figures.tokens_per_second) is not None:
        parts.append(f"{speed:,.0f}/s" if speed >= 9.5 else f"{speed:.1f}/s")
    if figures.cost_micro is None or figures.cost_basis is CostBasis.UNKNOWN:
        parts.append("cost —")
    else:
        parts.append(f"{dollars(figures.cost_micro)} {_BASES[figures.cost_basis]}")
    return clean_line(" · ".join(parts))


def footer_text(turn: Turn) -> CleanLine:
    """The line under an answer: its state where it is not complete, then its figures. Empty while it streams."""
    return clean_line(" · ".join(part for part in (state_text(turn), figures_text(turn)) if part), 600)


def thought_text(words: int, seconds: float | None) -> CleanLine:
    """Reasoning in one line: `thought for 4 s · 312 words`. `seconds`: None when nobody measured it."""
    time = f" for {_seconds(seconds)}" if seconds is not None else ""
    return clean_line(f"thought{time} · {words:,} word{'' if words == 1 else 's'}")


def _seconds(seconds: float) -> str:
    if seconds >= 60:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest} s"
    if seconds < 0.095:
        return f"{max(1, round(seconds * 1_000))} ms"
    return f"{seconds:.0f} s" if seconds >= 9.95 else f"{seconds:.1f} s"
