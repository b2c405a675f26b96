"""When the balance is read, by whom of a machine's windows, and what becomes of the readings. No second passes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from relai_tui.api.errors import ConnectionFailed, Forbidden, KeyRefused, NotOffered, RateLimited, RelaiError
from relai_tui.api.models import Balance
from relai_tui.balance.watch import BalanceWatch, Reading
from relai_tui.conversation import CostBasis
from relai_tui.spending_records import KeptReading
from relai_tui.store.database import Store


class Time:
    """Both clocks; they go on when somebody waits for them."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.skew = 1_800_000_000.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now + self.skew


class Server:
    """Answers with what it is told to."""

    def __init__(self, time: Time) -> None:
        self._time = time
        self.micro: int | None = 5_000_000
        self.trouble: RelaiError | None = None
        self.asked: list[float] = []

    async def __call__(self) -> Balance:
        self.asked.append(self._time.now)
        if self.trouble is not None:
            raise self.trouble
        return Balance(credits_micro=self.micro)


class Shelf:
    """The readings of one profile in a store."""

    def __init__(self, store: Store) -> None:
        self._ledger = store.ledger

    async def keep(self, micro: int, as_of: float) -> None:
        await self._ledger.add_reading("work", "eu", micro, as_of, "balance")

    async def newest(self) -> KeptReading | None:
        return await self._ledger.last_reading("work")

    async def take_lease(self, holder: str, now: float, until: float) -> bool:
        return await self._ledger.take_poll_lease("work", holder, now, until)

    async def thin_out(self) -> None:
        await self._ledger.thin_out()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def server(time: Time) -> Server:
    return Server(time)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, time: Time) -> None:
    """Who waits waits on our clock."""

    async def wait_for(waiting: object, seconds: float) -> None:
        assert asyncio.iscoroutine(waiting)
        waiting.close()
        time.now += seconds
        await asyncio.sleep(0)
        raise TimeoutError

    monkeypatch.setattr("relai_tui.balance.watch.asyncio.wait_for", wait_for)
    monkeypatch.setattr("relai_tui.balance.watch.random.uniform", lambda low, high: 1.0)


@asynccontextmanager
async def reading(watch: BalanceWatch) -> AsyncIterator[Callable[[], AsyncIterator[Reading]]]:
    async with aclosing(watch.readings()) as readings:
        yield lambda: readings


async def take(readings: AsyncIterator[Reading], count: int) -> list[Reading]:
    return [await anext(readings) for _ in range(count)]


def made(server: Server, time: Time, **more: object) -> BalanceWatch:
    return BalanceWatch(server, clock=time.monotonic, wall=time.wall, **more)  # type: ignore[arg-type]  # of one dict


@pytest.mark.usefixtures("quick")
async def test_it_reads_at_once_then_every_five_minutes_and_every_minute_while_somebody_looks(
    server: Server, time: Time
) -> None:
    watch = made(server, time)
    async with reading(watch) as readings:
        await take(readings(), 3)
        assert server.asked == [1_000, 1_300, 1_600]
        watch.attentive = True
        await take(readings(), 2)
        assert server.asked[3:] == [1_660, 1_720]
        watch.attentive = False
        await take(readings(), 1)
        assert server.asked[5:] == [2_020]


@pytest.mark.usefixtures("quick")
async def test_an_answer_is_followed_by_two_readings_and_a_third_when_its_charge_comes_late(
    server: Server, time: Time
) -> None:
    watch = made(server, time)
    async with reading(watch) as readings:
        await take(readings(), 1)
        watch.began("a")
        time.now += 4
        watch.ended("a")
        costs: list[tuple[int | None, CostBasis]] = []

        async def price() -> None:
            async for cost in watch.cost("a"):
                costs.append(cost)  # noqa: PERF401 - what came is looked at while more comes

        pricing = asyncio.create_task(price())
        await take(readings(), 1)
        server.micro = 4_999_580
        await take(readings(), 1)
        await asyncio.sleep(0)
        await take(readings(), 1)
        await pricing
        assert [asked - 1_004 for asked in server.asked[1:]] == [1, 15, 30]
        assert costs == [(0, CostBasis.MEASURED), (420, CostBasis.MEASURED), (420, CostBasis.MEASURED)]


@pytest.mark.usefixtures("quick")
async def test_a_server_that_says_wait_is_left_alone_so_long_and_no_longer(server: Server, time: Time) -> None:
    watch = made(server, time)
    limited = RateLimited("Too many requests.", status=429)
    limited.retry_after = 42.0
    async with reading(watch) as readings:
        server.trouble = limited
        (told,) = await take(readings(), 1)
        assert (told.micro, told.offered) == (None, True)
        watch.ended("an answer")  # wants readings after 1 and 15 seconds
        server.trouble = None
        await take(readings(), 2)
        assert server.asked == [1_000, 1_042, 1_342]


@pytest.mark.usefixtures("quick")
async def test_a_server_that_always_says_in_a_second_is_not_asked_every_second(server: Server, time: Time) -> None:
    watch = made(server, time)
    limited = RateLimited("Too many requests.", status=429)
    limited.retry_after = 1.0
    server.trouble = limited
    async with reading(watch) as readings:
        await take(readings(), 4)
    assert server.asked == [1_000, 1_030, 1_090, 1_210]


