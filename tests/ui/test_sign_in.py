"""Signing in at the first launch, whatever the machine's keyring is like."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from keyring.backend import KeyringBackend
from keyring.backends.null import Keyring as NullKeyring

from relai_tui.account import Account
from relai_tui.api.keys import read_key
from relai_tui.credentials.os_keyring import Keyring
from relai_tui.sandbox.server import Sandbox
from relai_tui.settings import Paths, load
from relai_tui.ui.sign_in import SignInScreen
from tests.keyrings import HangingKeyring, MemoryKeyring, installed
from tests.ui.conftest import Desk, account_on, desk


@pytest.fixture
def memory() -> Iterator[MemoryKeyring]:
    backend = MemoryKeyring()
    with installed(backend):
        yield backend


def account_without_key(sandbox: Sandbox, home: Path, backend: type[KeyringBackend] = MemoryKeyring) -> Account:
    settings = load(Paths.find({"RELAI_TUI_HOME": str(home)}))
    return Account(
        settings, settings.profile(), Keyring(read_key, environ={}, trusted=(backend,)), {}, base_url=sandbox.base_url
    )


async def paste(at: Desk, key: str) -> None:
    field = at.app.screen.query_one("#key")
    field.focus()
    field.value = key  # type: ignore[attr-defined]  # an Input
    await at.pilot.press("enter")


async def at_sign_in(at: Desk) -> None:
    await at.until(lambda: isinstance(at.app.screen, SignInScreen) and at.app.screen.query("#key"))


async def test_a_first_launch_asks_for_a_key_tries_it_and_keeps_it(
    sandbox: Sandbox, home: Path, memory: MemoryKeyring
) -> None:
    async with desk(account_without_key(sandbox, home)) as at:
        await at_sign_in(at)
        await at.sees("Paste it here; it is never shown.")
        await paste(at, f"  {sandbox.keys[2]}\n")
        await at.until(lambda: at.app.screen is at.page)
        await at.sees("keyring")
        await at.send("hello")
        await at.answered()
    assert list(memory.kept.values()) == [sandbox.keys[2]]
    assert sandbox.keys[2] not in (home / "config" / "config.toml").read_text()
    async with desk(account_without_key(sandbox, home)) as at:
        await at.until(lambda: at.bar.credits is not None)
        assert at.app.screen is at.page
        assert at.bar.identity is not None
        assert at.bar.identity.key_source == "keyring"


async def test_a_wrong_key_is_told_without_repeating_it(sandbox: Sandbox, home: Path, memory: MemoryKeyring) -> None:
    async with desk(account_without_key(sandbox, home)) as at:
        await at_sign_in(at)
        await paste(at, "rk-eu-canarycanarycanary0000")
        await at.sees("key")
        await at.until(lambda: "-bad" in at.app.screen.query_one(".state").classes)
        assert "canary" not in at.screen_text()
        await paste(at, "two words")
        await at.sees("white space")
        assert not memory.kept


async def test_what_a_key_tells_of_itself_is_shown_as_it_is_pasted(
    sandbox: Sandbox, home: Path, memory: MemoryKeyring
) -> None:
    async with desk(account_without_key(sandbox, home)) as at:
        await at_sign_in(at)
        at.app.screen.query_one("#key").value = "rk-us-0123456789abcdefghij"  # type: ignore[attr-defined]
        await at.sees("a key for US")


async def test_a_keyring_that_lies_leaves_the_session(sandbox: Sandbox, home: Path) -> None:
    with installed(NullKeyring()):  # type: ignore[no-untyped-call]
        async with desk(account_without_key(sandbox, home, NullKeyring)) as at:
            await at_sign_in(at)
            await paste(at, sandbox.keys[1])
            await at.sees("could not be stored")
            await at.pilot.press("enter")
            await at.until(lambda: at.app.screen is at.page)
            await at.sees("this session only")
            await at.send("hello")
            await at.answered()


async def test_a_hanging_keyring_keeps_nobody_from_starting_or_leaving(sandbox: Sandbox, home: Path) -> None:
    backend = HangingKeyring()
    settings = load(Paths.find({"RELAI_TUI_HOME": str(home)}))
    hanging = Keyring(read_key, environ={}, trusted=(HangingKeyring,), limit=0.3)
    with installed(backend):
        async with desk(Account(settings, settings.profile(), hanging, {})) as at:
            await at.type("written meanwhile")
            await at_sign_in(at)
            await at.sees("keyring")
            await at.pilot.press("ctrl+q")
        backend.answered.set()
    async with desk(account_on(sandbox, home)) as at:
        await at.until(lambda: at.draft.text == "written meanwhile")


async def test_one_may_look_around_without_a_key_and_nothing_is_lost(
    sandbox: Sandbox, home: Path, memory: MemoryKeyring
) -> None:
    account = Account(
        load(Paths.find({"RELAI_TUI_HOME": str(home)})),
        load(Paths.find({"RELAI_TUI_HOME": str(home)})).profile(),
        Keyring(read_key, environ={}, trusted=(MemoryKeyring,)),
        {},
    )
    async with desk(account) as at:
        await at_sign_in(at)
        await at.sees("There is no key")
        await at.pilot.press("escape")
        await at.until(lambda: at.app.screen is at.page)
        await at.send("hello")
        await at_sign_in(at)
        await at.pilot.press("escape")
        await at.until(lambda: at.draft.text == "hello")
    assert not len(sandbox.requests)
