"""What is to be reached: each figure, and what it is held against."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.bench.clients import BARE, OURS
from tests.bench.plans import DOCUMENTS, document_step

Look = Callable[[str, str, str], float | None]
"""Client, step and figure to the median of it; None where it was not measured."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A measurement of one client."""

    step: str
    name: str
    client: str = OURS.name

    def of(self, look: Look) -> float | None:
        """Its median."""
        return look(self.client, self.step, self.name)


@dataclass(frozen=True, slots=True)
class Goal:
    """At most so much, or at most so many times another figure."""

    point: str
    words: str
    figure: Figure
    limit: float
    per: Figure | None = None
    """What the figure is divided by."""
    beside: Figure | None = None
    """What is told with it."""

    def value(self, look: Look) -> float | None:
        """What is held against the limit."""
        ours, other = self.figure.of(look), self.per.of(look) if self.per else 1.0
        return None if ours is None or not other else ours / other


def _bare(step: str, name: str) -> Figure:
    return Figure(step, name, BARE.name)


_START = _bare("start", "ready_s")
_TYPED, _FLOODED = "2k at 200/s typing", "32k unpaced typing"

GOALS = (
    Goal("1", "start to an echoed key", Figure("start", "ready_s"), 1.15, _START),
    Goal("1", "first answer, first token", Figure("start", "first_token_ms"), 1.0, _bare("start", "first_token_ms")),
    Goal("1", "`--version`, beside bare's start", Figure("version", "version_s"), 0.2, _START),
    Goal("1", "`ask` to its request, beside bare's start", Figure("ask", "request_s"), 0.8, _START),
    Goal("2", "CPU of 2k at 200/s", Figure("2k at 200/s", "cpu_s"), 0.25, _bare("2k at 200/s", "cpu_s")),
    Goal("2", "CPU of 32k at 1,000/s", Figure("32k at 1000/s", "cpu_s"), 0.12, _bare("32k at 1000/s", "cpu_s")),
    Goal(
        "2",
        "CPU per token, 32k beside 8k",
        Figure("32k at 1000/s", "cpu_ms_per_1k"),
        1.1,
        Figure("8k at 1000/s", "cpu_ms_per_1k"),
    ),
    Goal("2", "2k unpaced, to the last word", Figure("2k unpaced", "total_s"), 0.12, _bare("2k unpaced", "total_s")),
    Goal("3", "lag at 200/s", Figure("2k at 200/s", "lag_ms"), 30),
    Goal("3", "lag at 1,000/s over 32k", Figure("32k at 1000/s", "lag_ms"), 60),
    Goal("4", "echo at rest, p95", Figure("rest", "key_p95_ms"), 10),
    Goal("4", "echo during 200/s, p50", Figure(_TYPED, "key_p50_ms"), 12),
    Goal("4", "echo during 200/s, p95", Figure(_TYPED, "key_p95_ms"), 40),
    Goal("4", "echo during 32k unpaced, p50", Figure(_FLOODED, "key_p50_ms"), 40),
    Goal("4", "echo during 32k unpaced, p95", Figure(_FLOODED, "key_p95_ms"), 90),
    Goal("5", "1,000 turns from the list", Figure("1000 turns", "open_ms"), 150),
    Goal("5", "10,000 turns from the list", Figure("10000 turns", "open_ms"), 150),
    Goal("5", "1,000 turns by `-c`, beside bare's start", Figure("1000 turns -c", "ready_s"), 1.4, _START),
    Goal("5", "10,000 turns by `-c`, beside bare's start", Figure("10000 turns -c", "ready_s"), 1.4, _START),
    Goal("5", "echo in 1,000 turns, p95", Figure("1000 turns", "key_p95_ms"), 10),
    Goal("5", "echo in 10,000 turns, p95", Figure("10000 turns", "key_p95_ms"), 10),
    Goal("5", "another window size in 1,000 turns", Figure("1000 turns", "resize_ms"), 100),
    Goal("5", "another window size in 10,000 turns", Figure("10000 turns", "resize_ms"), 100),
    Goal("6", "idle after the start, % of a core", Figure("rest", "idle_pct"), 0.3),
    Goal("6", "idle after a chat, % of a core", Figure("rest", "idle_after_pct"), 0.3),
    Goal("6", "memory at ready, MiB", Figure("start", "ready_mib"), 60),
    Goal("6", "memory after 32k, MiB", Figure("32k at 1000/s", "peak_mib"), 75),
)
"""Those of the client as a whole, by point of the plan."""

STALL, GROWTH, ESCAPE = 100, 1.25, 250
"""Of each awkward document: milliseconds the screen may stand still, how much dearer a character may be than in a
document a quarter as long, and milliseconds from Esc to the end of the answer."""


def _stall(step: str, words: str, prefix: str) -> Goal:
    """With the loop's own processor time in its longest gap: where that is small, the machine was busy otherwise."""
    figure, own = Figure(step, f"{prefix}_stall_ms"), Figure(step, f"{prefix}_stall_cpu_ms")
    return Goal("7", f"stall {words}, ms (own CPU)", figure, STALL, beside=own)


def document_goals() -> list[tuple[str, list[Goal]]]:
    """The goals of each awkward document, by its name."""
    rows = []
    for kind, size in DOCUMENTS:
        step = document_step(kind, size)
        rows.append(
            (
                f"{kind.replace('-', ' ')}, {size:,}",
                [
                    _stall(step, "unpaced", "flood"),
                    _stall(step, "at 500/s", "paced"),
                    Goal("7", "CPU per character, beside a quarter of it", Figure(step, "growth"), GROWTH),
                    Goal("7", "Esc, ms", Figure(step, "escape_ms"), ESCAPE),
                ],
            )
        )
    return rows
