"""`relai-tui login` and `relai-tui logout`."""

import asyncio
import getpass
import sys

from relai_tui.account import Account, Launch
from relai_tui.api.errors import RelaiError
from relai_tui.credentials.errors import KeyringError
from relai_tui.settings import SettingsError
from relai_tui.text import clean_line

NO_CREDENTIAL = 5
"""Exit code: no key that can be used, or no place to keep it."""


def login(account: Account, launch: Launch) -> int:
    """Ask for a key (or take the one given), try it, keep it; the exit code."""
    del launch
    given = account.given
    try:
        text = given.key.get_secret_value() if given else _typed()
        return asyncio.run(_login(account, text))
    except EOFError:
        print("relai-tui: no key was given", file=sys.stderr)
        return NO_CREDENTIAL


def _typed() -> str:
    return getpass.getpass("API key (not shown): ")


async def _login(account: Account, text: str) -> int:
    try:
        trial = await account.try_key(text)
    except RelaiError as error:
        return _fail(error.message)
    try:
        await account.keep(trial)
    except (KeyringError, SettingsError) as error:
        return _fail(f"The key works, but it could not be stored. {error}")
    finally:
        await trial.client.aclose()
        await account.close()
    where = f" for {trial.profile.region.upper()}" if trial.profile.region else ""
    print(f"The key works and is in the keyring, as profile “{trial.profile.name}”{where}.")
    if shadow := account.environment_key:
        print(f"Note: {shadow} is set and goes before the keyring.")
    return 0


def logout(account: Account) -> int:
    """Forget the profile's key; the exit code."""
    try:
        was_there = asyncio.run(account.forget())
    except KeyringError as error:
        return _fail(str(error))
    name = account.profile.name
    if was_there:
        print(f"The key of the profile “{name}” is no longer in the keyring. It is valid until it is revoked.")
    else:
        print(f"There was no key of the profile “{name}” in the keyring.")
    if shadow := account.environment_key:
        print(f"Note: {shadow} is still set and will be used.")
    return 0


def _fail(words: str) -> int:
    print(f"relai-tui: {clean_line(words, 600)}", file=sys.stderr)
    return NO_CREDENTIAL
