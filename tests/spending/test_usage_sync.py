"""Reading the server's requests page by page: whole, once, from either end, around holes, and from servers that lie."""

import bisect
import random
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relai_tui.api.errors import ConnectionFailed
from relai_tui.api.models import UsageEvent, UsagePage
from relai_tui.balance.governor import RateGovernor
from relai_tui.balance.told import usage_record
from relai_tui.spending.usage_sync import UsageSync
from relai_tui.spending_records import UsageRecord
from tests.key_stories import Hours

NOW = 1_790_000_000.0


def event(number: int, at: float) -> UsageEvent:
    when = datetime.fromtimestamp(at, UTC).isoformat()
    return UsageEvent.model_validate({"request_id": f"req_{number}", "timestamp": when, "cost_micro": number})


class Server:
    """`GET /usage` as it might be: newest first or oldest first, with or without counts, with second-long clocks."""

    def __init__(self, times: Sequence[float], *, oldest_first: bool = False, counts: bool = True) -> None:
        ordered = sorted(times)
        self.events = [event(number, at) for number, at in enumerate(ordered)]
        self.times = ordered
        self.oldest_first, self.counts = oldest_first, counts
        self.asked = self.pages = 0
        self.fails_after: int | None = None

    async def usage(
        self,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        key: str | None = None,
        limit: int | None = None,
    ) -> UsagePage:
        if self.fails_after is not None and self.asked >= self.fails_after:
            raise ConnectionFailed("gone")
        self.asked += 1
        self.pages += limit != 1
        assert start is not None
        assert end is not None
        low = bisect.bisect_left(self.times, start.timestamp())
        high = bisect.bisect_right(self.times, end.timestamp())
        found = self.events[low:high]
        shown = found[: limit or 100] if self.oldest_first else found[::-1][: limit or 100]
        return UsagePage(total_requests=len(found) if self.counts else None, events=tuple(shown))


class Shelf:
    def __init__(self) -> None:
        self.kept: dict[str, UsageRecord] = {}
        self.most = 0

    async def add(self, records: Sequence[UsageRecord]) -> None:
        self.most = max(self.most, len(records))
        self.kept |= {record.request_id: record for record in records}

    async def count(self, since: float, until: float) -> int:
        return sum(since <= record.at <= until for record in self.kept.values())


def spread(count: int, seed: int = 1) -> list[float]:
    chance = random.Random(seed)
    return [round(NOW - chance.random() * 90 * 86_400, 3) for _ in range(count)]


def ignore(_known: int, _total: int | None) -> None:
    pass


@pytest.mark.parametrize("oldest_first", [False, True])
@pytest.mark.parametrize("counts", [False, True])
async def test_all_is_read_once_and_the_next_time_only_the_newest_page(oldest_first: bool, counts: bool) -> None:
    server, shelf = Server(spread(950), oldest_first=oldest_first, counts=counts), Shelf()
    told: list[tuple[int, int | None]] = []
    synced = await UsageSync(server, shelf, lambda known, total: told.append((known, total)), page=100).run(0, NOW)
    assert (synced.new, synced.complete) == (950, True)
    assert len(shelf.kept) == 950
    assert server.pages <= 12
    assert told[-1][0] == 950
    if counts:
        assert {total for _, total in told} == {950}
    server.pages = 0
    again = await UsageSync(server, shelf, ignore, page=100).run(0, NOW)
    assert (again.new, again.complete) == (0, True)
    assert server.pages <= (1 if counts or not oldest_first else 12)


async def test_what_was_broken_off_goes_on_and_is_not_read_again() -> None:
    server, shelf = Server(spread(2_000)), Shelf()
    server.fails_after = 10
    with pytest.raises(ConnectionFailed):
        await UsageSync(server, shelf, ignore, page=100).run(0, NOW)
    kept = len(shelf.kept)
    assert 900 < kept < 1_100
    server.fails_after, server.pages = None, 0
    synced = await UsageSync(server, shelf, ignore, page=100).run(0, NOW)
    assert synced.complete
    assert len(shelf.kept) == 2_000
    assert server.pages <= 14, "the half that is known is not read again"


