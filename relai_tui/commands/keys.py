"""`relai-tui keys`: list, create, revoke and rotate API keys from a shell, with the guards of the Keys room.

A new secret goes to standard output alone, all words to standard error: `KEY=$(relai-tui keys create CI --reveal)`.
"""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from enum import IntEnum

from rich.cells import cell_len

from relai_tui.account import Account, NoCredential
from relai_tui.api.errors import KeyRefused, NotOffered, RefusedToSend, RelaiError, ServerRefused
from relai_tui.credentials.errors import CredentialError, KeyringError
from relai_tui.key_records import RotationStep
from relai_tui.keys.desk import Creation, KeyDesk
from relai_tui.keys.guards import LAG, NotAllowed, demand_for, name_trouble, name_warning, read_rpm
from relai_tui.keys.listing import KeyRow, View
from relai_tui.keys.rotation import Rotation, left_behind
from relai_tui.moments import age
from relai_tui.settings import SettingsError, checked_name
from relai_tui.store.errors import StoreError
from relai_tui.text import CleanLine, clean_line

SHELL_PATIENCE = 60.0
"""Seconds for which a revoked key is tried until it is refused."""


class Exit(IntEnum):
    """The exit codes of `keys`."""

    DONE = 0
    USAGE = 2
    LOST = 3
    """A key may have been created whose secret is lost, or a change may have happened."""
    REFUSED = 4
    """By the server."""
    NO_CREDENTIAL = 5
    """No key to ask with, or no place for a new one."""
    NOT_CONFIRMED = 8
    """A guard holds it back until it is confirmed."""


def keys(account: Account, options: argparse.Namespace) -> int:
    """Do what `relai-tui keys …` says; the exit code."""
    return asyncio.run(_keys(account, options))


async def _keys(account: Account, options: argparse.Namespace) -> int:
    desk = KeyDesk(account)
    todo: dict[str, Callable[[KeyDesk, argparse.Namespace], Awaitable[int]]] = {
        "list": _list,
        "create": _create,
        "revoke": _revoke,
        "rotate": _rotate,
        "log": _log,
    }
    try:
        return await todo[options.action](desk, options)
    except (NotAllowed, SettingsError) as error:
        return _say(str(error), Exit.NOT_CONFIRMED if isinstance(error, NotAllowed) else Exit.USAGE)
    except NotOffered:
        return _say("this server has no API keys to manage", Exit.REFUSED)
    except (NoCredential, CredentialError) as error:
        return _say(str(error), Exit.NO_CREDENTIAL)
    except (RelaiError, StoreError) as error:
        return _say(str(error), _exit_code(error))
    finally:
        if desk.unlogged:
            _say(f"not written to the audit log: {desk.unlogged}")
        await account.close()


# -- list and log


async def _list(desk: KeyDesk, options: argparse.Namespace) -> int:
    listing = await desk.refresh()
    now = desk.clock()
    rows = View(words=options.target or "").of(listing.rows, now)
    if options.json:
        print(json.dumps([_told(row, now) for row in rows], ensure_ascii=sys.stdout.isatty(), indent=2))
        return Exit.DONE
    head = ("NAME", "PREFIX", "ID", "RPM", "CREATED", "LAST USED", "STATE")
    table = [head, *((*_cells(row, now),) for row in rows)]
    widths = [max(cell_len(line[column]) for line in table) for column in range(len(head))]
    for line in table:
        print(
            "  ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(line, widths, strict=True)).rstrip()
        )
    return Exit.DONE


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


async def _log(desk: KeyDesk, options: argparse.Namespace) -> int:
    events = await desk.events(options.target)
    if options.json:
        told = [
            {"at": _moment(e.at), "profile": e.profile, "action": e.action.value, "id": e.key_id, "name": e.name,
             "prefix": e.prefix, "result": e.result}
            for e in events
        ]  # fmt: skip
        print(json.dumps(told, ensure_ascii=sys.stdout.isatty(), indent=2))
        return Exit.DONE
    for event in events:
        name, key_id, result = map(clean_line, (event.name or "—", event.key_id or "—", event.result))
        print(f"{_moment(event.at)}  {event.action.value:<7} {name}  {key_id}  {result}")
    return Exit.DONE


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


# -- create


