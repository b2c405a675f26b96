"""The Keys room of the real app on the real sandbox, driven by keys."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.widgets import Button, Input, Static

from relai_tui.account import Account, Launch
from relai_tui.keys.listing import KeyRow
from relai_tui.sandbox.account import Account as SandboxAccount
from relai_tui.sandbox.keys import Key
from relai_tui.sandbox.server import Sandbox
from relai_tui.ui.chat.page import ChatPage
from relai_tui.ui.keys.create import CreateKey
from relai_tui.ui.keys.heading import ListStatus
from relai_tui.ui.keys.page import KeysPage
from relai_tui.ui.keys.reveal import RevealSecret
from relai_tui.ui.keys.table import KeyTable
from tests.key_stories import MemoryKeyring, account_on, keyring_in_memory
from tests.ui.conftest import Desk, desk

DAY = 86_400.0


class Room(Desk):
    """A person in the Keys room."""

    @property
    def page(self) -> ChatPage:
        return self.app._chat

    @property
    def keys(self) -> KeysPage:
        assert self.app._keys is not None
        return self.app._keys

    @property
    def table(self) -> KeyTable:
        return self.keys.query_one(KeyTable)

    @property
    def list_status(self) -> ListStatus:
        return self.keys.query_one(ListStatus)

    @property
    def here(self) -> KeyRow:
        row = self.table.highlighted
        assert row is not None
        return row

    def names(self) -> list[str]:
        return [row.key.name for row in self.table._shown.rows or ()]

    async def enter(self) -> None:
        """Go there from the chat, once it is connected."""
        await self.until(lambda: self.app.check_action("show_room", ("keys",)))
        await self.pilot.press("f6")
        await self.until(lambda: self.app._keys is not None and self.app.current_mode == "keys")
        await self.pilot.pause()

    async def listed(self) -> None:
        """Go there, and wait for the list."""
        await self.enter()
        await self.until(lambda: self.keys._desk.listing is not None and self.table._shown.rows is not None)

    async def on(self, name: str) -> None:
        """Put the cursor on the key of this name."""
        await self.until(lambda: name in self.names())
        listing = self.keys._desk.listing
        assert listing
        row = next(row for row in listing.rows if row.key.name == name)
        self.table.focus()
        assert self.table.place_on(row.id)
        await self.pilot.pause()

    async def at(self, kind: type[object]) -> None:
        """Wait for a dialog."""
        await self.until(lambda: isinstance(self.app.screen, kind) and self.app.screen.is_mounted)
        await self.pilot.pause()

    async def back(self) -> None:
        """Wait until no dialog is open."""
        await self.until(lambda: self.app.screen is self.keys)

    async def press(self, button: str) -> None:
        """Press a button of the dialog, once it is shown and the answer to what was pressed before is there."""
        found = self.app.screen.query_one(f"#{button}", Button)
        await self.until(lambda: found.display and not getattr(self.app.screen, "_busy", False))
        assert not found.disabled, f"{button} cannot be pressed:\n{self.screen_text()}"
        found.press()
        await self.pilot.pause()

    async def fill(self, field: str, text: str) -> None:
        """Replace what a field holds."""
        self.app.screen.query_one(f"#{field}", Input).value = text
        await self.pilot.pause()

    def said(self) -> str:
        """The state line of the dialog."""
        return str(self.app.screen.query_one(".state", Static).content)

    async def says(self, words: str) -> None:
        """Wait for the dialog to say this."""
        await self.until(lambda: bool(self.app.screen.query(".state")) and words in self.said())

    async def make(self, name: str) -> None:
        """Create a key and come to its secret."""
        await self.pilot.press("n")
        await self.at(CreateKey)
        await self.fill("name", name)
        await self.press("create")
        await self.at(RevealSecret)


@pytest.fixture(params=[1, 2], ids=["edition 1", "edition 2"])
async def sandbox(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    account = SandboxAccount(seed=request.param)
    async with Sandbox(edition=request.param, account=account, tokens_per_second=0) as running:
        yield running


@pytest.fixture(autouse=True)
def memory() -> Iterator[MemoryKeyring]:
    with keyring_in_memory() as backend:
        yield backend


def minted(
    sandbox: Sandbox, name: str, used_days: float | None = None, age_days: float = 200, rpm_limit: int = 60
) -> Key:
    """A key of the server's edition."""
    now = sandbox.account.clock()
    return sandbox.account.mint(
        name,
        edition=next(iter(sandbox.keys)),
        created_at=now - age_days * DAY,
        last_used_at=None if used_days is None else now - used_days * DAY,
        rpm_limit=rpm_limit,
    )


def account_of(sandbox: Sandbox, home: Path, *, read_only: bool = False, signed_in: bool = False) -> Account:
    key = next(iter(sandbox.keys.values()))
    return account_on(sandbox, home, key, read_only=read_only, signed_in=signed_in)


@asynccontextmanager
async def room(account: Account, size: tuple[int, int] = (120, 36), *, listed: bool = True) -> AsyncIterator[Room]:
    async with desk(account, Launch(), size) as at:
        inside = Room(at.app, at.pilot, account)
        if listed:
            await inside.listed()
        yield inside
