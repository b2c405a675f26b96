"""How commands end that ask a server: trouble as an exit code, and their words to standard error."""

from __future__ import annotations

import asyncio
from math import ceil
from typing import TYPE_CHECKING

from relai_tui.account import NoCredential
from relai_tui.api.deltas import Waiting
from relai_tui.api.errors import (
    InsufficientBalance,
    KeyRefused,
    QuotaExceeded,
    RateLimited,
    RefusedToSend,
    RelaiError,
    ServerRefused,
    UnusableKey,
)
from relai_tui.commands import ending
from relai_tui.commands.exit_codes import ExitCode
from relai_tui.credentials.errors import CredentialError
from relai_tui.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from relai_tui.account import Account
    from relai_tui.api.progress import StillWaiting


Trouble = RelaiError | NoCredential | CredentialError | StoreError
"""What may keep a command from its end; each says in one line what to do."""
TROUBLES = (RelaiError, NoCredential, CredentialError, StoreError)


def exit_code(trouble: Trouble) -> ExitCode:
    """Return the exit code that tells a script what happened."""
    match trouble:
        case NoCredential() | CredentialError() | KeyRefused() | UnusableKey():
            return ExitCode.NO_CREDENTIAL
        case InsufficientBalance():
            return ExitCode.OUT_OF_CREDIT
        case RateLimited() | QuotaExceeded():
            return ExitCode.RATE_LIMITED
        case RefusedToSend():
            return ExitCode.USAGE
        case ServerRefused():
            return ExitCode.REFUSED
    return ExitCode.INCOMPLETE


def say(words: str, code: ExitCode = ExitCode.DONE) -> ExitCode:
    """Say it on standard error; return the code."""
    ending.say(words)
    return code


def run(account: Account, work: Coroutine[object, object, ExitCode]) -> int:
    """Do a command's work, tell its trouble, close the account. Signals end it in order."""
    account.observer = say_progress
    return asyncio.run(ending.until_stopped(account, _telling(work)))


def say_progress(progress: Waiting | StillWaiting) -> None:
    """Say why a request takes long."""
    if isinstance(progress, Waiting):
        ending.say(f"trying again in {max(1, ceil(progress.seconds))} s: {progress.because}")
    else:
        ending.say(f"waiting for {progress.host}…")


async def _telling(work: Coroutine[object, object, ExitCode]) -> ExitCode:
    """Do a command's work; its trouble becomes a line and an exit code."""
    try:
        return await work
    except TROUBLES as trouble:
        return say(str(trouble), exit_code(trouble))