async def _create(desk: KeyDesk, options: argparse.Namespace) -> int:
    if (trouble := name_trouble(options.target or "")) is not None:
        return _say(trouble, Exit.USAGE)
    rpm = read_rpm(options.rpm or "60")
    if not isinstance(rpm, int):
        return _say(rpm, Exit.USAGE)
    if options.scope and desk.account.edition == 1:
        return _say("--scope is for keys of the second edition of the API", Exit.USAGE)
    await _see_place_for_secret(desk, options)
    if warning := name_warning(options.target, await desk.refresh()):
        _say(warning)
    with _not_interrupted():
        creation = await desk.create(options.target, rpm, options.scope)
    if creation.secret is None:
        return _tell_lost(creation)
    saved = await _save(desk, creation, options.save_as) if options.save_as else False
    _hand_over(creation, options, saved=saved)
    if options.save_as and not saved and not _may_print(options):
        told = creation.key.id if creation.key else "ID"
        return _say(f"its secret is lost: relai-tui keys revoke {told}", Exit.LOST)
    return Exit.DONE


async def _see_place_for_secret(desk: KeyDesk, options: argparse.Namespace) -> None:
    """Before anything is sent: there is a place for what is told only once."""
    if options.save_as:
        checked_name(options.save_as)
        state = await desk.account.probe_keyring()
        if state.trouble is not None:
            raise state.trouble
    elif not _may_print(options):
        raise NotAllowed(
            "A new secret is shown once and standard output is no terminal: use --reveal to print it there, or"
            " --save-as PROFILE to keep it in the keyring. Nothing was sent."
        )


async def _save(desk: KeyDesk, creation: Creation, profile: str) -> bool:
    assert creation.secret is not None
    try:
        await desk.store_secret(creation.secret, creation.key, profile)
    except (KeyringError, SettingsError, NotAllowed) as error:
        _say(f"the key was created, but it could not be stored. {error}")
        return False
    _say(f"in the keyring, as profile “{profile}”")
    return True


def _hand_over(creation: Creation, options: argparse.Namespace, *, saved: bool) -> None:
    """Print what is known of the new key, and its secret where that is allowed and wanted."""
    assert creation.secret is not None
    key = creation.key
    shown = _may_print(options) and (options.reveal or not saved)
    if options.json:
        told = {
            "id": key.id if key else None,
            "name": creation.name,
            "prefix": key.prefix if key else None,
            "rpm_limit": key.rpm_limit if key else None,
            "profile": options.save_as if saved else None,
            "key": creation.secret.get_secret_value() if shown else None,
        }
        print(json.dumps(told, ensure_ascii=sys.stdout.isatty(), indent=2))
        return
    _say(f"created “{creation.name}”{f' ({key.id}, {key.rpm_limit} RPM)' if key else ''}")
    if shown:
        _say("the secret, this once:")
        print(creation.secret.get_secret_value(), flush=True)


def _tell_lost(creation: Creation) -> int:
    ids = " ".join(key.id for key in creation.suspects) or (creation.key.id if creation.key else "")
    if creation.trouble is None:
        words = "the answer held no secret: the new key cannot be used"
    elif creation.suspects:
        words = f"a key was created, but its secret is lost ({creation.trouble})"
    elif creation.compared:
        return _say(f"no key was created: {creation.trouble}", Exit.REFUSED)
    else:
        return _say(f"a key may have been created: look with relai-tui keys list. {creation.trouble}", Exit.LOST)
    hint = f" Revoke it and try again: relai-tui keys revoke {ids}" if ids else " Look with relai-tui keys list."
    return _say(f"{words}.{hint}", Exit.LOST)


# -- revoke


async def _revoke(desk: KeyDesk, options: argparse.Namespace) -> int:
    listing = await desk.refresh()
    row = listing.row(options.target or "")
    if row is None or row.revoked:
        return _say(f"there is no valid key {clean_line(options.target or '')} (any more)", Exit.DONE)
    typed = _confirmed(row, desk.clock(), options.confirm)
    revocation = await desk.revoke(row, typed)
    _say(f"revoked “{row.key.name}” ({row.id}){' : it was gone already' if revocation.was_gone else ''}. {LAG}")
    if revocation.secret is not None:
        refused = await desk.wait_until_refused(revocation.secret, lambda _: None, SHELL_PATIENCE)
        _say("the server refuses it now" if refused else "the server still accepts it: look again in some minutes")
    if revocation.ended_session:
        _say("this was the key in use here: sign in with another one, relai-tui login")
    return Exit.DONE


def _confirmed(row: KeyRow, now: float, given: str | None) -> str | None:
    """What confirms it: `--confirm`, or what is typed at a terminal. Raises `NotAllowed`."""
    demand = demand_for(row, now)
    if demand.met_by(given):
        return given
    why = f"“{row.key.name}” ({row.id}): {'; '.join(demand.reasons)}"
    if given is None and sys.stdin.isatty() and sys.stderr.isatty():
        _say(f"{why}.{' It is the key in use here.' if demand.ends_session else ''}")
        print(f"Type {demand.typed!r} to revoke it: ", end="", file=sys.stderr, flush=True)
        typed = sys.stdin.readline().strip()
        if demand.met_by(typed):
            return typed
        raise NotAllowed("Not confirmed: nothing was revoked.")
    raise NotAllowed(f"{why}. Nothing was revoked. To revoke it all the same: --confirm {demand.typed!r}")


