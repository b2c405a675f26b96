"""`relai-tui keys create` and `relai-tui keys revoke`."""

import argparse
import asyncio
import json
import sys
from contextlib import suppress

from relai_tui.api.errors import RelaiError
from relai_tui.api.retry import may_have_happened
from relai_tui.commands.ending import held_back, said_if_stopped
from relai_tui.commands.exit_codes import ExitCode
from relai_tui.commands.key_choice import given_id, row_of
from relai_tui.commands.outcome import exit_code, say
from relai_tui.commands.standard_streams import OutputFailed, output_closed
from relai_tui.credentials.errors import KeyringError, KeyringHangs
from relai_tui.key_records import KeyAction
from relai_tui.keys.desk import Creation, KeyDesk
from relai_tui.keys.guards import LAG, NotAllowed, demand_for, name_trouble, name_warning, read_rpm
from relai_tui.keys.listing import KeyRow
from relai_tui.settings import SettingsError, checked_name
from relai_tui.text import clean_line

SHELL_PATIENCE = 60.0
"""Seconds for which a revoked key is tried until it is refused."""
ONE_MOMENT = "one moment: the answer holds a secret that is shown only once (again to stop all the same)"
CHECK = "check with: relai-tui keys list"


async def create(desk: KeyDesk, options: argparse.Namespace) -> ExitCode:
    """Create a key and hand its secret over."""
    if (trouble := name_trouble(options.target or "")) is not None:
        return say(f"{trouble} relai-tui keys create NAME", ExitCode.USAGE)
    rpm = read_rpm(options.rpm or "60")
    if not isinstance(rpm, int):
        return say(rpm, ExitCode.USAGE)
    if options.scope and desk.account.edition == 1:
        return say("--scope is for keys of the second edition of the API", ExitCode.USAGE)
    await _see_place_for_secret(desk, options)
    if warning := name_warning(options.target, await desk.refresh()):
        say(warning)
    with held_back(ONE_MOMENT):
        with said_if_stopped(f"stopped: the key “{options.target}” may have been created; {CHECK}"):
            creation = await desk.create(options.target, rpm, options.scope)
        if creation.secret is None:
            return tell_lost(creation)
        saved = await _save(desk, creation, options.save_as) if options.save_as else False
        if not hand_over(creation, options, saved=saved) and not saved:
            told = creation.key.id if creation.key else "ID"
            return say(f"its secret is lost: relai-tui keys revoke {told}", ExitCode.INCOMPLETE)
    return ExitCode.DONE


async def _see_place_for_secret(desk: KeyDesk, options: argparse.Namespace) -> None:
    """Before anything is sent: there is a place for what is told only once."""
    see_open_output(options)
    if options.save_as:
        checked_name(options.save_as)
        state = await desk.account.probe_keyring()
        if state.trouble is not None:
            raise state.trouble
    elif not may_print(options):
        raise NotAllowed(
            "A new secret is shown once and standard output is no terminal: use --reveal to print it there, or"
            " --save-as PROFILE to keep it in the keyring. Nothing was sent."
        )


async def _save(desk: KeyDesk, creation: Creation, profile: str) -> bool:
    assert creation.secret is not None
    try:
        await desk.store_secret(creation.secret, creation.key, profile)
    except KeyringHangs as error:
        say(f"the key was created, but it is not known whether it was stored. {error}")
        return False
    except (KeyringError, SettingsError, NotAllowed) as error:
        if isinstance(error, SettingsError):  # the keyring has it, and no profile names it
            with suppress(KeyringError):
                await desk.account.keyring.delete(profile.strip())
        say(f"the key was created, but it was not stored. {error}")
        return False
    say(f"in the keyring, as profile “{profile}”")
    return True


def hand_over(creation: Creation, options: argparse.Namespace, *, saved: bool) -> bool:
    """Print what is known of the new key, and its secret where that is allowed and wanted; whether that was printed."""
    assert creation.secret is not None
    key = creation.key
    shown = may_print(options) and (options.reveal or not saved)
    if options.json:
        told = {
            "id": key.id if key else None,
            "name": creation.name,
            "prefix": key.prefix if key else None,
            "rpm_limit": key.rpm_limit if key else None,
            "profile": options.save_as if saved else None,
            "key": creation.secret.get_secret_value() if shown else None,
        }
        return _printed(json.dumps(told, ensure_ascii=sys.stdout.isatty(), indent=2)) and shown
    say(f"created “{clean_line(creation.name)}”{f' ({key.id}, {key.rpm_limit} RPM)' if key else ''}")
    if shown:
        say("the secret, this once:")
        return _printed(creation.secret.get_secret_value())
    return False


def _printed(text: str) -> bool:
    try:
        print(text, flush=True)
    except OutputFailed as failed:
        say(str(failed))
        return False
    return True


