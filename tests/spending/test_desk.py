"""The desk over the real sandbox: what the server tells is kept; where it tells nothing, this machine's own counts."""

import time
from dataclasses import replace
from pathlib import Path
from sqlite3 import Row

import pytest
from pydantic import SecretStr

from relai_tui.account import NoCredential
from relai_tui.api.errors import ConnectionFailed, NotOffered, RateLimited, RefusedToSend, UnreadableAnswer
from relai_tui.sandbox.account import Account as SandboxAccount
from relai_tui.sandbox.faults import Fault, answer, balance, error, hang_up
from relai_tui.sandbox.models import BY_ID
from relai_tui.sandbox.seed import seed_demo
from relai_tui.sandbox.server import Sandbox
from relai_tui.settings import Profile
from relai_tui.settings.saving import save_profile
from relai_tui.spending.desk import BalanceDesk
from relai_tui.spending.values import Source, UsageFilter
from relai_tui.spending_records import By
from relai_tui.text import clean_line
from tests.key_stories import account_on

DAY = 86_400.0


def ignore(_known: int, _total: int | None) -> None:
    pass


def edition(sandbox: Sandbox) -> int:
    return next(iter(sandbox.keys))


def use(sandbox: Sandbox, count: int, *, model: str = "gpt-5-mini", days: float = 0.0) -> int:
    """Requests of the account; what they cost in micro-dollars."""
    account = sandbox.account
    key = account.keys[0]
    return sum(
        account.charge(
            BY_ID[model], 1_000 + number, 500, key=key, request_id=account.new_token(),
            at=account.clock() - days * DAY - 1 - number * 0.01,
        ).cost_micro
        for number in range(count)
    )  # fmt: skip


# -- the balance


async def test_a_reading_is_kept_and_shared(sandbox: Sandbox, desk: BalanceDesk) -> None:
    read = await desk.balance_now()
    assert read.credits_micro == 4_500_000
    assert desk.auto_recharge is (False if edition(sandbox) == 2 else None)
    (kept,) = await desk.history(0.0)
    assert (kept.micro, kept.region) == (4_500_000, "eu")
    assert await desk.read(max_age=60) == kept
    assert len(sandbox.requests.of("GET", "/balance")) == 1
    sandbox.account.top_up(1)
    assert (await desk.read()).micro == 4_500_001
    assert (await desk.standing()).micro == 4_500_001


async def test_a_reading_from_the_future_is_not_taken_for_a_fresh_one(sandbox: Sandbox, desk: BalanceDesk) -> None:
    store = await desk.account.store()
    await store.ledger.add_reading("default", "eu", 77, time.time() + 3_600, "balance")
    await desk.read(max_age=60)
    assert len(sandbox.requests.of("GET", "/balance")) == 1


async def test_what_is_no_figure_is_not_kept(sandbox: Sandbox, desk: BalanceDesk) -> None:
    sandbox.faults.add(balance("null"))
    with pytest.raises(UnreadableAnswer, match="no balance"):
        await desk.read()
    assert await desk.history(0.0) == ()
    told = await desk.standing("why")
    assert (told.micro, told.trouble, told.runway, told.per_hour_micro) == (None, "why", None, None)


async def test_auto_recharge_is_switched_where_there_is_one(sandbox: Sandbox, desk: BalanceDesk) -> None:
    if edition(sandbox) == 1:
        with pytest.raises(NotOffered):
            await desk.set_auto_recharge(True)
        assert sandbox.account.auto_recharge is False
        return
    assert await desk.set_auto_recharge(True) is True
    assert sandbox.account.auto_recharge is True
    assert desk.auto_recharge is True
    assert await desk.set_auto_recharge(False) is False


async def test_read_only_switches_nothing(sandbox: Sandbox, home: Path) -> None:
    account = account_on(sandbox, home, next(iter(sandbox.keys.values())), read_only=True)
    with pytest.raises(RefusedToSend):
        await BalanceDesk(account).set_auto_recharge(True)
    await account.close()
    assert len(sandbox.requests.of("PATCH", "/balance")) == 0


# -- what was spent


async def test_spending_is_the_accounts_where_it_is_told_and_says_so(sandbox: Sandbox, desk: BalanceDesk) -> None:
    micro = use(sandbox, 30) + use(sandbox, 12, model="claude-sonnet-4.6", days=2)
    new = await desk.sync_usage(ignore)
    spending = await desk.sums(By.MODEL, 0.0)
    if edition(sandbox) == 1:
        assert (new, desk.usage_offered) == (0, False)
        assert (spending.source, spending.sums) == (Source.TURNS, ())
        return
    assert (new, desk.usage_offered) == (42, True)
    assert (spending.source, spending.complete, spending.micro) == (Source.USAGE, True, micro)
    assert {part.id: part.count for part in spending.sums} == {"gpt-5-mini": 30, "claude-sonnet-4.6": 12}
    days = await desk.sums(By.DAY, 0.0)
    assert days.micro == micro
    assert [part.id for part in days.sums] == sorted(part.id for part in days.sums)
    assert (await desk.sums(By.CONVERSATION, 0.0)).source is Source.TURNS


