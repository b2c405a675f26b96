"""A watch that is left on: what it tells, when it ends, and that it does not grow."""

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from pathlib import Path

import pytest

from relai_tui.api.errors import KeyRefused
from relai_tui.balance.watch import Reading
from relai_tui.commands.balance import follow_readings
from relai_tui.commands.balance_words import as_json, for_waybar, plain
from relai_tui.commands.exit_codes import ExitCode
from relai_tui.sandbox.faults import error
from relai_tui.sandbox.server import Sandbox
from relai_tui.spending.desk import BalanceDesk
from relai_tui.spending.standing import Standing
from tests.key_stories import Hours, account_on

START = 1_790_000_000.0
MONTH = 30 * 86_400.0


@pytest.fixture
def clock() -> Hours:
    return Hours(START)


@pytest.fixture
async def desk(tmp_path: Path, clock: Hours) -> AsyncIterator[BalanceDesk]:
    async with Sandbox(edition=1) as sandbox:
        account = account_on(sandbox, tmp_path / "home", sandbox.keys[1])
        yield BalanceDesk(account, clock=clock)
        await account.close()


async def keep(desk: BalanceDesk, micro: int) -> None:
    store = await desk.account.store()
    await store.ledger.add_reading("default", "eu", micro, desk.clock(), "balance")


async def test_it_tells_each_reading_and_ends_below(desk: BalanceDesk, clock: Hours) -> None:
    async def readings() -> AsyncGenerator[Reading, None]:
        for micro in (3_000_000, 2_000_000, 1_999_999, 5):
            clock.now += 300
            await keep(desk, micro)
            yield Reading(micro, 0.0, 0.0)

    told: list[Standing] = []
    assert await follow_readings(desk, readings(), told.append, below=2_000_000) is ExitCode.BELOW
    assert [each.micro for each in told] == [3_000_000, 2_000_000, 1_999_999]


async def test_trouble_is_said_once_and_the_figure_grows_old(
    desk: BalanceDesk, clock: Hours, capsys: pytest.CaptureFixture[str]
) -> None:
    async def readings() -> AsyncGenerator[Reading, None]:
        await keep(desk, 3_000_000)
        yield Reading(3_000_000, 0.0, 0.0)
        for _ in range(3):
            clock.now += 240
            yield Reading(None, 0.0, 0.0, "the server is in trouble")

    told: list[Standing] = []
    assert await follow_readings(desk, readings(), told.append, below=None) is ExitCode.REFUSED
    assert [each.stale for each in told] == [False, False, False, True]
    assert [each.trouble is None for each in told] == [True, False, False, False]
    assert plain(told[-1]) == "$3.00 · ⚠ 12 min"
    assert capsys.readouterr().err.count("the server is in trouble") == 1


async def test_a_figure_that_grows_old_between_readings_is_told_as_old(desk: BalanceDesk, clock: Hours) -> None:
    for_ever = asyncio.Event()

    async def readings() -> AsyncGenerator[Reading, None]:
        await keep(desk, 3_000_000)
        yield Reading(3_000_000, 0.0, 0.0)
        await for_ever.wait()

    told: list[Standing] = []
    old = asyncio.Event()

    def tell(standing: Standing) -> None:
        told.append(standing)
        if standing.stale:
            old.set()

    watch = asyncio.ensure_future(follow_readings(desk, readings(), tell, below=None, tick=0.001))
    while not told:
        await asyncio.sleep(0)
    clock.now += 3_600
    await old.wait()
    watch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watch
    assert [each.stale for each in told] == [False, True], "it is told once"
    assert '"stale"' in for_waybar(told[-1])


async def test_a_refused_key_ends_it_with_its_own_error(desk: BalanceDesk, tmp_path: Path) -> None:
    async with Sandbox(edition=1) as sandbox:
        sandbox.faults.add(error(401, "invalid_api_key"), path="/balance")
        account = account_on(sandbox, tmp_path / "other", sandbox.keys[1])
        await account.connect()
        refused = BalanceDesk(account)
        with pytest.raises(KeyRefused):
            await follow_readings(refused, account.watch.readings(), lambda _: None, below=None)
        await account.close()


def readings_of_a_month(desk: BalanceDesk, clock: Hours, sizes: list[int]) -> AsyncGenerator[Reading, None]:
    """One each half hour; the size of memory after each twentieth of it."""

    async def made() -> AsyncGenerator[Reading, None]:
        steps = int(MONTH / 1_800)
        for step in range(steps):
            clock.now += 1_800
            if step % 40 == 0:
                await keep(desk, 40_000_000)
            if step % (steps // 20) == 0:
                gc.collect()
                sizes.append(tracemalloc.get_traced_memory()[0])
            yield Reading(40_000_000, 0.0, 0.0)

    return made()


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.usefixtures("traced")
@pytest.mark.timeout(120)
async def test_a_month_leaves_it_as_small_as_a_day(desk: BalanceDesk, clock: Hours) -> None:
    sizes: list[int] = []
    lines = 0

    def tell(standing: Standing) -> None:
        nonlocal lines
        lines += len(as_json(standing).splitlines())

    await follow_readings(desk, readings_of_a_month(desk, clock, sizes), tell, below=None)
    assert lines == 1_440
    assert max(sizes[10:]) - min(sizes[1:10]) < 100_000, sizes