async def test_new_requests_on_top_of_a_hole_below() -> None:
    times = sorted(spread(1_000))
    server, shelf = Server(times), Shelf()
    await UsageSync(server, shelf, ignore, page=100).run(0, NOW)
    for gone in range(300, 340):
        del shelf.kept[f"req_{gone}"]
    synced = await UsageSync(server, shelf, ignore, page=100).run(0, NOW)
    assert (synced.new, synced.complete) == (40, True)


async def test_more_at_one_moment_than_a_page_holds_ends_and_says_so() -> None:
    server, shelf = Server([NOW - 50.0] * 250 + [NOW - 90_000.0, NOW - 10.0]), Shelf()
    synced = await UsageSync(server, shelf, ignore, page=100).run(0, NOW)
    assert not synced.complete
    assert "req_0" in shelf.kept
    assert server.asked < 200


async def test_an_entry_without_a_time_or_an_id_disturbs_nothing() -> None:
    server, shelf = Server(spread(30)), Shelf()
    server.events[3] = UsageEvent.model_validate({"request_id": "timeless"})
    server.events[4] = server.events[4].model_copy(update={"request_id": None})
    synced = await UsageSync(server, shelf, ignore, page=100).run(0, NOW)
    assert (synced.new, synced.refused, synced.complete) == (29, 1, True)
    again = await UsageSync(server, shelf, ignore, page=100).run(0, NOW)
    assert again.new == 0
    assert len(shelf.kept) == 29


async def test_a_server_that_counts_what_it_never_shows_is_not_asked_for_ever() -> None:
    server, shelf = Server(spread(300)), Shelf()
    real = server.usage

    async def boasting(**wanted: object) -> UsagePage:
        told = await real(**wanted)  # type: ignore[arg-type]
        return told.model_copy(update={"total_requests": (told.total_requests or 0) + 7})

    server.usage = boasting  # type: ignore[method-assign]
    synced = await UsageSync(server, shelf, ignore, page=100).run(0, NOW)
    assert (synced.new, synced.complete) == (300, False)
    assert server.asked < 50


async def test_the_disk_is_given_slices() -> None:
    server, shelf = Server(spread(3_000)), Shelf()
    await UsageSync(server, shelf, ignore).run(0, NOW)
    assert len(shelf.kept) == 3_000
    assert shelf.most <= 250


async def test_it_waits_as_it_is_told_and_asks_no_page_before() -> None:
    server, shelf, hours = Server(spread(2_500)), Shelf(), Hours(0.0)
    governor, most = RateGovernor(10, clock=hours), 0

    def pause() -> float:
        nonlocal most
        most = max(most, governor.used())
        if not governor.may_poll():
            return max(1.0, governor.wait())
        governor.sent()
        return 0.0

    synced = await UsageSync(server, shelf, ignore, page=100, pause=pause, sleep=hours.sleep).run(0, NOW)
    assert synced.complete
    assert most == 9
    assert hours.now >= 2 * 60


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 5_000), max_size=120), st.integers(2, 40), st.booleans(),
    st.lists(st.integers(0, 119), max_size=60),
)  # fmt: skip
async def test_whatever_is_known_before_all_is_known_after(
    seconds: list[int], page: int, oldest_first: bool, known: list[int]
) -> None:
    server, shelf = Server([NOW - 9_000.0 + at * 1.7 for at in set(seconds)], oldest_first=oldest_first), Shelf()
    picked = [server.events[number] for number in known if number < len(server.events)]
    await shelf.add([record for each in picked if (record := usage_record(each))])
    synced = await UsageSync(server, shelf, ignore, page=page).run(0, NOW)
    assert len(shelf.kept) == len(server.events)
    assert synced.complete
