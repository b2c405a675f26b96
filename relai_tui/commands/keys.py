"""`relai-tui keys`: list, create, revoke and rotate API keys from a shell, with the guards of the Keys room.

A new secret goes to standard output alone, all words to standard error: `KEY=$(relai-tui keys create CI --reveal)`.
"""

import argparse
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from rich.cells import cell_len

from relai_tui.account import Account
from relai_tui.api.errors import NotOffered
from relai_tui.commands.exit_codes import ExitCode
from relai_tui.commands.key_changes import create, revoke
from relai_tui.commands.key_choice import NoSuchKey
from relai_tui.commands.key_rotation import rotate
from relai_tui.commands.outcome import run, say
from relai_tui.keys.desk import KeyDesk
from relai_tui.keys.guards import NotAllowed
from relai_tui.keys.listing import KeyRow, View
from relai_tui.moments import age
from relai_tui.settings import SettingsError
from relai_tui.text import clean_line


def keys(account: Account, options: argparse.Namespace) -> int:
    """Do what `relai-tui keys …` says; the exit code."""
    return run(account, _keys(account, options))


async def _keys(account: Account, options: argparse.Namespace) -> ExitCode:
    desk = KeyDesk(account)
    todo: dict[str, Callable[[KeyDesk, argparse.Namespace], Awaitable[ExitCode]]] = {
        "list": _list,
        "create": create,
        "revoke": revoke,
        "rotate": rotate,
        "log": _log,
    }
    try:
        return await todo[options.action](desk, options)
    except NotAllowed as error:
        return say(str(error), ExitCode.NOT_CONFIRMED)
    except (NoSuchKey, SettingsError) as error:
        return say(str(error), ExitCode.USAGE)
    except NotOffered:
        return say("this server has no API keys to manage", ExitCode.REFUSED)
    finally:
        if desk.unlogged:
            say(f"not written to the audit log: {desk.unlogged}")


# -- list and log


async def _list(desk: KeyDesk, options: argparse.Namespace) -> ExitCode:
    listing = await desk.refresh()
    now = desk.clock()
    rows = View(words=options.target or "").of(listing.rows, now)
    if options.target and not rows:
        say(f"no key matches “{clean_line(options.target, 60)}”")
    if options.json:
        print(json.dumps([_told(row, now) for row in rows], ensure_ascii=sys.stdout.isatty(), indent=2))
        return ExitCode.DONE
    head = ("NAME", "PREFIX", "ID", "RPM", "CREATED", "LAST USED", "STATE")
    table = [head, *((*_cells(row, now),) for row in rows)]
    widths = [max(cell_len(line[column]) for line in table) for column in range(len(head))]
    for line in table:
        print(
            "  ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(line, widths, strict=True)).rstrip()
        )
    return ExitCode.DONE


def _cells(row: KeyRow, now: float) -> tuple[str, ...]:
    key = row.key
    return (
        clean_line(key.name, 40) or "—",
        clean_line(key.prefix or "—"),
        clean_line(key.id),
        str(key.rpm_limit) if key.rpm_limit is not None else "—",
        age(row.created, now),
        age(row.last_used, now) if row.last_used is not None else "no recorded use",
        row.state(now),
    )


def _told(row: KeyRow, now: float) -> dict[str, object]:
    key = row.key
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "region": key.region,
        "scope": key.scope,
        "rpm_limit": key.rpm_limit,
        "created_at": key.created_at.isoformat() if key.created_at else None,
        "last_used_at": key.last_used_at.isoformat() if key.last_used_at else None,
        "revoked": key.revoked,
        "state": row.state(now),
        "this_session": row.session.name.lower(),
        "profiles": list(row.profiles),
    }


async def _log(desk: KeyDesk, options: argparse.Namespace) -> ExitCode:
    events = await desk.events(options.target)
    if options.target and not events:
        events = tuple(event for event in await desk.events() if event.name == options.target)
    if options.target and not events:
        say(f"nothing is logged of “{clean_line(options.target, 60)}”")
    if options.json:
        told = [
            {"at": _moment(e.at), "profile": e.profile, "action": e.action.value, "id": e.key_id, "name": e.name,
             "prefix": e.prefix, "result": e.result}
            for e in events
        ]  # fmt: skip
        print(json.dumps(told, ensure_ascii=sys.stdout.isatty(), indent=2))
        return ExitCode.DONE
    for event in events:
        name, key_id, result = map(clean_line, (event.name or "—", event.key_id or "—", event.result))
        print(f"{_moment(event.at)}  {event.action.value:<7} {name}  {key_id}  {result}")
    return ExitCode.DONE


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
