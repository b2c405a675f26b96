"""`relai-tui keys rotate`: one step after the other, and each is said."""

import argparse
import asyncio
from contextlib import suppress

from relai_tui.commands.ending import held_back, said_if_stopped
from relai_tui.commands.exit_codes import ExitCode
from relai_tui.commands.key_changes import (
    CHECK,
    ONE_MOMENT,
    SHELL_PATIENCE,
    hand_over,
    may_print,
    see_open_output,
    tell_lost,
)
from relai_tui.commands.key_choice import given_id, row_of
from relai_tui.commands.outcome import say
from relai_tui.credentials.errors import KeyringError
from relai_tui.key_records import RotationStep
from relai_tui.keys.desk import KeyDesk
from relai_tui.keys.guards import LAG, NotAllowed, read_rpm
from relai_tui.keys.rotation import Rotation, left_behind
from relai_tui.moments import age
from relai_tui.text import clean_line


async def rotate(desk: KeyDesk, options: argparse.Namespace) -> ExitCode:
    """Rotate a key, or go on with a rotation that was left."""
    wanted = given_id(options.target, "rotate")
    rpm = read_rpm(options.rpm) if options.rpm else None
    if isinstance(rpm, str):
        return say(rpm, ExitCode.USAGE)
    if desk.account.read_only:
        raise NotAllowed("This is --read-only: no key is created or revoked.")
    for record in await left_behind(desk):
        if wanted in (record.old_id, record.new_id):
            say(f"going on with the rotation of “{record.name}”, which got to “{record.step.value}”")
            return await _go_on(await Rotation.resume(desk, record), desk, options)
    row = row_of(await desk.refresh(), wanted)
    if row.revoked:
        return say(
            f"the key {clean_line(row.id)} ({clean_line(row.key.name)}) is revoked already: nothing was done",
            ExitCode.USAGE,
        )
    return await _go_on(Rotation.plan(desk, row, rpm), desk, options)


async def _go_on(rotation: Rotation, desk: KeyDesk, options: argparse.Namespace) -> ExitCode:
    try:
        return await _steps(rotation, desk, options)
    except asyncio.CancelledError:
        record = rotation.record
        say(f"stopped after “{record.step.value}”; to go on: relai-tui keys rotate {record.old_id}")
        raise


async def _steps(rotation: Rotation, desk: KeyDesk, options: argparse.Namespace) -> ExitCode:
    if rotation.secret_lost:
        with said_if_stopped(f"the successor may have been revoked; {CHECK}"):
            await rotation.give_up()
        return say("the secret of its successor was lost: that one is revoked. Rotate again.", ExitCode.INCOMPLETE)
    creating = rotation.step is RotationStep.CREATING
    if creating and (code := await _make_successor(rotation, desk, options)) is not None:
        return code
    if rotation.secret is not None and not rotation.record.has(RotationStep.SWITCHED):
        await rotation.try_new()
        say("the new key works")
        switched = await rotation.switch()
        for profile in switched.profiles:
            say(f"the profile “{profile}” uses the new key")
        if switched.elsewhere:
            say(f"the old key still stands in {switched.elsewhere}: change it there")
    if not rotation.record.has(RotationStep.REVOKED):
        watch = await rotation.watch()
        if watch.row is not None and options.confirm is None:
            used = age(watch.row.last_used, desk.clock())
            return say(
                f"the old key was last used {used if used != '—' else 'never, as far as is recorded'};"
                f" when nothing uses it any more: relai-tui keys rotate {rotation.record.old_id} --confirm NAME"
            )
        with said_if_stopped(f"the old key may have been revoked; {CHECK}"):
            await rotation.revoke(options.confirm)
        say(f"the old key is revoked. {LAG}")
    refused = await rotation.see_refused(lambda _: None, SHELL_PATIENCE)
    if refused is not None:
        say("the server refuses the old key now" if refused else "the server still accepts the old key for a while")
    return ExitCode.DONE


async def _make_successor(rotation: Rotation, desk: KeyDesk, options: argparse.Namespace) -> ExitCode | None:
    """Create and keep it; an exit code where that ends it."""
    see_open_output(options)
    usable = (await desk.account.probe_keyring()).usable
    if not usable and not may_print(options):
        raise NotAllowed(
            "There is no keyring here and standard output is no terminal: use --reveal to have the new secret printed"
            " there. Nothing was sent."
        )
    with held_back(ONE_MOMENT):
        with said_if_stopped(f"a key “{rotation.record.name}” may have been created; {CHECK}"):
            creation = await rotation.create()
        if creation.secret is None:
            return tell_lost(creation)
        stored = False
        if usable:
            with suppress(KeyringError):
                await rotation.store()
                stored = True
        if not hand_over(creation, options, saved=stored) and not stored:
            await rotation.give_up()
            return say("the new key could not be kept, so it was revoked again", ExitCode.NO_CREDENTIAL)
        if not stored:
            await rotation.acknowledge()
    return None
