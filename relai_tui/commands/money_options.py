"""The options of `balance`, `usage` and `receipt`, and what their `--help` tells beyond. Imports nothing heavy."""

import argparse
import re
from collections.abc import Callable
from pathlib import Path

_TIMES = "7d, 24h, 90min, 2w, today, yesterday, month, 2026-11-01 or 2026-11-01T14:00"

EPILOGS: dict[str, str] = {
    "balance": """\

With --format the code is 0 as soon as a line was printed, as bars hide what fails; --below keeps its codes there too.
--json prints: profile, region, credits_micro, as_of (ISO 8601), age_seconds, stale, pace (gathering, idle, burning),
burn_micro_per_hour and runway_seconds (a pair, earliest and latest; the latest may be null), level (none, low,
critical), forecast (in words), trouble.

  tmux     set -g status-right '#(relai-tui balance --format tmux)'
  waybar   "custom/relai": {"exec": "relai-tui balance --watch --format waybar", "return-type": "json"}
  cron     relai-tui balance --below 5.00 >/dev/null; [ $? -eq 9 ] && notify-send "Relai: top up"
""",
}
"""What stands below the exit codes, by command."""


def add_money_options(parser: argparse.ArgumentParser, command: str) -> None:
    """Add the options of `balance`, `usage` or `receipt`."""
    _OPTIONS[command](parser)


def _dollars(text: str) -> int:
    """Micro-dollars."""
    wanted = text.strip().removeprefix("$")
    if not re.fullmatch(r"-?[0-9]{1,9}(?:\.[0-9]{1,6})?", wanted):
        raise argparse.ArgumentTypeError(f"{text!r} is no amount: write dollars, such as 1.00 or 0.25")
    whole, _, rest = wanted.lstrip("-").partition(".")
    return (-1 if wanted.startswith("-") else 1) * (int(whole) * 1_000_000 + int(rest.ljust(6, "0")))


def _add_balance_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("balance")
    forms = group.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="print JSON, one object a line; what is not known is null")
    forms.add_argument(
        "--format",
        choices=("plain", "tmux", "waybar"),
        help="one line for a status bar; asks nothing when any window here read the balance within a minute",
    )
    group.add_argument("--watch", action="store_true", help="go on and on: a line at each reading, about every 5 min")
    group.add_argument(
        "--below", type=_dollars, metavar="DOLLARS", help="exit with 9 when less is left (with --watch: as soon as)"
    )


def _add_usage_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("usage")
    ways = ("model", "day", "key", "conversation")
    group.add_argument("--by", choices=ways, default="model", help="what it is summed by (default model)")
    group.add_argument("--since", metavar="TIME", default="7d", help=f"{_TIMES} (default 7d)")
    group.add_argument("--until", metavar="TIME", help="the same (default: now)")
    forms = group.add_mutually_exclusive_group()
    forms.add_argument(
        "--json", action="store_true", help="print JSON; money in micro-dollars, what is not known is null"
    )
    forms.add_argument(
        "--csv", action="store_true", help="print CSV; money in micro-dollars, what is not known is empty"
    )


def _add_receipt_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("receipt")
    group.add_argument("--since", metavar="TIME", help=f"{_TIMES} (default: month, where this month began)")
    group.add_argument("--until", metavar="TIME", help="the same (default: now)")
    group.add_argument("--conversation", metavar="ID", help="a conversation instead of a time; 'last' for the last one")
    forms = group.add_mutually_exclusive_group()
    forms.add_argument("--markdown", action="store_true", help="as Markdown (default, but for a FILE named .csv)")
    forms.add_argument("--csv", action="store_true", help="as CSV")
    group.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=_file,
        help="write it to a file (default: standard output)",
    )


def _file(text: str) -> Path | None:
    if not text.strip():
        raise argparse.ArgumentTypeError("name a file, or - for standard output")
    return None if text == "-" else Path(text)


_OPTIONS: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "balance": _add_balance_options,
    "usage": _add_usage_options,
    "receipt": _add_receipt_options,
}
