"""Deltas as a test writes them: plain text, taken as the clean text it must have become."""

from relai_tui.api.deltas import Answering, Finished, QuotaWarning, ReasoningDelta, TextDelta, ToolCallDelta
from relai_tui.text import CleanText, clean_line


def line(text: str | None) -> CleanText | None:
    return None if text is None else CleanText(text)


def said(text: str, pieces: int = 1) -> TextDelta:
    return TextDelta(CleanText(text), pieces)


def thought(text: str) -> ReasoningDelta:
    return ReasoningDelta(CleanText(text))


def called(index: int, identity: str | None, name: str | None, arguments: str) -> ToolCallDelta:
    return ToolCallDelta(index, line(identity), line(name), CleanText(arguments))


def answering(model: str, alias: str | None = None) -> Answering:
    return Answering(CleanText(model), line(alias))


def warned(code: str, message: str, period: str | None, percent: float | None) -> QuotaWarning:
    return QuotaWarning(clean_line(code), clean_line(message), clean_line(period) if period else None, percent)


def finished(reason: str | None = None) -> Finished:
    return Finished(line(reason))