async def test_what_is_not_read_yet_is_said_to_be_a_part(sandbox: Sandbox, desk: BalanceDesk) -> None:
    if edition(sandbox) == 1:
        pytest.skip("no usage there")
    use(sandbox, 5)
    await desk.sync_usage(ignore, since=time.time() - DAY)
    assert (await desk.sums(By.MODEL, time.time() - DAY / 2)).complete
    assert not (await desk.sums(By.MODEL, 0.0)).complete


async def test_requests_are_paged_and_filtered_from_what_is_known(sandbox: Sandbox, desk: BalanceDesk) -> None:
    if edition(sandbox) == 1:
        pytest.skip("no usage there")
    use(sandbox, 30)
    use(sandbox, 12, model="claude-sonnet-4.6", days=2)
    await desk.sync_usage(ignore)
    asked = len(sandbox.requests)
    page = await desk.usage_page(UsageFilter(), 10, 5)
    assert (len(page.records), page.total) == (5, 42)
    assert [record.at for record in page.records] == sorted((record.at for record in page.records), reverse=True)
    assert (await desk.usage_page(UsageFilter(model="claude-*"), 0, 50)).total == 12
    assert (await desk.usage_page(UsageFilter(since=time.time() - DAY), 0, 50)).total == 30
    assert (await desk.usage_page(UsageFilter(until=time.time() - DAY), 0, 50)).total == 12
    assert len(sandbox.requests) == asked, "nothing is asked for it"
    key = sandbox.account.keys[0].id
    assert (await desk.usage_page(UsageFilter(key=key), 0, 50)).total == 0
    await desk.sync_usage(ignore, key=key)
    by_key = await desk.usage_page(UsageFilter(key=key), 0, 50)
    assert by_key.total == 42
    assert {record.key_id for record in by_key.records} == {key}
    assert (await desk.usage_page(UsageFilter(), 0, 1)).total == 42, "none is there twice"


