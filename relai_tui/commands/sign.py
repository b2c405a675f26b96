"""`relai-tui login` and `relai-tui logout`."""

import getpass

from relai_tui.account import Account
from relai_tui.commands.exit_codes import ExitCode
from relai_tui.commands.outcome import run, say
from relai_tui.credentials.errors import KeyringError, KeyringHangs
from relai_tui.settings import SettingsError


def login(account: Account) -> int:
    """Ask for a key (or take the one given), try it, keep it; the exit code."""
    given = account.given
    try:
        text = given.key.get_secret_value() if given else getpass.getpass("API key (not shown): ")
    except EOFError:
        return say("no key was given", ExitCode.NO_CREDENTIAL)
    return run(account, _login(account, text))


async def _login(account: Account, text: str) -> ExitCode:
    trial = await account.try_key(text)
    name = trial.profile.name
    try:
        await account.keep(trial)
    except KeyringHangs as error:
        return _fail(f"The key works, but it is not known whether it was stored. {error} relai-tui logout removes it.")
    except KeyringError as error:
        return _fail(f"The key works, but it was not stored. {error}")
    except SettingsError as error:
        return _fail(
            f"The key works and is in the keyring, but the profile “{name}” could not be written. {error}"
            " relai-tui logout removes the key."
        )
    finally:
        await trial.client.aclose()
    where = f" for {trial.profile.region.upper()}" if trial.profile.region else ""
    print(f"The key works and is in the keyring, as profile “{name}”{where}.")
    if shadow := account.environment_key:
        print(f"Note: {shadow} is set and goes before the keyring.")
    return ExitCode.DONE


def logout(account: Account) -> int:
    """Forget the profile's key; the exit code."""
    return run(account, _logout(account))


async def _logout(account: Account) -> ExitCode:
    was_there = await account.forget()
    name = account.profile.name
    if was_there:
        print(f"The key of the profile “{name}” is no longer in the keyring. It is valid until it is revoked.")
    else:
        print(f"There was no key of the profile “{name}” in the keyring.")
    if shadow := account.environment_key:
        print(f"Note: {shadow} is still set and will be used.")
    return ExitCode.DONE


def _fail(words: str) -> ExitCode:
    return say(words, ExitCode.NO_CREDENTIAL)
