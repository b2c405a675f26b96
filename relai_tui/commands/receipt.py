"""`relai-tui receipt`: what a time or a conversation cost, answer by answer, as CSV or Markdown."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from relai_tui.balance.receipts import as_csv, as_markdown
from relai_tui.commands.exit_codes import ExitCode
from relai_tui.commands.outcome import run, say
from relai_tui.commands.times import NoTime, read_moment
from relai_tui.commands.usage import bring_up_to_date
from relai_tui.spending.desk import BalanceDesk
from relai_tui.spending.receipt_file import write_receipt

if TYPE_CHECKING:
    import argparse

    from relai_tui.account import Account

LAST = "last"
"""What `--conversation` takes for the one that was used last."""


def receipt(account: Account, options: argparse.Namespace) -> int:
    """Do what `relai-tui receipt …` says; the exit code."""
    desk = BalanceDesk(account)
    if options.conversation and (options.since or options.until):
        return say("give either a time (--since, --until) or a --conversation", ExitCode.USAGE)
    try:
        since = read_moment(options.since or "month", desk.clock(), desk.zone)
        until = read_moment(options.until, desk.clock(), desk.zone) if options.until else desk.clock()
    except NoTime as error:
        return say(str(error), ExitCode.USAGE)
    if since >= until:
        return say("--since must be before --until", ExitCode.USAGE)
    return run(account, _receipt(desk, options, since, until))


async def _receipt(desk: BalanceDesk, options: argparse.Namespace, since: float, until: float) -> ExitCode:
    conversation: str | None = None
    if options.conversation:
        conversation = await _conversation(desk, options.conversation)
        if conversation is None:
            return say(f"there is no conversation {options.conversation} here: use {LAST}, or an id", ExitCode.USAGE)
        since = await desk.began(conversation) or 0.0
    code = await bring_up_to_date(desk, since)
    rows = await desk.receipt(since, until, conversation=conversation)
    wants_csv = options.csv or (options.output is not None and options.output.suffix.lower() == ".csv")
    text = as_csv(rows) if wants_csv and not options.markdown else as_markdown(rows)
    if options.output is None:
        sys.stdout.write(text)
        return code
    try:
        write_receipt(options.output, text, replace=True)
    except OSError as error:
        return say(
            f"{options.output} could not be written: {error.strerror}. Name another one with -o.", ExitCode.USAGE
        )
    say(f"written to {options.output}")
    return code


async def _conversation(desk: BalanceDesk, wanted: str) -> str | None:
    store = await desk.account.store()
    if wanted == LAST:
        latest = await store.conversations.latest()
        return latest.id if latest else None
    return wanted if await desk.began(wanted) is not None else None