@pytest.mark.usefixtures("quick")
async def test_trouble_is_backed_off_from_and_over_at_the_first_success(server: Server, time: Time) -> None:
    watch = made(server, time)
    async with reading(watch) as readings:
        server.trouble = ConnectionFailed("The server cannot be reached.")
        await take(readings(), 4)
        assert server.asked == [1_000, 1_600, 2_800, 4_600]
        assert watch.last is None
        server.trouble = None
        await take(readings(), 2)
        assert [asked - 4_600 for asked in server.asked[4:]] == [1_800, 2_100]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "refusal", [KeyRefused("Refused.", status=401), Forbidden("No.", status=403), NotOffered("None.", status=404)]
)
async def test_where_it_may_not_ask_it_asks_once(server: Server, time: Time, refusal: RelaiError) -> None:
    server.trouble = refusal
    watch = made(server, time)
    assert [told.offered async for told in watch.readings()] == [False]
    watch.read_soon()
    watch.ended("an answer")
    assert [told async for told in watch.readings()] == []
    assert len(server.asked) == 1


@pytest.mark.usefixtures("quick")
async def test_an_answer_without_a_figure_is_not_nothing(server: Server, time: Time) -> None:
    server.micro = None
    watch = made(server, time)
    async with reading(watch) as readings:
        (told,) = await take(readings(), 1)
        assert (told.micro, told.offered, told.trouble) == (None, True, "the server's answer holds no balance")
        assert watch.last is None


@pytest.mark.usefixtures("quick")
async def test_the_chat_goes_first_in_the_keys_rate(server: Server, time: Time) -> None:
    free = True
    watch = made(server, time, may_poll=lambda: free)
    async with reading(watch) as readings:
        await take(readings(), 1)
        free = False
        waiting = asyncio.create_task(take(readings(), 1))
        while time.now < 1_300 + 90:
            await asyncio.sleep(0)
        assert len(server.asked) == 1
        free = True
        await waiting
        assert len(server.asked) == 2


@pytest.mark.usefixtures("quick")
async def test_of_two_windows_one_reads_and_both_know(server: Server, time: Time, tmp_path: Path) -> None:
    path = tmp_path / "relai.db"
    async with await Store.open(path, clock=time.wall) as here, await Store.open(path, clock=time.wall) as there:
        first, second = made(server, time, shelf=Shelf(here)), made(server, time, shelf=Shelf(there))
        async with reading(first) as ours, reading(second) as theirs:
            await take(ours(), 1)
            await take(theirs(), 1)
            assert len(server.asked) == 2  # each looks once when it opens
            server.micro = 4_000_000
            (mine,) = await take(ours(), 1)
            assert len(server.asked) == 3
            (shared,) = await take(theirs(), 1)
            assert (mine.micro, shared.micro) == (4_000_000, 4_000_000)
            assert len(server.asked) == 3  # the other one took what was kept
            assert shared.as_of == pytest.approx(mine.as_of)
        kept = await here.ledger.readings("work")
        assert [each.micro for each in kept] == [5_000_000, 4_000_000]


@pytest.mark.usefixtures("quick")
async def test_who_looks_at_the_balance_reads_when_the_window_that_reads_for_all_is_slower(
    server: Server, time: Time, tmp_path: Path
) -> None:
    path = tmp_path / "relai.db"
    async with await Store.open(path, clock=time.wall) as here, await Store.open(path, clock=time.wall) as there:
        slow, looking = made(server, time, shelf=Shelf(here)), made(server, time, shelf=Shelf(there))
        looking.attentive = True
        async with reading(slow) as ours, reading(looking) as theirs:
            await take(ours(), 1)
            await take(theirs(), 4)
        assert time.now == 1_180
        assert server.asked == [1_000, 1_000, 1_060, 1_120, 1_180]


@pytest.mark.usefixtures("quick")
async def test_a_clock_that_is_set_back_leaves_no_wrong_balance_standing(
    server: Server, time: Time, tmp_path: Path
) -> None:
    async with await Store.open(tmp_path / "relai.db", clock=time.wall) as store:
        watch = made(server, time, shelf=Shelf(store))
        async with reading(watch) as readings:
            await take(readings(), 1)
            time.skew -= 86_400
            server.micro = 1_000_000
            await take(readings(), 1)
        last = await store.ledger.last_reading("work")
        assert last is not None
        assert last.micro == 1_000_000


@pytest.mark.usefixtures("quick")
async def test_a_charge_that_comes_late_is_not_put_on_the_next_answer(server: Server, time: Time) -> None:
    watch = made(server, time)
    costs: dict[str, list[tuple[int | None, CostBasis]]] = {"a": [], "b": []}

    async def price(name: str) -> None:
        async for cost in watch.cost(name):
            costs[name].append(cost)

    async with reading(watch) as readings:
        await take(readings(), 1)
        watch.began("a")
        time.now += 4
        watch.ended("a")
        pricing = [asyncio.create_task(price("a"))]
        await take(readings(), 1)  # its charge has not come
        watch.began("b")
        server.micro = 5_000_000 - 700 - 300
        time.now += 2
        watch.ended("b")
        pricing.append(asyncio.create_task(price("b")))
        await take(readings(), 5)
        for task in pricing:
            task.cancel()
    assert costs["b"]
    assert {basis for _, basis in costs["b"]} == {CostBasis.SHARED}


@pytest.mark.usefixtures("quick")
async def test_it_can_be_iterated_again(server: Server, time: Time) -> None:
    watch = made(server, time)
    for _ in range(2):
        async with reading(watch) as readings:
            await take(readings(), 1)
    assert server.asked == [1_000, 1_300]


@pytest.mark.usefixtures("quick")
async def test_a_month_of_watching_grows_in_nothing_but_the_store(server: Server, time: Time) -> None:
    watch = made(server, time)
    async with reading(watch) as readings:
        for number in range(11_000):
            server.micro = 5_000_000_000 - 1_000 * number
            await take(readings(), 1)
            if number % 10 == 0:
                watch.began(str(number))
                watch.ended(str(number))
        assert time.now - 1_000 > 30 * 86_400
        assert len(watch._history) <= 64
        assert len(watch._spans) <= 64
        assert len(watch._wanted) <= 4