# -- rotate


async def _rotate(desk: KeyDesk, options: argparse.Namespace) -> int:
    rpm = read_rpm(options.rpm) if options.rpm else None
    if isinstance(rpm, str):
        return _say(rpm, Exit.USAGE)
    if desk.account.read_only:
        raise NotAllowed("This is --read-only: no key is created or revoked.")
    wanted = options.target or ""
    for record in await left_behind(desk):
        if wanted in (record.old_id, record.new_id):
            _say(f"going on with the rotation of “{record.name}”, which got to “{record.step.value}”")
            return await _go_on(await Rotation.resume(desk, record), desk, options)
    row = (await desk.refresh()).row(wanted)
    if row is None or row.revoked:
        return _say(f"there is no valid key {clean_line(wanted)}", Exit.USAGE)
    return await _go_on(Rotation.plan(desk, row, rpm), desk, options)


async def _go_on(rotation: Rotation, desk: KeyDesk, options: argparse.Namespace) -> int:
    if rotation.secret_lost:
        await rotation.give_up()
        return _say("the secret of its successor was lost: that one is revoked. Rotate again.", Exit.LOST)
    creating = rotation.step is RotationStep.CREATING
    if creating and (code := await _make_successor(rotation, desk, options)) is not None:
        return code
    if rotation.secret is not None and not rotation.record.has(RotationStep.SWITCHED):
        await rotation.try_new()
        _say("the new key works")
        switched = await rotation.switch()
        for profile in switched.profiles:
            _say(f"the profile “{profile}” uses the new key")
        if switched.elsewhere:
            _say(f"the old key still stands in {switched.elsewhere}: change it there")
    if not rotation.record.has(RotationStep.REVOKED):
        watch = await rotation.watch()
        if watch.row is not None and options.confirm is None:
            used = age(watch.row.last_used, desk.clock())
            return _say(
                f"the old key was last used {used if used != '—' else 'never, as far as is recorded'};"
                f" when nothing uses it any more: relai-tui keys rotate {rotation.record.old_id} --confirm NAME"
            )
        await rotation.revoke(options.confirm)
        _say(f"the old key is revoked. {LAG}")
    refused = await rotation.see_refused(lambda _: None, SHELL_PATIENCE)
    if refused is not None:
        _say("the server refuses the old key now" if refused else "the server still accepts the old key for a while")
    return Exit.DONE


async def _make_successor(rotation: Rotation, desk: KeyDesk, options: argparse.Namespace) -> int | None:
    """Create and keep it; an exit code where that ends it."""
    usable = (await desk.account.probe_keyring()).usable
    if not usable and not _may_print(options):
        raise NotAllowed(
            "There is no keyring here and standard output is no terminal: use --reveal to have the new secret printed"
            " there. Nothing was sent."
        )
    with _not_interrupted():
        creation = await rotation.create()
        if creation.secret is None:
            return _tell_lost(creation)
        stored = False
        if usable:
            with suppress(KeyringError):
                await rotation.store()
                stored = True
        _hand_over(creation, options, saved=stored)
        if not stored:
            if not _may_print(options):
                await rotation.give_up()
                return _say("the keyring refused the new key, so it was revoked again", Exit.NO_CREDENTIAL)
            await rotation.acknowledge()
    return None


# -- words


def _may_print(options: argparse.Namespace) -> bool:
    """Whether a secret may go to standard output."""
    return bool(options.reveal) or sys.stdout.isatty()


@contextmanager
def _not_interrupted() -> Iterator[None]:
    """Hold Ctrl+C back while an answer is on its way that holds a secret."""
    loop = asyncio.get_running_loop()
    asked = False

    def wait() -> None:
        nonlocal asked
        asked = True
        _say("one moment: the answer holds what is told only once")

    try:
        loop.add_signal_handler(signal.SIGINT, wait)
    except (NotImplementedError, RuntimeError):  # Windows, or not in the main thread
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        if asked:
            _say("stopped after it")


def _exit_code(error: Exception) -> Exit:
    if isinstance(error, KeyRefused):
        return Exit.NO_CREDENTIAL
    if isinstance(error, ServerRefused | RefusedToSend):
        return Exit.REFUSED
    return Exit.LOST


def _say(words: "str | CleanLine", code: int = 0) -> int:
    print(f"relai-tui: {clean_line(words, 600)}", file=sys.stderr)
    return code
