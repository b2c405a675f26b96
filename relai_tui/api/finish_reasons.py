"""Finish reasons of many servers, and the words for those a person must know of. Pure.

OpenAI's contract has `stop`, `length`, `content_filter` and `tool_calls`. Gateways hand on what their upstreams say,
so the words of Anthropic, Google, Mistral, Cohere, DeepSeek and vLLM occur as well.
"""

from relai_tui.text import CleanLine, clean_line

_WHOLE = {
    "stop", "stop_sequence", "end_turn", "eos", "eos_token", "complete", "completed", "done", "finished",
    "tool_calls", "tool_call", "tool_use", "function_call",
}  # fmt: skip
_CUT = {
    "length", "max_tokens", "max_output_tokens", "max_length", "model_length", "context_length",
    "model_context_window_exceeded",
}  # fmt: skip
_WITHHELD = {
    "content_filter", "content_filtered", "safety", "image_safety", "sensitive", "recitation", "blocklist",
    "prohibited_content", "spii", "refusal", "guardrail_intervened",
}  # fmt: skip
_FAILED = {
    "failed", "failure", "abort", "aborted", "cancel", "canceled", "cancelled", "timeout", "overloaded",
    "interrupted", "incomplete", "insufficient_system_resource",
}  # fmt: skip


def is_failure(reason: str | None) -> bool:
    """Return True when a finish reason says that the answer broke off at the server."""
    word = _word(reason)
    return word in _FAILED or "error" in word.split("_")


def is_withheld(reason: str | None) -> bool:
    """Return True when a content filter broke the answer off."""
    return _word(reason) in _WITHHELD


def finish_words(reason: str | None, *, answered: bool, reasoned: bool) -> CleanLine | None:
    """Return what to say of an answer that finished; None when it is simply whole.

    `answered` tells whether it holds text or a tool call, `reasoned` whether it holds reasoning.
    """
    word = _word(reason)
    if word in _CUT:
        return clean_line("cut at the token limit")
    if word in _WITHHELD:
        return clean_line("withheld by a content filter")
    if word and word not in _WHOLE:
        return clean_line(f"ended for a reason this client does not know: “{clean_line(word, 40)}”")
    if answered:
        return None
    return clean_line("The model reasoned but gave no answer" if reasoned else "The model answered with nothing")


def _word(reason: str | None) -> str:
    return (reason or "").strip().lower().replace("-", "_").replace(" ", "_")
