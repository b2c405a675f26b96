"""Limits of the user's own: what was spent, held against what may be, before anything is sent. Pure.

What is spent is the sum of the known costs; answers of unknown cost are counted beside it and never taken for nothing.
"""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum

from relai_tui.money import dollars
from relai_tui.spending_rules import Cap, SpendingLimits
from relai_tui.text import CleanLine, clean_line


class Scope(StrEnum):
    """What a limit is for."""

    CONVERSATION = "conversation"
    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Spent:
    """What a conversation, this day and this month cost so far. Micro-dollars."""

    conversation: int = 0
    day: int = 0
    month: int = 0
    unknown: int = 0
    """Answers of this month, and of the conversation, whose cost is not known."""

    def of(self, scope: Scope) -> int:
        """The known costs in that scope."""
        return {Scope.CONVERSATION: self.conversation, Scope.DAY: self.day, Scope.MONTH: self.month}[scope]


@dataclass(frozen=True, slots=True)
class Breach:
    """A limit that is reached, or that the next answer would probably pass."""

    scope: Scope
    hard: bool
    spent_micro: int
    expected_micro: int | None
    """What the next answer will probably cost; None where nothing like it was paid for yet."""
    limit_micro: int

    @property
    def words(self) -> CleanLine:
        """`$0.97 of $1.00 spent in this conversation; the next answer will probably cost $0.04`."""
        place = {
            Scope.CONVERSATION: "in this conversation",
            Scope.DAY: "today",
            Scope.MONTH: "this month",
        }[self.scope]
        said = f"{dollars(self.spent_micro)} of {dollars(self.limit_micro)} spent {place}"
        if self.spent_micro < self.limit_micro and self.expected_micro is not None:
            said += f"; the next answer will probably cost {dollars(self.expected_micro)}"
        return clean_line(said)


def check(limits: SpendingLimits, spent: Spent, expected_micro: int | None = None) -> tuple[Breach, ...]:
    """The limits that stand in the way of another answer, hard ones first; at most one a scope.

    A limit of zero is one, too. A hard limit is in the way when the next answer would pass it or, where its cost cannot
    be told, when it is reached; a soft one from the moment it is reached.
    """
    caps = ((Scope.CONVERSATION, limits.conversation), (Scope.DAY, limits.day), (Scope.MONTH, limits.month))
    found = [breach for scope, cap in caps if (breach := _breach(scope, cap, spent.of(scope), expected_micro))]
    return tuple(sorted(found, key=lambda breach: not breach.hard))


def _breach(scope: Scope, cap: Cap, spent: int, expected: int | None) -> Breach | None:
    if cap.hard is not None and (spent >= cap.hard or spent + max(0, expected or 0) > cap.hard):
        return Breach(scope, True, spent, expected, cap.hard)
    if cap.soft is not None and spent >= cap.soft:
        return Breach(scope, False, spent, expected, cap.soft)
    return None


def day_start(now: float, zone: tzinfo | None = None) -> float:
    """When the day of that moment began, in the local calendar or that of `zone`. Unix time in seconds."""
    return _midnight(now, zone).timestamp()


def month_start(now: float, zone: tzinfo | None = None) -> float:
    """When the month of that moment began. Unix time in seconds."""
    return _midnight(now, zone, first=True).timestamp()


def _midnight(now: float, zone: tzinfo | None, *, first: bool = False) -> datetime:
    # Without a zone the result is naive on purpose: its timestamp is then taken in the local zone of that very moment,
    # which on the day the clocks change is not the zone of now.
    here = datetime.fromtimestamp(now, zone)
    start = here.replace(hour=0, minute=0, second=0, microsecond=0)
    return start.replace(day=1) if first else start
