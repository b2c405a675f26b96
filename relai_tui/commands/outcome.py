"""How the money commands end: their exit codes, and their words to standard error."""

from __future__ import annotations

import asyncio
from enum import IntEnum
from typing import TYPE_CHECKING

from relai_tui.account import NoCredential
from relai_tui.api.errors import (
    KeyRefused,
    NotOffered,
    QuotaExceeded,
    RateLimited,
    RefusedToSend,
    RelaiError,
    ServerRefused,
)
from relai_tui.commands import ending
from relai_tui.credentials.errors import CredentialError
from relai_tui.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from relai_tui.account import Account


class Exit(IntEnum):
    """The exit codes of `balance`, `usage` and `receipt`."""

    DONE = 0
    USAGE = 2
    UNKNOWN = 3
    """There is no figure of now: no answer came, or none that is a figure. What is printed is kept from before."""
    REFUSED = 4
    """By the server, or not offered there."""
    NO_CREDENTIAL = 5
    RATE_LIMITED = 7
    """For longer than is waited for."""
    BELOW = 9
    """The balance is below what `--below` says."""


Trouble = RelaiError | NoCredential | CredentialError | StoreError
"""What may keep a command from its figures; each says in one line what to do."""
TROUBLES = (RelaiError, NoCredential, CredentialError, StoreError)


def exit_code(trouble: Trouble) -> Exit:
    """The exit code that tells a script what happened."""
    match trouble:
        case NoCredential() | CredentialError() | KeyRefused():
            return Exit.NO_CREDENTIAL
        case RateLimited() | QuotaExceeded():
            return Exit.RATE_LIMITED
        case NotOffered() | RefusedToSend() | ServerRefused():
            return Exit.REFUSED
    return Exit.UNKNOWN


def say(words: str, code: Exit = Exit.DONE) -> Exit:
    """Say it on standard error; the code, to return."""
    ending.say(words)
    return code


def run(account: Account, work: Coroutine[object, object, Exit]) -> int:
    """Do a command's work, tell its trouble, close the account. SIGINT and SIGTERM end it in order."""
    return asyncio.run(ending.until_stopped(account, _telling(work)))


async def _telling(work: Coroutine[object, object, Exit]) -> Exit:
    try:
        return await work
    except TROUBLES as trouble:
        return say(str(trouble), exit_code(trouble))
