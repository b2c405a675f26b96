"""Who spent what: the cost of an answer by readings around it or by the server's events; what nobody here spent."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from relai_tui.conversation import CostBasis
from relai_tui.spending_records import KeptReading, SpentTurn, UsageRecord

SETTLES = 30.0
"""Seconds after an answer in which its charge may still come."""
CLOCKS = 60.0
"""Seconds by which the server's clock may differ from ours."""
SMALLEST = 1_000
"""Micro-dollars: a smaller difference is told to nobody."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The balance as it was, or why it is not known."""

    micro: int | None
    """Micro-dollars; None when the server did not say, or could not be asked."""
    asked_at: float
    """When the request left, on the monotonic clock, in seconds."""
    as_of: float
    """When the answer came, on the monotonic clock: what the age is counted from."""
    trouble: str | None = None
    """Why there is no new figure, in words; None when there is one."""
    offered: bool = True
    """False when this server has no balance: show nothing of it."""


@dataclass(frozen=True, slots=True)
class Span:
    """When an answer ran, on the monotonic clock, in seconds. `end` is None while it runs."""

    turn_id: str
    start: float
    end: float | None = None


@dataclass(frozen=True, slots=True)
class Unexplained:
    """What the credits fell by that no answer of this machine explains."""

    micro: int
    """Micro-dollars."""
    since: float
    until: float
    """Unix times of the readings between which it was."""


def fall(
    span: Span, others: tuple[Span, ...], before: Reading | None, after: Reading | None
) -> tuple[int | None, CostBasis]:
    """What the answer of `span` cost in micro-dollars, from two readings around it, and how well that is known.

    Unknown without both figures or when the balance rose; shared when another answer ran between the readings.
    """
    if before is None or after is None or before.micro is None or after.micro is None or span.end is None:
        return None, CostBasis.UNKNOWN
    if before.as_of > span.start or after.asked_at < span.end:
        return None, CostBasis.UNKNOWN
    if any(other.start < after.as_of and (other.end is None or other.end > before.asked_at) for other in others):
        return None, CostBasis.SHARED
    spent = before.micro - after.micro
    return (spent, CostBasis.MEASURED) if spent >= 0 else (None, CostBasis.UNKNOWN)


def match_usage(turns: Sequence[SpentTurn], events: Sequence[UsageRecord]) -> dict[str, UsageRecord]:
    """The event the server charged for each answer, by the answer's id; no event twice, and none by guessing.

    An event fits when model and both token counts are the same and its time is that of the answer. Where several fit
    several, as for one prompt asked twice, they are paired in the order of time if there are as many of each.
    """
    by_shape: defaultdict[tuple[object, ...], list[UsageRecord]] = defaultdict(list)
    for event in events:
        by_shape[event.model, event.tokens_in, event.tokens_out].append(event)
    alike: defaultdict[tuple[object, ...], list[SpentTurn]] = defaultdict(list)
    for turn in turns:
        shape: tuple[object, ...] = (turn.model, turn.tokens_in, turn.tokens_out)
        if turn.model is not None and turn.tokens_out is not None and shape in by_shape:
            alike[shape].append(turn)
    matched: dict[str, UsageRecord] = {}
    for shape, group in alike.items():
        charged = sorted(by_shape[shape], key=lambda event: event.at)
        matched |= _paired(sorted(group, key=lambda turn: turn.at), charged)
    return matched


def _paired(turns: Sequence[SpentTurn], events: Sequence[UsageRecord]) -> dict[str, UsageRecord]:
    """Pairs of what is alike but for the time."""
    pairs: dict[str, UsageRecord] = {}
    for cluster in _clusters(turns):
        fitting = [event for event in events if any(_fits(turn, event) for turn in cluster)]
        if len(fitting) == len(cluster) and all(map(_fits, cluster, fitting)):
            pairs |= {turn.turn_id: event for turn, event in zip(cluster, fitting, strict=True)}
    return pairs


def _clusters(turns: Sequence[SpentTurn]) -> list[list[SpentTurn]]:
    """Turns so near to each other that one event may fit several."""
    clusters: list[list[SpentTurn]] = []
    for turn in turns:
        if clusters and turn.at - CLOCKS <= max(_end(each) for each in clusters[-1]) + CLOCKS:
            clusters[-1].append(turn)
        else:
            clusters.append([turn])
    return clusters


def _fits(turn: SpentTurn, event: UsageRecord) -> bool:
    return turn.at - CLOCKS <= event.at <= _end(turn) + CLOCKS


def _end(turn: SpentTurn) -> float:
    return turn.at + (600.0 if turn.seconds is None else turn.seconds)


def unexplained(
    before: KeptReading, after: KeptReading, own: Sequence[SpentTurn], running: int = 0
) -> Unexplained | None:
    """What fell between two readings beyond what answers of this machine cost; None where nobody can say so.

    `own` are the answers of all windows around that time, `running` how many are on their way. Where the cost of one of
    them is not known, or may not have been charged yet, the fall explains itself.
    """
    spent = before.micro - after.micro
    if running or spent < SMALLEST or after.as_of <= before.as_of:
        return None
    explained = 0
    for turn in own:
        end = _end(turn)
        if end + SETTLES < before.as_of or turn.at - CLOCKS > after.as_of:
            continue
        if turn.cost_micro is None or turn.basis not in (CostBasis.EXACT, CostBasis.MEASURED):
            return None
        explained += turn.cost_micro
    rest = spent - explained
    return Unexplained(rest, before.as_of, after.as_of) if rest >= SMALLEST else None
