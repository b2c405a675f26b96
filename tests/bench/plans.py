"""What is measured: steps, each with the clients it concerns and how often. Repetitions are interleaved."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from relai_tui.cli import FRAMES
from tests.bench.clients import BARE, END_OF_HISTORY, OURS, TITLE, Client, Homes, environ_of
from tests.bench.driving import DidNotGetReady, Drive, Figures, next_nonce
from tests.bench.server import ROOT, Server
from tests.bench.terminal import Terminal


class Bench:
    """The mock server and the clients' folders, for as long as a run lasts."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.homes = Homes(folder, self._warm_up)

    def _warm_up(self, client: Client, home: Path) -> None:
        """One launch and one answer: nothing is done for the first time in what is measured."""
        drive = self.open(client, home)
        try:
            drive.ask("md-40r0", 60)
        finally:
            drive.terminal.close()

    def open(self, client: Client, home: Path, *arguments: str, opened: str = "") -> Drive:
        """Start a client in a folder."""
        command = (*client.command, *arguments)
        terminal = Terminal(command, environ_of(self.server.base_url, home), home)
        try:
            return Drive(terminal, self.server, opened)
        except BaseException:
            terminal.close()
            raise


Measure = Callable[[Bench, Client], Figures]


def _run(command: Sequence[str], environ: Mapping[str, str]) -> str:
    """Run to its end; what it printed. Raises `DidNotGetReady` with its complaints."""
    done = subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DidNotGetReady(done.stderr[-2_000:])
    return done.stdout


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to measure."""

    name: str
    measure: Measure
    times: int = 5
    clients: tuple[Client, ...] = (BARE, OURS)
    quick: int = 1
    """Times in a quick run; 0 leaves it out."""
    at_most: dict[str, int] = field(default_factory=dict)
    """Fewer times for some clients, by name."""


# -- what a person does


def start(bench: Bench, client: Client) -> Figures:
    """From exec to an echoed key, then the first answer."""
    drive = bench.open(client, bench.homes.fresh(client))
    try:
        return drive.start | {"first_token_ms": drive.ask("md-40r0", 60)["first_token_ms"]}
    finally:
        drive.terminal.close()


def answer(scenario: str, seconds: float, key_every: float = 0) -> Measure:
    """One answer, after a short one that loads what is loaded late; with keys typed meanwhile."""

    def measure(bench: Bench, client: Client) -> Figures:
        drive = bench.open(client, bench.homes.fresh(client))
        try:
            drive.ask("md-40r0", 60)
            return drive.ask(scenario, seconds, key_every)
        finally:
            drive.terminal.close()

    return measure


def rest(bench: Bench, client: Client) -> Figures:
    """Idle after the start, keys, idle after a chat."""
    drive = bench.open(client, bench.homes.fresh(client))
    try:
        figures = drive.idle() | drive.keys()
        drive.ask("md-500r1000", 60)
        return figures | {"idle_after_pct": drive.idle()["idle_pct"]}
    finally:
        drive.terminal.close()


def from_list(turns: int) -> Measure:
    """A long conversation opened from the list; keys in it, and another window size."""

    def measure(bench: Bench, client: Client) -> Figures:
        drive = bench.open(client, bench.homes.fresh(client, turns))
        try:
            figures = drive.open_from_list(TITLE, END_OF_HISTORY)
            figures |= drive.keys() | drive.resize()
            return figures | {"peak_mib": drive.terminal.peak_mib()}
        finally:
            drive.terminal.close()

    return measure


def continued(turns: int) -> Measure:
    """A long conversation opened by `-c`, from exec on."""

    def measure(bench: Bench, client: Client) -> Figures:
        home = bench.homes.fresh(client, turns)
        drive = bench.open(client, home, "-c", opened=END_OF_HISTORY)
        try:
            return drive.start | {"peak_mib": drive.terminal.peak_mib()}
        finally:
            drive.terminal.close()

    return measure


def version(bench: Bench, client: Client) -> Figures:
    """From exec to the end of `--version`."""
    environ = environ_of(bench.server.base_url, bench.homes.fresh(client))
    began = time.monotonic()
    _run([*client.command, "--version"], environ)
    return {"version_s": time.monotonic() - began}


def ask(bench: Bench, client: Client) -> Figures:
    """From exec to the request of `ask` on the wire, as the server saw it."""
    environ = environ_of(bench.server.base_url, bench.homes.fresh(client))
    nonce, began = next_nonce(), time.monotonic()
    prompt = f"md-40r0k{nonce}"
    _run([*client.command, "ask", prompt], environ)
    stamps = bench.server.stamps(nonce)
    assert stamps is not None
    return {"request_s": stamps["received"] - began}


def document(kind: str, size: int) -> Measure:
    """One awkward document, unpaced and at 500 tokens a second; a quarter of it; and Esc during both."""

    def run(bench: Bench, part: int, rate: int, *escape: str) -> Figures:
        command = [sys.executable, "-m", "tests.bench.awkward", bench.server.base_url, kind, str(part), str(rate)]
        environ = {**os.environ, "PYTHONPATH": str(ROOT), "TEXTUAL_FPS": FRAMES}
        said = _run([*command, *escape], environ)
        figures: Figures = json.loads(said.splitlines()[-1])
        return figures

    def measure(bench: Bench, client: Client) -> Figures:
        del client
        whole, quarter, paced = run(bench, size, 0), run(bench, size // 4, 0), run(bench, size, 500)
        escapes = [run(bench, size, 500, "--escape", "0.5")["escape_ms"]]
        if whole["total_s"] > 1:  # else it is over before anyone presses a key
            escapes.append(run(bench, size, 0, "--escape", "0.1")["escape_ms"])
        figures = {f"flood_{name}": value for name, value in whole.items()}
        figures |= {f"paced_{name}": value for name, value in paced.items()}
        return figures | {"growth": whole["cpu_s"] / (4 * quarter["cpu_s"]), "escape_ms": max(escapes)}

    return measure


DOCUMENTS = (
    ("python-fence", 1_000),
    ("python-fence", 10_000),
    ("javascript-fence", 1_000),
    ("javascript-fence", 10_000),
    ("rust-fence", 1_000),
    ("rust-fence", 10_000),
    ("open-fence", 10_000),
    ("nested-list", 200),
    ("quoted-list", 1_000),
    ("table", 500),
    ("table", 5_000),
    ("wide-table", 200),
    ("long-line", 100_000),
    ("paragraphs", 5_000),
    ("nested-quotes", 10_000),
    ("link-definitions", 8_000),
    ("quoted-definitions", 8_000),
    ("mixed-definitions", 8_000),
    ("footnotes", 3_000),
    ("combining-marks", 15_000),
    ("marked-letters", 1_000),
    ("joined-emoji", 5_000),
)
"""Kinds and sizes of awkward answers: lines, items, rows, columns, characters, paragraphs, depth or marks."""


def document_step(kind: str, size: int) -> str:
    """The name of its step."""
    return f"{kind} {size}"


ONLY_OURS = (OURS,)
STEPS = (
    Step("start", start, quick=3),
    Step("version", version, clients=ONLY_OURS, quick=3),
    Step("ask", ask, clients=ONLY_OURS, quick=3),
    Step("2k at 200/s", answer("md-2000r200", 90)),
    Step("2k at 200/s typing", answer("md-2000r200", 90, 0.1)),
    Step("2k unpaced", answer("md-2000r0", 90), quick=3),
    Step("8k at 1000/s", answer("md-8000r1000", 120), clients=ONLY_OURS),
    Step("32k at 1000/s", answer("md-32000r1000", 300), quick=0, at_most={"bare": 1}),
    Step("32k unpaced typing", answer("md-32000r0", 240, 0.05), clients=ONLY_OURS),
    Step("rest", rest),
    Step("1000 turns", from_list(1_000), clients=ONLY_OURS, quick=2),
    Step("10000 turns", from_list(10_000), clients=ONLY_OURS, quick=0),
    Step("1000 turns -c", continued(1_000), clients=ONLY_OURS, quick=2),
    Step("10000 turns -c", continued(10_000), clients=ONLY_OURS, quick=0),
    *(
        Step(document_step(kind, size), document(kind, size), times=1, clients=ONLY_OURS, quick=int(size <= 1_000))
        for kind, size in DOCUMENTS
    ),
)


@dataclass(frozen=True, slots=True)
class Row:
    """What one repetition of one step gave."""

    step: str
    client: str
    load: float
    """How busy the machine was before it."""
    figures: Figures
    trouble: str = ""
    """Why there are no figures."""


def schedule(steps: tuple[Step, ...], *, quick: bool, most: int | None) -> Iterator[tuple[Step, Client]]:
    """What is measured, in order: the clients of a step take turns, `most` times at most."""
    for step in steps:
        times = step.quick if quick else step.times
        times = times if most is None else min(times, most)
        for repetition in range(times):
            for client in step.clients:
                if repetition < step.at_most.get(client.name, times):
                    yield step, client
