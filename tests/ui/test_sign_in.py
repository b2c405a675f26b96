"""Signing in at the first launch, whatever the machine's keyring is like."""

from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.null import Keyring as NullKeyring

from relai_tui.account import Account
from relai_tui.api.keys import read_key
from relai_tui.credentials.os_keyring import Keyring
from relai_tui.sandbox.server import Sandbox
from relai_tui.settings import Paths, load
from relai_tui.ui.sign_in import SignInScreen
from tests.ui.conftest import Desk, desk


class MemoryKeyring(KeyringBackend):
    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring is not typed
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def memory() -> Iterator[MemoryKeyring]:
    before, backend = keyring.get_keyring(), MemoryKeyring()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


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
    await at.until(lambda: isinstance(at.app.screen, SignInScreen))


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
    before = keyring.get_keyring()
    keyring.set_keyring(NullKeyring())  # type: ignore[no-untyped-call]
    try:
        async with desk(account_without_key(sandbox, home, NullKeyring)) as at:
            await at_sign_in(at)
            await paste(at, sandbox.keys[1])
            await at.sees("could not be stored")
            await at.pilot.press("enter")
            await at.until(lambda: at.app.screen is at.page)
            await at.sees("this session only")
            await at.send("hello")
            await at.answered()
    finally:
        keyring.set_keyring(before)


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
