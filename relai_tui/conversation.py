"""What a conversation is: values only, frozen. The store keeps them, the session makes them, the screen shows them."""

import secrets
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from relai_tui.text import NOTHING, CleanLine, CleanText


class Role(StrEnum):
    """Who speaks in a turn."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


class TurnState(StrEnum):
    """How far a turn got. Status is a column of its own and never part of the text."""

    STREAMING = "streaming"
    """Being written by a living process."""
    COMPLETE = "complete"
    STOPPED = "stopped"
    """The user stopped it."""
    INTERRUPTED = "interrupted"
    """The network broke, or the stream ended with neither a finish reason nor [DONE], or the program died."""
    FAILED = "failed"
    """The server said so; `Turn.error` says what."""


class CostBasis(StrEnum):
    """Where a cost comes from. A figure is never a guess in disguise."""

    EXACT = "exact"
    """The usage API named it (edition 2)."""
    MEASURED = "measured"
    """The fall of the balance over the one turn that ran."""
    SHARED = "shared"
    """The balance fell, but other traffic overlapped."""
    UNKNOWN = "unknown"


def new_id() -> str:
    """A fresh id for a turn or a conversation: 26 lower-case characters that sort by the time they were made."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(7)}"


@dataclass(frozen=True, slots=True)
class Figures:
    """What is measured of one answer. None is "not known", never zero."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    first_token_seconds: float | None = None
    """From the request to the first text or reasoning."""
    seconds: float | None = None
    """From the request to the last of the answer."""
    cost_micro: int | None = None
    """Micro-dollars."""
    cost_basis: CostBasis = CostBasis.UNKNOWN

    @property
    def tokens_per_second(self) -> float | None:
        """Completion tokens a second while the answer streamed, waiting for the first one left out."""
        if self.completion_tokens is None or self.seconds is None or self.first_token_seconds is None:
            return None
        streamed = self.seconds - self.first_token_seconds
        return self.completion_tokens / streamed if streamed > 0.05 else None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function the model asked for. This client shows it and never runs it."""

    id: CleanText
    name: CleanText
    arguments: CleanText
    """JSON text as the model wrote it, which may be cut or invalid."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation: a node of its tree."""

    id: str
    conversation_id: str
    parent_id: str | None
    """The turn this one follows; None for the first. Turns with one parent are siblings: edits and regenerations."""
    role: Role
    text: CleanText
    state: TurnState
    created_at: float
    """Unix time in seconds."""
    reasoning: CleanText = NOTHING
    tool_calls: tuple[ToolCall, ...] = ()
    error: CleanLine | None = None
    finish_reason: CleanText | None = None
    model_asked: CleanText | None = None
    """The id or alias in the request."""
    model_answered: CleanText | None = None
    """The model that really answered, as the server names it."""
    figures: Figures = Figures()


class DraftText(NamedTuple):
    """Text that was typed and not sent, and the parts of it that show as a label in the prompt."""

    text: CleanText = NOTHING
    blocks: tuple[tuple[int, int], ...] = ()
    """(start, end) of each, in characters, in order."""


NO_DRAFT = DraftText()
"""The draft of a conversation for which nothing is typed."""


def joined(*drafts: DraftText) -> DraftText:
    """Return drafts one below the other."""
    text, blocks = "", list[tuple[int, int]]()
    for draft in drafts:
        if draft.text:
            text += "\n" if text else ""
            blocks += [(start + len(text), end + len(text)) for start, end in draft.blocks]
            text += draft.text
    return DraftText(CleanText(text), tuple(blocks)) if text else NO_DRAFT


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation without its turns."""

    id: str
    title: CleanText
    """Empty until there is a first prompt or a name was given."""
    created_at: float
    """Unix time in seconds."""
    updated_at: float
    model: CleanText
    """The id or alias the next prompt goes to."""
    system: CleanText = NOTHING
    """The system prompt; empty for none."""
    region: CleanText | None = None
    """The region it was born in; None on servers without regions."""
    turns: int = 0
    """Turns stored, siblings included."""
    leaf_id: str | None = None
    """The last turn of the branch that is shown."""
    draft: DraftText = NO_DRAFT
    """Text typed and not sent."""
    excerpt: CleanLine | None = None
    """Where a search found its words; None outside a search."""
