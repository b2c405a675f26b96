"""Arguments and environment to an account and a launch. Reads files and standard input; asks no server."""

import argparse
import io
import os
import sys

from relai_tui.account import Account, Launch
from relai_tui.api.address import read_address
from relai_tui.api.errors import RefusedToSend
from relai_tui.api.keys import read_key
from relai_tui.commands.standard_input import NotText, check_argument, read_line, read_piped
from relai_tui.credentials.errors import CredentialError
from relai_tui.credentials.os_keyring import Keyring
from relai_tui.credentials.sources import Credential, forget_environment_key, from_file, from_stdin
from relai_tui.settings import Paths, Profile, SettingsError, checked_name, load
from relai_tui.text import CleanText, clean_input, clean_name

BYTE_ORDER_MARK = "\ufeff"
_LONGEST_LINE = 64 * 1024
"""Bytes of the line that may hold a key."""


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
        model=clean_name(model) if (model := getattr(options, "model", None)) else None,
        system=clean_input(system) if (system := getattr(options, "system", None)) else None,
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
            return from_stdin(io.StringIO(read_line(_LONGEST_LINE)), read_key)
        return from_file(options.api_key_file, read_key) if options.api_key_file else None
    except CredentialError as error:
        raise NoUsableKey(str(error)) from None


def _prompt(options: argparse.Namespace) -> CleanText | None:
    """Return what is to be asked: the arguments, then standard input. Raises `UsageError` for what is no text."""
    words = " ".join(getattr(options, "prompt", None) or [])
    force = getattr(options, "force", False)
    try:
        if not force:
            check_argument(words + (getattr(options, "system", None) or ""))
        piped = read_piped(force=force) if hasattr(options, "prompt") else ""
    except NotText as error:
        raise UsageError(str(error)) from None
    parts = (clean_input(words), clean_input(piped).strip("\n"))
    return CleanText("\n\n".join(part for part in parts if part)) or None
