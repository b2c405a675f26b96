"""The rows of a run as Markdown: medians, ratios, goals, and whether they were reached."""

import json
import platform
import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from tests.bench.clients import BARE, OURS
from tests.bench.goals import GOALS, Goal, document_goals
from tests.bench.plans import Row

REACHED, MISSED, UNKNOWN = "✓", "✗", "–"


def machine() -> str:
    """Where and when a run was made, in words."""
    model = platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = f"{len(names)} × {names[0]}" if names else model
    day = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    return f"{day}, {model}, {platform.system()}, Python {platform.python_version()}, textual {version('textual')}"


def save(path: Path, rows: Iterable[Row], told: str) -> None:
    """Keep a run as JSON."""
    path.write_text(json.dumps({"machine": told, "rows": [asdict(row) for row in rows]}, indent=1) + "\n")


def load(path: Path) -> tuple[str, list[Row]]:
    """A run that was kept."""
    kept = json.loads(path.read_text())
    return kept["machine"], [Row(**row) for row in kept["rows"]]


class Medians:
    """The figures of a run, by client, step and name."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows

    def values(self, client: str, step: str, name: str) -> list[float]:
        """What was measured, each time."""
        found = [row for row in self._rows if (row.client, row.step) == (client, step)]
        return [row.figures[name] for row in found if name in row.figures]

    def __call__(self, client: str, step: str, name: str) -> float | None:
        """The median; None where nothing was measured."""
        values = self.values(client, step, name)
        return statistics.median(values) if values else None

    def is_unfinished(self, client: str, step: str) -> bool:
        """Whether the client did not come to the end in the time allowed: its figures are at least so much."""
        return bool(self.values(client, step, "unfinished"))


def _number(value: float | None) -> str:
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _with_unit(value: float | None, name: str) -> str:
    unit = next(
        (unit for end, unit in (("_ms", " ms"), ("_s", " s"), ("_pct", " %"), ("_mib", " MiB")) if name.endswith(end)),
        "",
    )
    return _number(value) + (unit if value is not None else "")


def mark(goal: Goal, medians: Medians) -> str:
    """Whether it was reached."""
    value = goal.value(medians)
    unfinished = medians.is_unfinished(goal.figure.client, goal.figure.step)
    return UNKNOWN if value is None else MISSED if value > goal.limit or unfinished else REACHED


def _goal_row(goal: Goal, medians: Medians) -> str:
    figure = goal.figure
    beside = goal.per or (figure if figure.client == BARE.name else type(figure)(figure.step, figure.name, BARE.name))
    at_least = "> " if medians.is_unfinished(beside.client, beside.step) else ""
    times = len(medians.values(figure.client, figure.step, figure.name))
    ratio = f"× {_number(goal.value(medians))}" if goal.per and goal.value(medians) is not None else ""
    limit = f"× {goal.limit:g}" if goal.per else _with_unit(goal.limit, figure.name)
    cells = (
        goal.point,
        goal.words,
        at_least + _with_unit(beside.of(medians), beside.name),
        _with_unit(figure.of(medians), figure.name),
        ratio.replace("× ", "× < ") if at_least else ratio,
        f"≤ {limit}",
        mark(goal, medians),
        str(times),
    )
    return "| " + " | ".join(cells) + " |"


def _document_cell(goal: Goal, medians: Medians) -> str:
    beside = f" ({_number(goal.beside.of(medians))})" if goal.beside else ""
    return f"{_number(goal.figure.of(medians))}{beside} {mark(goal, medians)}"


def table(told: str, rows: Sequence[Row]) -> Iterator[str]:
    """The lines of the report."""
    medians = Medians(rows)
    yield f"{told}. Medians of n."
    yield ""
    yield f"| # | | bare | {OURS.name} | ratio | goal | | n |"
    yield "|---|---|---:|---:|---:|---:|---|---:|"
    for goal in GOALS:
        if goal.figure.of(medians) is not None:
            yield _goal_row(goal, medians)
    measured = [(name, goals) for name, goals in document_goals() if goals[0].figure.of(medians) is not None]
    if measured:
        yield ""
        heads = [f"{goal.words} (≤ {goal.limit:g})" for goal in measured[0][1]]
        yield "| 7, awkward answers | " + " | ".join(heads) + " |"
        yield "|---|" + "---:|" * len(heads)
    for name, goals in measured:
        yield f"| {name} | " + " | ".join(_document_cell(goal, medians) for goal in goals) + " |"
    yield from _troubles(rows)


def _troubles(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        if row.trouble:
            yield ""
            yield f"{row.client}, {row.step}: not measured."
            yield f"```\n{row.trouble.strip()}\n```"
