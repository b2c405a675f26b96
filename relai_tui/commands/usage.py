"""`relai-tui usage`: what was spent in a time, by model, day, key or conversation."""

from __future__ import annotations

import csv
import io
import json
import sys
from typing import TYPE_CHECKING

from relai_tui.api.errors import NotOffered
from relai_tui.balance.receipts import safe_cell
from relai_tui.commands.exit_codes import ExitCode
from relai_tui.commands.outcome import TROUBLES, exit_code, run, say
from relai_tui.commands.table import in_columns
from relai_tui.commands.times import NoTime, read_moment, told_moment
from relai_tui.money import dollars
from relai_tui.spending.desk import BalanceDesk
from relai_tui.spending.values import Source
from relai_tui.spending_records import By
from relai_tui.text import clean_line

if TYPE_CHECKING:
    import argparse

    from relai_tui.account import Account
    from relai_tui.spending.values import Spending

_SOURCES = {
    Source.USAGE: "every request of the account, as the server tells it",
    Source.TURNS: "the answers of this program on this machine; what others spend is not in it",
}
_PROGRESS_EVERY = 5_000
"""Requests between two lines of progress where there is no terminal to write over."""


def usage(account: Account, options: argparse.Namespace) -> int:
    """Do what `relai-tui usage …` says; the exit code."""
    desk = BalanceDesk(account)
    try:
        since = read_moment(options.since, desk.clock(), desk.zone)
        until = read_moment(options.until, desk.clock(), desk.zone) if options.until else desk.clock()
    except NoTime as error:
        return say(str(error), ExitCode.USAGE)
    if since >= until:
        return say("--since must be before --until", ExitCode.USAGE)
    return run(account, _usage(desk, options, since, until))


async def _usage(desk: BalanceDesk, options: argparse.Namespace, since: float, until: float) -> ExitCode:
    by = By(options.by)
    code = ExitCode.DONE
    if by in (By.MODEL, By.DAY):
        code = await bring_up_to_date(desk, since)
    try:
        spending = await desk.sums(by, since, until)
    except NotOffered:
        return say(
            "this server does not tell what each key spent: use --by model, day or conversation", ExitCode.REFUSED
        )
    if options.json:
        print(_as_json(spending, by, since, until))
    elif options.csv:
        print(_as_csv(spending, by), end="")
    else:
        print(_table(spending, by))
        say(f"{_SOURCES[spending.source]}, from {told_moment(since)} until {told_moment(until)}")
    if not spending.complete:
        say("not all requests of that time are known here: the sums are what is known")
        code = code or ExitCode.INCOMPLETE
    return code


async def bring_up_to_date(desk: BalanceDesk, since: float) -> ExitCode:
    """Read what the server tells and is not kept here; where that fails say so: what is kept is used."""
    progress = _Progress()
    try:
        await desk.sync_usage(progress, since=since)
    except TROUBLES as trouble:
        progress.end()
        return say(f"{trouble} What is shown is what is kept here.", exit_code(trouble))
    progress.end()
    return ExitCode.DONE


class _Progress:
    """How far a long read is, on standard error: one line that is written over, or a line now and then."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._shown = 0

    def __call__(self, known: int, total: int | None) -> None:
        if self._terminal:
            print(f"\r\x1b[Krequests: {known}{f' of {total}' if total else ''}", end="", file=sys.stderr, flush=True)
        elif known - self._shown >= _PROGRESS_EVERY:
            self._shown = known
            say(f"requests: {known}{f' of {total}' if total else ''}")

    def end(self) -> None:
        """Take the line away again."""
        if self._terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


# -- forms


def _table(spending: Spending, by: By) -> str:
    if not spending.sums:
        return "nothing was spent in that time, as far as is known"
    rows = [(by.value.upper(), "COUNT", "TOKENS IN", "TOKENS OUT", "COST")]
    rows += [
        (
            clean_line(part.name or "—"),
            str(part.count),
            str(part.tokens_in),
            str(part.tokens_out),
            _cost(part.micro, part.unknown),
        )
        for part in spending.sums
    ]
    tokens_in, tokens_out = (sum(getattr(part, name) for part in spending.sums) for name in ("tokens_in", "tokens_out"))
    rows.append(
        ("total", str(spending.count), str(tokens_in), str(tokens_out), _cost(spending.micro, spending.unknown))
    )
    return in_columns(rows, numbers=frozenset(range(1, 5)))


def _cost(micro: int, unknown: int) -> str:
    if unknown and not micro:
        return f"— ({unknown} unknown)"
    return f"{dollars(micro)}{f' + {unknown} unknown' if unknown else ''}"


def _as_json(spending: Spending, by: By, since: float, until: float) -> str:
    rows = [
        {
            "id": part.id,
            "name": part.name,
            "cost_micro": part.micro if part.count > part.unknown else None,
            "count": part.count,
            "unknown": part.unknown,
            "tokens_in": part.tokens_in,
            "tokens_out": part.tokens_out,
        }
        for part in spending.sums
    ]
    told = {
        "by": by.value,
        "since": told_moment(since),
        "until": told_moment(until),
        "source": spending.source.value,
        "complete": spending.complete,
        "cost_micro": spending.micro if spending.count > spending.unknown or not spending.count else None,
        "count": spending.count,
        "unknown": spending.unknown,
        "rows": rows,
    }
    return json.dumps(told, ensure_ascii=sys.stdout.isatty(), indent=2)


def _as_csv(spending: Spending, by: By) -> str:
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    table.writerow((by.value, "id", "count", "unknown", "tokens_in", "tokens_out", "cost_micro"))
    for part in spending.sums:
        cost = part.micro if part.count > part.unknown else ""
        table.writerow(
            (safe_cell(part.name), safe_cell(part.id), part.count, part.unknown, part.tokens_in, part.tokens_out, cost)
        )
    return written.getvalue()
