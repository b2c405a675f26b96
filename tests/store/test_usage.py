"""What the server charged and booked, kept as it was told."""

from relai_tui.spending_records import By, LedgerRecord, UsageRecord
from relai_tui.store.database import Store
from relai_tui.text import clean_line


def request(
    number: int, at: float, model: str = "sonnet", cost: int | None = 100, key: str | None = None
) -> UsageRecord:
    return UsageRecord(
        request_id=clean_line(f"req_{number:03}"),
        at=at,
        model=clean_line(model),
        tokens_in=10,
        tokens_out=number,
        cost_micro=cost,
        latency_ms=400,
        status=clean_line("200"),
        key_id=clean_line(key) if key else None,
    )


async def test_requests_come_back_by_page_and_filter_the_newest_first(store: Store) -> None:
    await store.usage.add("work", [request(n, 1_000.0 + n, "sonnet" if n % 2 else "haiku-3") for n in range(50)])
    await store.usage.add("home", [request(99, 1_000.0)])

    async def numbers(**wished: object) -> tuple[list[int | None], int]:
        chosen: dict[str, object] = {"since": None, "until": None, "model": None, "key": None, "offset": 0, "limit": 3}
        records, total = await store.usage.page("work", **(chosen | wished))  # type: ignore[arg-type]  # of one dict
        return [record.tokens_out for record in records], total

    assert await numbers() == ([49, 48, 47], 50)
    assert await numbers(offset=48) == ([1, 0], 50)
    assert await numbers(since=1_010.0, until=1_012.0) == ([11, 10], 2)
    assert await numbers(model="haiku*", limit=2) == ([48, 46], 25)
    assert await numbers(model="haiku[3]") == ([], 0)
    assert await numbers(key="key_1") == ([], 0)
    assert await store.usage.count("work", 1_010.0, 1_012.0) == 3


async def test_a_request_told_twice_is_kept_once_and_learns_its_key(store: Store) -> None:
    await store.usage.add("work", [request(1, 5.0, cost=None), request(2, 6.0)])
    await store.usage.add("work", [request(1, 5.0, key="key_1")])
    await store.usage.add("work", [request(1, 5.0)])
    records, total = await store.usage.page("work", since=None, until=None, model=None, key="key_1", offset=0, limit=10)
    assert total == 1
    assert (records[0].key_id, records[0].cost_micro) == ("key_1", 100)
    assert await store.usage.count("work", 0, 10) == 2
    assert await store.usage.count("work", 0, 10, key="key_1") == 1


async def test_what_has_no_cost_is_counted_and_never_summed(store: Store) -> None:
    await store.usage.add("work", [request(1, 5.0), request(2, 6.0, cost=None), request(3, 7.0, "haiku", cost=0)])
    sums = {part.id: part for part in await store.usage.sums(By.MODEL, "work", 0, 10)}
    assert (sums["sonnet"].micro, sums["sonnet"].count, sums["sonnet"].unknown) == (100, 2, 1)
    assert (sums["haiku"].micro, sums["haiku"].unknown, sums["haiku"].tokens_out) == (0, 0, 3)
    (day,) = await store.usage.sums(By.DAY, "work", 0, 10)
    assert (day.micro, day.count, day.unknown, day.tokens_in) == (100, 3, 1, 30)


async def test_movements_are_kept_by_their_ids(store: Store) -> None:
    def movement(name: str, at: float, delta: int | None) -> LedgerRecord:
        return LedgerRecord(clean_line(name), at, delta, clean_line("top_up"), None)

    await store.usage.add_ledger("work", [movement("a", 1.0, 5), movement("b", 2.0, -3), movement("c", 3.0, None)])
    await store.usage.add_ledger("work", [movement("b", 2.0, -4)])
    records, total = await store.usage.ledger_page("work", 0, 2)
    assert ([(record.id, record.delta_micro) for record in records], total) == ([("c", None), ("b", -4)], 3)
    assert await store.usage.ledger_page("home", 0, 2) == ((), 0)
