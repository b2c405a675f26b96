"""What the stories of keys share: a keyring in memory, an account on a sandbox, a clock that moves when told."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keyring
from keyring.backend import KeyringBackend

from relai_tui.account import Account
from relai_tui.api.keys import read_key
from relai_tui.credentials.os_keyring import Keyring
from relai_tui.keys.desk import KeyDesk
from relai_tui.keys.listing import KeyRow
from relai_tui.sandbox.server import Sandbox
from relai_tui.settings import Paths, load


class MemoryKeyring(KeyringBackend):
    """A keyring that works."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring is not typed
        self.kept: dict[tuple[str, str], str] = {}
        self.fails = False

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.fails:
            raise RuntimeError("the keyring is out of order")
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]

    def of(self, profile: str) -> str | None:
        """The key of a profile."""
        return self.kept.get((f"relai-tui/{profile}", "api-key"))


@contextmanager
def keyring_in_memory() -> Iterator[MemoryKeyring]:
    """Every `Keyring` of an `account_on` uses it."""
    before, backend = keyring.get_keyring(), MemoryKeyring()
    keyring.set_keyring(backend)
    try:
        yield backend
    finally:
        keyring.set_keyring(before)


def account_on(
    sandbox: Sandbox, home: Path, key: str | None = None, *, read_only: bool = False, signed_in: bool = False
) -> Account:
    """An account whose key comes from the environment, or from the keyring where it is `signed_in`."""
    settings = load(Paths.find({"RELAI_TUI_HOME": str(home)}))
    environ = {} if signed_in else {"RELAI_API_KEY": key or sandbox.keys[2]}
    kept = Keyring(read_key, environ={"DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/bus"}, trusted=(MemoryKeyring,))
    return Account(settings, settings.profile(), kept, environ, base_url=sandbox.base_url, read_only=read_only)


async def sign_in(sandbox: Sandbox, home: Path, key: str) -> None:
    """Keep a key in the keyring, as the user's default profile."""
    account = account_on(sandbox, home, key)
    trial = await account.try_key(key)
    await account.keep(trial)
    await trial.client.aclose()
    await account.close()


class Hours:
    """Unix time in seconds that moves when told; to wait is to move it."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


async def row_named(desk: KeyDesk, name: str) -> KeyRow:
    """The key of that name, from a fresh list."""
    (row,) = (await desk.refresh()).named(name)
    return row


def posts(sandbox: Sandbox) -> int:
    """How often a key's creation was asked for, whatever became of it."""
    return len(sandbox.requests.of("POST", "/keys"))