def tell_lost(creation: Creation) -> ExitCode:
    """Say what came of a creation whose secret is not known, and what to do."""
    ids = " ".join(key.id for key in creation.suspects) or (creation.key.id if creation.key else "")
    if creation.trouble is None:
        words = "the answer held no secret: the new key cannot be used"
    elif creation.suspects:
        words = f"a key was created, but its secret is lost ({creation.trouble})"
    elif creation.compared:
        return say(f"no key was created: {creation.trouble}", ExitCode.REFUSED)
    else:
        return say(
            f"a key may have been created: look with relai-tui keys list. {creation.trouble}", ExitCode.INCOMPLETE
        )
    hint = f" Revoke it and try again: relai-tui keys revoke {ids}" if ids else " Look with relai-tui keys list."
    return say(f"{words}.{hint}", ExitCode.INCOMPLETE)


async def revoke(desk: KeyDesk, options: argparse.Namespace) -> ExitCode:
    """Revoke a key, when its guards are met."""
    wanted = given_id(options.target, "revoke")
    with said_if_stopped("stopped: nothing was revoked"):
        row = await _row_to_revoke(desk, wanted)
        if row is None:
            return ExitCode.DONE
        typed = await _confirmed(row, desk.clock(), options.confirm)
    words = f"“{clean_line(row.key.name)}” ({clean_line(row.id)}) may have been revoked"
    try:
        with said_if_stopped(f"stopped: {words}; {CHECK}"):
            revocation = await desk.revoke(row, typed)
    except asyncio.CancelledError:
        await desk.note_row(KeyAction.REVOKE, row, "stopped before the answer came; it may have been revoked")
        raise
    except RelaiError as error:
        if may_have_happened(error):
            return say(f"{words}; {CHECK}. {error}", exit_code(error))
        raise
    gone = ": it was gone already" if revocation.was_gone else ""
    say(f"revoked “{clean_line(row.key.name)}” ({clean_line(row.id)}){gone}. {LAG}")
    if revocation.secret is not None:
        refused = await desk.wait_until_refused(revocation.secret, lambda _: None, SHELL_PATIENCE)
        say("the server refuses it now" if refused else "the server still accepts it: look again in some minutes")
    if revocation.ended_session:
        say("this was the key in use here: sign in with another one, relai-tui login")
    return ExitCode.DONE


async def _row_to_revoke(desk: KeyDesk, wanted: str) -> KeyRow | None:
    """Return the key's row; None, which is said, when it is revoked already. Raises `NoSuchKey`."""
    listing = await desk.refresh()
    row = listing.row(wanted)
    if row is None and not await _was_revoked_here(desk, wanted):
        row = row_of(listing, wanted)
    if row is None or row.revoked:
        say(f"the key {clean_line(wanted, 60)} is revoked already")
        return None
    return row


async def _was_revoked_here(desk: KeyDesk, key_id: str) -> bool:
    """Whether the audit log says so: some servers do not list revoked keys."""
    events = await desk.events(key_id)
    return any(each.action is KeyAction.REVOKE and each.result in ("done", "was gone already") for each in events)


async def _confirmed(row: KeyRow, now: float, given: str | None) -> str | None:
    """What confirms it: `--confirm`, or what is typed at a terminal. Raises `NotAllowed`."""
    demand = demand_for(row, now)
    if demand.met_by(given):
        return given
    why = f"“{clean_line(row.key.name)}” ({clean_line(row.id)}): {'; '.join(demand.reasons)}"
    if given is None and sys.stdin.isatty() and sys.stderr.isatty():
        say(f"{why}.{' It is the key in use here.' if demand.ends_session else ''}")
        print(f"Type {demand.typed!r} to revoke it: ", end="", file=sys.stderr, flush=True)
        typed = (await _typed_line()).strip()
        if demand.met_by(typed):
            return typed
        raise NotAllowed("Not confirmed: nothing was revoked.")
    raise NotAllowed(f"{why}. Nothing was revoked. To revoke it all the same: --confirm {demand.typed!r}")


async def _typed_line() -> str:
    """Return a line from the terminal; signals are heard while it is waited for."""
    loop = asyncio.get_running_loop()
    typed = asyncio.Event()
    try:
        loop.add_reader(sys.stdin.fileno(), typed.set)
    except NotImplementedError:  # Windows
        return sys.stdin.readline()
    try:
        await typed.wait()
    finally:
        loop.remove_reader(sys.stdin.fileno())
    return sys.stdin.readline()


def may_print(options: argparse.Namespace) -> bool:
    """Whether a secret may go to standard output."""
    return bool(options.reveal) or sys.stdout.isatty()


def see_open_output(options: argparse.Namespace) -> None:
    """Raise `NotAllowed` where a secret is to be printed and standard output is closed."""
    if options.reveal and output_closed():
        raise NotAllowed("Standard output is closed: the new secret could not be printed. Nothing was sent.")