async def test_only_a_slice_is_read_however_much_there_is(
    sandbox: Sandbox, desk: BalanceDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    if edition(sandbox) == 1:
        pytest.skip("no usage there")
    use(sandbox, 400)
    await desk.sync_usage(ignore)
    store = await desk.account.store()
    real, rows = store.usage._db.read, []

    async def counted(sql: str, parameters: tuple[object, ...] = ()) -> list[Row]:
        found = await real(sql, parameters)
        rows.append(len(found))
        return found

    monkeypatch.setattr(store.usage._db, "read", counted)
    page = await desk.usage_page(UsageFilter(), 200, 20)
    assert (len(page.records), page.total, max(rows)) == (20, 400, 20)
    rows.clear()
    await desk.sums(By.MODEL, 0.0)
    assert sum(rows) <= 5, "sums are made where the rows are"
    rows.clear()
    await desk.sync_usage(ignore)
    assert sum(rows) < 20, "what is known is counted, not read"


async def test_by_key_adds_up_to_the_whole(sandbox: Sandbox, desk: BalanceDesk) -> None:
    if edition(sandbox) == 1:
        with pytest.raises(NotOffered):
            await desk.sums(By.KEY, 0.0)
        return
    account = sandbox.account
    listed = account.mint("Nightly", last_used_at=account.clock())
    gone = account.mint("Gone")
    for key, count in ((listed, 3), (gone, 2)):
        for _ in range(count):
            account.charge(BY_ID["gpt-5-mini"], 900, 90, key=key, request_id=account.new_token())
    account.keys.remove(gone)
    spending = await desk.sums(By.KEY, time.time() - DAY)
    assert {part.name: part.count for part in spending.sums} == {"Nightly": 3, "other keys": 2}
    assert spending.micro == sum(event.cost_micro for event in account.usage)


async def test_trouble_keeps_what_was_read(sandbox: Sandbox, desk: BalanceDesk) -> None:
    if edition(sandbox) == 1:
        pytest.skip("no usage there")
    use(sandbox, 5)
    await desk.sync_usage(ignore)
    use(sandbox, 3)
    sandbox.faults.add(hang_up())
    with pytest.raises(ConnectionFailed):
        await desk.sync_usage(ignore)
    assert (await desk.usage_page(UsageFilter(), 0, 1)).total == 5
    sandbox.faults.clear()
    sandbox.faults.add(answer(429, {"error": {"code": "rate_limit_exceeded"}}, retry_after=900), path="/usage")
    with pytest.raises(RateLimited):
        await desk.sync_usage(ignore)
    sandbox.faults.clear()
    sandbox.faults.add(error(404, "not_found"), path="/usage")
    assert await desk.sync_usage(ignore) == 0
    assert desk.usage_offered is False


# -- the ledger


async def test_the_ledger_is_the_servers_or_found(sandbox: Sandbox, desk: BalanceDesk) -> None:
    await desk.balance_now()
    sandbox.account.top_up(2_000_000, "card")
    await desk.balance_now()
    use(sandbox, 3)
    page = await desk.ledger_page(0, 2)
    if edition(sandbox) == 1:
        (rise,) = page.records
        assert (page.told, page.total, rise.found, rise.delta_micro) == (False, 1, True, 2_000_000)
        return
    assert (page.told, page.total, page.trouble) == (True, 5, None)
    assert len(page.records) == 2
    rest = await desk.ledger_page(2, 10)
    assert len({record.id for record in page.records + rest.records}) == 5
    assert sum(record.delta_micro or 0 for record in page.records + rest.records) == sandbox.account.credits_micro


async def test_offline_the_ledger_is_the_kept_one(sandbox: Sandbox, desk: BalanceDesk) -> None:
    sandbox.account.top_up(2_000_000)
    await desk.ledger_page(0, 10)
    sandbox.faults.add(hang_up())
    page = await desk.ledger_page(0, 10)
    assert page.trouble
    assert page.total == (2 if edition(sandbox) == 2 else 0)


async def test_a_year_of_the_demos_ledger_is_read_in_pages(home: Path) -> None:
    account = SandboxAccount(credits_micro=0, seed=1)
    async with Sandbox(edition=2, account=account) as sandbox:
        seed_demo(account)
        used = account_on(sandbox, home, sandbox.keys[2])
        desk = BalanceDesk(used)
        page = await desk.ledger_page(0, 50)
        assert page.total == len(account.ledger)
        await desk.sync_usage(ignore)
        rows = await desk.receipt(0.0)
        assert sum(row.cost_micro or 0 for row in rows) == sum(event.cost_micro for event in account.usage)
        assert sum(row.moved_micro or 0 for row in rows) == sum(
            row.delta_micro for row in account.ledger if row.delta_micro > 0
        )
        await used.close()


# -- side by side, and who else


async def test_profiles_side_by_side(sandbox: Sandbox, desk: BalanceDesk) -> None:
    await desk.balance_now()
    async with Sandbox(edition=2, account=SandboxAccount(region="us", credits_micro=9_000_000)) as american:
        name, server = clean_line("american"), clean_line(american.base_url)
        other = Profile(name, region=clean_line("us"), base_url=server, key_prefix=clean_line("relai_sk_us_live_"))
        save_profile(desk.account.settings.paths, other)
        await desk.account.keyring.save(name, SecretStr(american.keys[2]))
        ours, theirs = await desk.sides()
        assert (ours.in_use, ours.region, ours.last and ours.last.micro) == (True, "eu", 4_500_000)
        assert (theirs.profile, theirs.region, theirs.last, theirs.in_use) == ("american", "us", None, False)
        assert len(american.requests) == 0, "another profile is asked only when it is wanted"
        side = await desk.read_side("american")
        assert side.last is not None
        assert side.last.micro == 9_000_000
        assert next(iter(sandbox.keys.values())) not in str([one.headers for one in american.requests])
        save_profile(desk.account.settings.paths, replace(other, name=clean_line("empty"), key_prefix=None))
        with pytest.raises(NoCredential):
            await desk.read_side("empty")


@pytest.mark.parametrize("mask", ["…", "...", "***"])
async def test_our_own_key_is_no_stranger_however_it_is_shown(mask: str, sandbox: Sandbox, desk: BalanceDesk) -> None:
    await desk.balance_now()
    key = (await (await desk.account.connect()).keys())[0]
    sandbox.faults.add(Fault(set_fields={"keys.*.prefix": f"{key.prefix}{mask}"}), path="/keys", method="GET")
    assert await desk.last_used_key() is None


async def test_the_key_that_was_used_last_beside_ours(sandbox: Sandbox, desk: BalanceDesk) -> None:
    await desk.balance_now()
    assert await desk.last_used_key() is None
    account = sandbox.account
    account.mint("Old", edition=edition(sandbox), last_used_at=account.clock() - 5_000)
    account.mint("Nightly", edition=edition(sandbox), last_used_at=account.clock() - 50)
    account.mint("Never", edition=edition(sandbox))
    account.revoke(account.mint("Revoked", edition=edition(sandbox), last_used_at=account.clock()).id)
    found = await desk.last_used_key()
    assert found is not None
    assert found.name == "Nightly"
