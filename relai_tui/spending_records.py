"""What was spent, as it is kept and shown: values only. The store keeps them, the Balance room and receipts show them.

Money is micro-dollars, times are Unix time in seconds, and None is "not known", never 0.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from relai_tui.conversation import CostBasis
from relai_tui.text import CleanText


@dataclass(frozen=True, slots=True)
class KeptReading:
    """The balance of a profile at a moment, on the wall clock."""

    profile: CleanText
    region: CleanText | None
    """None on servers without regions."""
    micro: int
    """Micro-dollars."""
    as_of: float
    """Unix time in seconds."""
    source: CleanText
    """Where it was read: such as `balance` or `402`."""


@dataclass(frozen=True, slots=True)
class SpentTurn:
    """An answer and what it cost. Outlives its conversation: money spent stays spent."""

    turn_id: str
    conversation_id: str
    conversation: CleanText | None
    """The conversation's title; None when it was deleted."""
    profile: CleanText
    model: CleanText | None
    """What answered."""
    key_id: CleanText | None
    at: float
    """When the answer began."""
    seconds: float | None
    tokens_in: int | None
    tokens_out: int | None
    cost_micro: int | None
    basis: CostBasis


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """One request the server charged (edition 2), as `GET /usage` told it and as it is kept here."""

    request_id: CleanText
    at: float
    model: CleanText | None
    tokens_in: int | None
    tokens_out: int | None
    cost_micro: int | None
    latency_ms: int | None
    status: CleanText | None
    key_id: CleanText | None = None
    """Known only where it was asked for by key."""


@dataclass(frozen=True, slots=True)
class LedgerRecord:
    """One movement of the credits: told by the server (edition 2), or found in the readings."""

    id: CleanText
    at: float
    delta_micro: int | None
    """Negative for a charge."""
    reason: CleanText | None
    reference: CleanText | None
    found: bool = False
    """True for a rise that was found between two readings, False for a row the server told."""


class AlertLevel(IntEnum):
    """How low the credits are."""

    NONE = 0
    LOW = 1
    CRITICAL = 2


@dataclass(frozen=True, slots=True)
class AlertState:
    """What was told last of low credits; kept on disk, so that a restart and another window know of it."""

    level: AlertLevel = AlertLevel.NONE
    """The level we are in."""
    micro: int | None = None
    """The lowest balance since the last top-up: a rise from there is another one."""
    told_low: float | None = None
    told_critical: float | None = None
    """When that level was told."""

    def told(self, level: AlertLevel) -> float | None:
        """When a level was told."""
        return self.told_critical if level is AlertLevel.CRITICAL else self.told_low


class By(StrEnum):
    """What spending is summed by."""

    MODEL = "model"
    CONVERSATION = "conversation"
    DAY = "day"
    """Of the local calendar, as `2026-11-25`."""
    KEY = "key"


@dataclass(frozen=True, slots=True)
class SpendSum:
    """What one model, conversation, day or key cost."""

    name: CleanText
    """What is shown: a model's id, a title, a date, a key's name."""
    id: str
    """What it is: a model's id, a conversation's, a date, a key's id."""
    micro: int
    """The sum of the known costs."""
    count: int
    """Answers or requests, those of unknown cost included."""
    unknown: int
    """How many of them have no known cost."""
    tokens_in: int = 0
    tokens_out: int = 0
