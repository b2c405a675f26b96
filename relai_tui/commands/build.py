"""Arguments and environment to an account and a launch. Reads files and standard input; asks no server."""

import argparse
import os
import stat
import sys

from relai_tui.account import Account, Launch
from relai_tui.api.address import read_address
from relai_tui.api.errors import RefusedToSend
from relai_tui.api.keys import read_key
from relai_tui.credentials.errors import CredentialError
from relai_tui.credentials.os_keyring import Keyring
from relai_tui.credentials.sources import Credential, forget_environment_key, from_file, from_stdin
from relai_tui.settings import Paths, Profile, SettingsError, checked_name, load
from relai_tui.text import CleanText, clean, clean_line

LONGEST_INPUT = 8 * 1024 * 1024
"""Bytes taken from standard input."""


class UsageError(Exception):
    """The arguments do not make sense together. `str()` says what to change."""


class NoUsableKey(UsageError):
    """The key that was given cannot be used."""


def build(options: argparse.Namespace, *, new_profile: bool = False) -> tuple[Account, Launch]:
    """The parts that the commands and the screen are given; `new_profile` lets --profile name one that is to be made.

    Raises `UsageError`.
    """
    given = _given_key(options)
    launch = Launch(
        prompt=_prompt(options),
        continue_last=getattr(options, "continue_last", False),
        model=clean_line(model) if (model := getattr(options, "model", None)) else None,
        system=clean(system) if (system := getattr(options, "system", None)) else None,
        stream=getattr(options, "stream", True),
        demo=options.demo,
    )
    if options.demo:
        if given or options.base_url or options.profile:
            raise UsageError("--demo brings its own server, key and profile: leave the others out")
        from relai_tui.commands.demo import demo_account

        forget_environment_key(os.environ)
        return demo_account(read_only=options.read_only), launch
    return _account(options, given, new_profile=new_profile), launch


def _account(options: argparse.Namespace, given: Credential | None, *, new_profile: bool) -> Account:
    environ = dict(os.environ)
    forget_environment_key(os.environ)
    try:
        settings = load(Paths.find(environ))
        wanted = options.profile
        if new_profile and wanted and wanted not in settings.profiles:
            profile = Profile(checked_name(wanted))
        else:
            profile = settings.profile(wanted)
    except SettingsError as error:
        raise UsageError(str(error)) from None
    base_url = options.base_url or environ.get("RELAI_BASE_URL") or None
    if base_url is not None:
        try:
            base_url = read_address(base_url).base_url
        except RefusedToSend as error:
            raise UsageError(error.message) from None
    return Account(
        settings,
        profile,
        Keyring(read_key),
        environ,
        base_url=base_url,
        region=options.region,
        given=given,
        read_only=options.read_only,
    )


def _given_key(options: argparse.Namespace) -> Credential | None:
    if options.api_key_stdin and options.api_key_file:
        raise UsageError("give either --api-key-stdin or --api-key-file")
    if options.api_key_stdin and sys.stdin.isatty():
        raise UsageError("--api-key-stdin reads a pipe; to type a key, use: relai-tui login")
    try:
        if options.api_key_stdin:
            return from_stdin(sys.stdin, read_key)
        return from_file(options.api_key_file, read_key) if options.api_key_file else None
    except CredentialError as error:
        raise NoUsableKey(str(error)) from None


def _prompt(options: argparse.Namespace) -> CleanText | None:
    words = " ".join(getattr(options, "prompt", None) or [])
    piped = _piped() if hasattr(options, "prompt") else ""
    return clean("\n\n".join(part for part in (words, piped.strip("\n")) if part)) or None


def _piped() -> str:
    """Standard input where it is a pipe, a file or a socket; a terminal or /dev/null is not waited for."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError):
        return ""
    if not (stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)):
        return ""
    data = sys.stdin.buffer.read(LONGEST_INPUT + 1)
    if len(data) > LONGEST_INPUT:
        raise UsageError(f"standard input is larger than {LONGEST_INPUT // 2**20} MiB: send less")
    return data.decode("utf-8", "replace")
