"""The watch on the real wire: a server that limits, goes away, lacks things and tells nonsense. No second passes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
from pydantic import SecretStr

from relai_tui.api.client import Client
from relai_tui.balance.watch import BalanceWatch
from relai_tui.conversation import CostBasis
from relai_tui.sandbox.account import Account as SandboxAccount
from relai_tui.sandbox.faults import answer, balance, hang_up
from relai_tui.sandbox.server import Sandbox
from relai_tui.session import ChatSession
from relai_tui.store.database import Store
from relai_tui.text import clean_line
from tests.balance.test_watch import Shelf, Time, quick, reading, take, time

__all__ = ["quick", "time"]


@pytest.fixture(params=[1, 2], ids=["edition 1", "edition 2"])
async def sandbox(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    async with Sandbox(edition=request.param, account=SandboxAccount(seed=3), tokens_per_second=0) as running:
        yield running


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[Client]:
    async with Client(sandbox.base_url, SecretStr(next(iter(sandbox.keys.values())))) as made:
        yield made


@pytest.fixture
def watch(client: Client, time: Time) -> BalanceWatch:
    return BalanceWatch(lambda: client.balance(once=True), clock=time.monotonic, wall=time.wall)


def asked(sandbox: Sandbox) -> int:
    return len(sandbox.requests.of("GET", "/balance"))


@pytest.mark.usefixtures("quick")
async def test_a_limit_is_obeyed_by_one_request_and_not_three(
    sandbox: Sandbox, watch: BalanceWatch, time: Time
) -> None:
    sandbox.faults.add(
        answer(429, {"error": {"code": "rate_limit_exceeded"}}, retry_after=77), path="/balance", times=1
    )
    async with reading(watch) as readings:
        (told,) = await take(readings(), 1)
        assert (told.micro, told.offered) == (None, True)
        assert told.trouble
        assert asked(sandbox) == 1
        (told,) = await take(readings(), 1)
        assert told.micro == sandbox.account.credits_micro
        assert (asked(sandbox), time.now) == (2, 1_077)


@pytest.mark.usefixtures("quick")
async def test_a_server_that_went_away_and_came_back(sandbox: Sandbox, watch: BalanceWatch) -> None:
    async with reading(watch) as readings:
        (before,) = await take(readings(), 1)
        sandbox.faults.add(hang_up(), path="/balance")
        away = await take(readings(), 2)
        assert [told.micro for told in away] == [None, None]
        assert watch.last == before  # the last figure stays, with its age
        sandbox.faults.clear()
        sandbox.account.set_credits(123)
        (back,) = await take(readings(), 1)
        assert back.micro == 123


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("status", [404, 405, 401, 403])
async def test_what_is_not_offered_or_refused_is_asked_once(sandbox: Sandbox, watch: BalanceWatch, status: int) -> None:
    sandbox.faults.add(answer(status), path="/balance")
    assert [told.offered async for told in watch.readings()] == [False]
    assert asked(sandbox) == 1


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("told", "micro"),
    [
        ("4500000", 4_500_000),
        ("4500000.0", 4_500_000),
        ('"4500000"', 4_500_000),
        ("-250000", -250_000),
        ("4.5", None),
        ("null", None),
        ("NaN", None),
        ("1e400", None),
        ("1" * 60, None),
        ('"many"', None),
        ("true", None),
        ("[]", None),
    ],
)
async def test_a_figure_is_exact_or_it_is_unknown(
    sandbox: Sandbox, watch: BalanceWatch, told: str, micro: int | None
) -> None:
    sandbox.faults.add(balance(told))
    async with reading(watch) as readings:
        (read,) = await take(readings(), 1)
    assert read.micro == micro


async def test_an_answer_of_another_window_makes_the_cost_a_shared_one(sandbox: Sandbox, tmp_path: Path) -> None:
    """Two windows of one machine, an answer in each; only the store knows of both."""
    key, model = SecretStr(next(iter(sandbox.keys.values()))), clean_line("smart")
    path = tmp_path / "relai.db"
    async with (
        await Store.open(path) as here,
        await Store.open(path) as there,
        Client(sandbox.base_url, key) as first,
        Client(sandbox.base_url, key) as second,
    ):
        watch = BalanceWatch(lambda: first.balance(once=True), shelf=Shelf(here), settling=(0.0, 0.05))
        ours = ChatSession(first, here, await here.conversations.create(model=model), watch=watch, profile="work")
        theirs = ChatSession(second, there, await there.conversations.create(model=model), profile="work")
        async with reading(watch) as readings:
            await take(readings(), 1)
            mine, other = await ours.begin("echo: ours"), await theirs.begin("echo: " + "theirs " * 9)
            for reply in (mine, other):
                async for _ in reply.deltas():
                    pass
            async with aclosing(ours.settle(mine)) as settling:
                reads = asyncio.create_task(take(readings(), 2))
                priced = await anext(settling)
            await reads
    exact = 2 in sandbox.keys  # the server tells which is whose
    assert priced.figures.cost_basis is (CostBasis.EXACT if exact else CostBasis.SHARED)


async def test_a_refusals_balance_is_a_reading(sandbox: Sandbox, client: Client, tmp_path: Path) -> None:
    sandbox.account.set_credits(3)
    async with await Store.open(tmp_path / "relai.db") as store:
        conversation = await store.conversations.create(model=clean_line("smart"))
        session = ChatSession(client, store, conversation, profile="work")
        reply = await session.begin("hello")
        async for _ in reply.deltas():
            pass
        (kept,) = await store.ledger.readings("work")
        assert (kept.micro, kept.source) == (3, "402")
        assert await store.ledger.spent_turns("work", 0, float("inf")) == ()
