"""The command line of the bench.

python -m tests.bench [--quick] [--times N] [--only WORDS] [--json FILE]     # measure, then print the table
python -m tests.bench table FILE                                 # the table of a run that was kept
"""

import argparse
import compileall
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.driving import DidNotGetReady, load_average
from tests.bench.isolation import isolate
from tests.bench.plans import STEPS, Bench, Row, Step, schedule
from tests.bench.report import load, machine, save, table
from tests.bench.server import ROOT, Server
from tests.bench.terminal import COLUMNS, ROWS
from tests.bench.vterm import NoTerminalEmulator, Screen


def _measure(steps: tuple[Step, ...], *, quick: bool, most: int | None) -> Iterator[Row]:
    with Server() as server, tempfile.TemporaryDirectory(prefix="relai-bench-") as folder:
        bench = Bench(server, Path(folder))
        for step, client in schedule(steps, quick=quick, most=most):
            load_before, figures, trouble = load_average(), {}, ""
            try:
                figures = step.measure(bench, client)
            except DidNotGetReady as error:
                trouble = str(error)
            yield Row(step.name, client.name, load_before, figures, trouble)
            told = "  ".join(f"{name} {value:.4g}" for name, value in figures.items()) or "not measured"
            print(f"{step.name} · {client.name}: {told}", file=sys.stderr, flush=True)


def _compile() -> None:
    """Bytecode for all that is imported, so that no run pays for compiling."""
    for folder in (sysconfig.get_path("purelib"), str(ROOT / "relai_tui"), str(ROOT / "tests" / "bench")):
        compileall.compile_dir(folder, quiet=2, workers=0)


def main() -> int:
    """Measure and tell; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description="Measures relai-tui beside a bare Textual app, from outside, on loopback.",
    )
    parser.add_argument("command", nargs="*", metavar="table FILE", help="print the table of a run kept by --json")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, no very long answers: five minutes")
    parser.add_argument("--times", metavar="N", type=int, help="repeat nothing more than so often (five by default)")
    parser.add_argument("--only", metavar="WORDS", help="only the steps whose name holds one of these, by comma")
    parser.add_argument("--json", metavar="FILE", type=Path, help="keep what was measured")
    options = parser.parse_args()
    if options.command:
        if len(options.command) != 2 or options.command[0] != "table":
            parser.error("the one command is: table FILE")
        print("\n".join(table(*load(Path(options.command[1])))))
        return 0
    if sys.platform != "linux":
        parser.error("the bench reads CPU clocks and memory from Linux's /proc: run it on Linux")
    try:
        Screen(ROWS, COLUMNS).close()
    except NoTerminalEmulator as error:
        print(error, file=sys.stderr)
        return 2
    isolate()
    _compile()
    words = [word.strip() for word in (options.only or "").split(",")]
    steps = tuple(step for step in STEPS if any(word in step.name for word in words))
    rows: list[Row] = []
    told = machine()
    for row in _measure(steps, quick=options.quick, most=options.times):
        rows.append(row)
        if options.json:  # each time: a run takes long, and may be stopped
            save(options.json, rows, told)
    print("\n".join(table(told, rows)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
