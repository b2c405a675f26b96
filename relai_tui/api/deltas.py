"""What a chat stream is made of: small frozen values, in the order they arrive.

Plain dataclasses: a thousand of them a second must cost nothing, and this module must load in no time.
"""

from dataclasses import dataclass

from relai_tui.text import CleanLine, CleanText


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the answer. One delta holds all the text of one network read."""

    text: CleanText
    pieces: int = 1
    """Chunks of the server that were joined here."""


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """More of the reasoning (`reasoning_content` or `reasoning`)."""

    text: CleanText
    pieces: int = 1


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call. Pieces with one `index` belong together; id and name come in the first."""

    index: int
    id: CleanText | None
    name: CleanText | None
    arguments: CleanText


@dataclass(frozen=True, slots=True)
class Answering:
    """Who answers; sent when the server first names it or names another."""

    model: CleanText
    alias: CleanText | None = None
    """What was asked, where the server says so (edition 2's X-Relai-Alias)."""


@dataclass(frozen=True, slots=True)
class TokensUsed:
    """The server's count of tokens. May come more than once; the last one holds."""

    prompt: int | None
    completion: int | None


@dataclass(frozen=True, slots=True)
class QuotaWarning:
    """Edition 2: an end user's quota runs out."""

    code: CleanLine
    message: CleanLine
    period: CleanLine | None
    percent: float | None
    """0 to 1."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The request is held back before it is tried again. Cancel the iteration to give up."""

    seconds: float
    attempt: int
    """The number of the try that follows, from 2."""
    because: CleanLine


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer is whole. A stream that ends without this was interrupted."""

    reason: CleanText | None
    """`stop`, `length`, `content_filter`, `tool_calls`; None when only [DONE] said it."""


Delta = TextDelta | ReasoningDelta | ToolCallDelta | Answering | TokensUsed | QuotaWarning | Waiting | Finished
