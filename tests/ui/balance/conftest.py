"""The Balance room of the real app on the real sandbox, driven by keys."""

import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from relai_tui.account import Account, Launch
from relai_tui.sandbox.account import Account as SandboxAccount
from relai_tui.sandbox.models import BY_ID
from relai_tui.sandbox.server import Sandbox
from relai_tui.store.database import Store
from relai_tui.ui.app import RelaiApp
from relai_tui.ui.balance.heading import Heading
from relai_tui.ui.balance.lines import Banner, Choice, RoomStatus
from relai_tui.ui.balance.page import BalancePage
from relai_tui.ui.balance.table import MoneyTable
from tests.key_stories import account_on
from tests.ui.conftest import Desk

HOUR, DAY = 3_600.0, 86_400.0


class Room(Desk):
    """A person in the Balance room."""

    @property
    def room(self) -> BalancePage:
        assert self.app._balance is not None
        return self.app._balance

    @property
    def table(self) -> MoneyTable:
        return self.room.query_one(MoneyTable)

    @property
    def heading(self) -> Heading:
        return self.room.query_one(Heading)

    @property
    def banner(self) -> Banner:
        return self.room.query_one(Banner)

    @property
    def room_status(self) -> RoomStatus:
        return self.room.query_one(RoomStatus)

    @property
    def lists(self) -> Choice:
        return self.room.query_one("#lists", Choice)

    def rows(self) -> list[str]:
        """The first cells of what is listed."""
        shown = self.table._shown
        return [shown.rows[place].cells[0][0] for place in sorted(shown.rows)]

    def column(self, place: int) -> list[str]:
        """What a column says."""
        shown = self.table._shown
        return [shown.rows[each].cells[place][0].strip() for each in sorted(shown.rows)]

    async def enter(self) -> None:
        """Go there from the chat, once it is connected."""
        await self.until(lambda: self.account.connected)
        await self.pilot.press("f7")
        await self.until(lambda: self.app._balance is not None and self.app.screen is self.app._balance)
        await self.until(lambda: self.room.is_mounted)

    async def read(self) -> None:
        """Wait until the balance, the requests and the list are there."""
        await self.until(lambda: self.heading.facts.standing is not None or not self.heading.facts.offered)
        await self.until(lambda: self.room._synced_at is not None or self.room_status.trouble)
        await self.quiet()

    async def quiet(self) -> None:
        """Wait until nothing is being read."""
        groups = {"list", "plot", "sync", "sides", "read", "others", "stock"}
        await self.until(lambda: not [each for each in self.app.workers if each.group in groups])
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        """Press, and wait for what is read because of it."""
        await self.pilot.press(*keys)
        await self.pilot.pause()
        await self.quiet()


@pytest.fixture(params=[1, 2], ids=["edition 1", "edition 2"])
async def sandbox(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    account = SandboxAccount(seed=request.param)
    async with Sandbox(edition=request.param, account=account, tokens_per_second=0) as running:
        yield running


@pytest.fixture
async def second() -> AsyncIterator[Sandbox]:
    """A sandbox of edition 2 alone."""
    async with Sandbox(edition=2, account=SandboxAccount(seed=2), tokens_per_second=0) as running:
        yield running


def edition_of(sandbox: Sandbox) -> int:
    return next(iter(sandbox.keys))


def spend(sandbox: Sandbox, model: str, many: int = 1, *, ago: float = HOUR, key: int = 0) -> int:
    """Requests of another machine that the account pays for; what they cost in micro-dollars."""
    account, before = sandbox.account, sandbox.account.credits_micro
    for number in range(many):
        name = f"req_{model}_{ago:.0f}_{number}"
        when = account.clock() - ago - number
        account.charge(BY_ID[model], 1_000, 500, key=account.keys[key], request_id=name, latency_ms=900, at=when)
    return before - account.credits_micro


async def keep_readings(home: Path, readings: Iterable[tuple[float, int]], profile: str = "default") -> None:
    """Readings of before, on this machine: how long ago and micro-dollars."""
    now = time.time()
    async with await Store.open(home / "data" / "relai.db") as store:
        for ago, micro in readings:
            await store.ledger.add_reading(profile, "eu", micro, now - ago, "balance")


def account_of(sandbox: Sandbox, home: Path, *, read_only: bool = False, signed_in: bool = False) -> Account:
    return account_on(sandbox, home, sandbox.keys[edition_of(sandbox)], read_only=read_only, signed_in=signed_in)


@asynccontextmanager
async def room(account: Account, size: tuple[int, int] = (120, 40), *, read: bool = True) -> AsyncIterator[Room]:
    app = RelaiApp(account, Launch())
    async with app.run_test(size=size, notifications=True) as pilot:
        inside = Room(app, pilot, account)
        await inside.enter()
        if read:
            await inside.read()
        yield inside
    assert not app.faults, app.faults
