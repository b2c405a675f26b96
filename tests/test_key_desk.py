"""Creating and revoking keys on the real sandbox, with answers lost, refused, empty and late."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from relai_tui.account import NoCredential
from relai_tui.api.errors import (
    BadRequest,
    Forbidden,
    KeyRefused,
    NotOffered,
    RateLimited,
    RefusedToSend,
    RelaiError,
    ServerRefused,
)
from relai_tui.credentials.errors import KeyringError
from relai_tui.key_records import KeyAction
from relai_tui.keys.desk import KeyDesk
from relai_tui.keys.guards import NotAllowed
from relai_tui.keys.listing import Held
from relai_tui.sandbox.faults import Fault, answer, delay, error, html, lost_answer, no_secret
from relai_tui.sandbox.server import Sandbox
from tests.key_stories import Hours, MemoryKeyring, account_on, keyring_in_memory, posts, row_named, sign_in


@pytest.fixture(params=[1, 2], ids=["edition 1", "edition 2"])
async def sandbox(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    async with Sandbox(edition=request.param) as running:
        yield running


@pytest.fixture(autouse=True)
def memory() -> Iterator[MemoryKeyring]:
    with keyring_in_memory() as backend:
        yield backend


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def key_of(sandbox: Sandbox) -> str:
    return next(iter(sandbox.keys.values()))


@pytest.fixture
async def desk(sandbox: Sandbox, home: Path) -> AsyncIterator[KeyDesk]:
    account = account_on(sandbox, home, key_of(sandbox))
    yield KeyDesk(account)
    await account.close()


def on_disk(home: Path) -> bytes:
    return b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())


async def test_a_key_is_created_once_and_its_secret_works(sandbox: Sandbox, desk: KeyDesk, home: Path) -> None:
    creation = await desk.create(" Nightly ", 300)
    assert creation.secret is not None
    assert creation.key is not None
    assert (creation.key.name, creation.key.rpm_limit) == ("Nightly", 300)
    assert posts(sandbox) == 1
    assert not await desk.is_refused(creation.secret)
    assert creation.secret.get_secret_value() not in repr(creation)
    assert [(e.action, e.result, e.key_id) for e in await desk.events()] == [
        (KeyAction.CREATE, "done", creation.key.id),
        (KeyAction.CREATE, "asked", None),
    ]
    await desk.account.close()
    assert creation.secret.get_secret_value().encode() not in on_disk(home)


async def test_the_key_of_this_session_is_known(desk: KeyDesk) -> None:
    listing = await desk.refresh()
    assert [row.session for row in listing.rows] == [Held.YES]


async def test_a_prefix_that_two_keys_share_is_no_identity(sandbox: Sandbox, desk: KeyDesk) -> None:
    twin = sandbox.account.mint("Twin", edition=next(iter(sandbox.keys)))
    twin.secret = key_of(sandbox)[:-3] + "abc"
    assert [row.session for row in (await desk.refresh()).rows] == [Held.YES, Held.NO]
    twin.last_used_at = sandbox.account.clock() - 3_600
    listing = await desk.refresh()
    assert {row.session for row in listing.rows} == {Held.PROBABLY}
    with pytest.raises(NotAllowed):
        await desk.revoke(next(row for row in listing.rows if row.id == twin.id))


LOSSES = [lost_answer("close"), lost_answer("error"), Fault(lose_answer="close", reset=True)]


@pytest.mark.parametrize("fault", LOSSES, ids=["closed", "500", "reset"])
async def test_an_answer_that_is_lost_is_looked_for_and_never_asked_for_again(
    sandbox: Sandbox, desk: KeyDesk, fault: Fault
) -> None:
    sandbox.account.mint("Nightly", edition=next(iter(sandbox.keys)))
    sandbox.faults.add(fault, method="POST", path="/keys", times=1)
    creation = await desk.create("Nightly", 60)
    assert creation.secret is None
    assert creation.trouble is not None
    assert [key.name for key in creation.suspects] == ["Nightly"]
    assert creation.key is not None
    assert creation.key.id == sandbox.account.keys[-1].id
    assert posts(sandbox) == 1
    assert (await desk.events())[0].result == "created, but the answer was lost"


async def test_an_error_before_the_work_is_looked_into_as_well(sandbox: Sandbox, desk: KeyDesk) -> None:
    sandbox.faults.add(html(502), method="POST", path="/keys", times=1)
    creation = await desk.create("Nightly", 60)
    assert (creation.suspects, creation.compared) == ((), True)
    assert posts(sandbox) == 1


async def test_when_the_list_cannot_be_read_either_nothing_is_claimed(sandbox: Sandbox, desk: KeyDesk) -> None:
    await desk.account.connect()
    reading = asyncio.create_task(desk.create("Nightly", 60))
    sandbox.faults.add(lost_answer(), method="POST", path="/keys", times=1)
    while not posts(sandbox):
        await asyncio.sleep(0)
    sandbox.faults.add(error(403, "forbidden"), method="GET", path="/keys")
    creation = await reading
    assert not creation.compared
    assert creation.key is None
    assert posts(sandbox) == 1


async def test_an_answer_without_a_secret_says_so_and_names_the_key(sandbox: Sandbox, desk: KeyDesk) -> None:
    sandbox.faults.add(no_secret(), times=1)
    creation = await desk.create("Nightly", 60)
    assert creation.secret is None
    assert creation.trouble is None
    assert creation.key is not None
    assert creation.key.id == sandbox.account.keys[-1].id


@pytest.mark.parametrize("field", ["secret", "api_key", "token", "value"])
async def test_the_secret_is_found_whatever_it_is_called(sandbox: Sandbox, desk: KeyDesk, field: str) -> None:
    minted = f"rk-eu-{'A1b2' * 10}"
    told = {"data": {"id": "key_new", "name": "Nightly", field: minted, "extra": [1, {"x": None}]}}
    sandbox.faults.add(answer(200, told), method="POST", path="/keys", times=1)
    creation = await desk.create("Nightly", 60)
    assert creation.secret == SecretStr(minted)
    assert creation.key is not None
    assert creation.key.id == "key_new"


async def test_an_empty_answer_is_compared_with_the_list(sandbox: Sandbox, desk: KeyDesk) -> None:
    sandbox.faults.add(Fault(drop_fields=("id", "key", "name", "prefix")), method="POST", path="/keys", times=1)
    creation = await desk.create("Nightly", 60)
    assert creation.secret is None
    assert creation.key is not None
    assert creation.key.name == "Nightly"


REFUSALS = [
    (400, "bad_request", BadRequest),
    (401, "invalid_api_key", KeyRefused),
    (403, "forbidden", Forbidden),
    (404, "not_found", NotOffered),
    (409, "conflict", ServerRefused),
    (422, "unprocessable", ServerRefused),
    (429, "rate_limit_exceeded", RateLimited),
]


@pytest.mark.parametrize(("status", "code", "kind"), REFUSALS)
async def test_a_refusal_is_told_and_creates_nothing(
    sandbox: Sandbox, desk: KeyDesk, status: int, code: str, kind: type[ServerRefused]
) -> None:
    sandbox.faults.add(error(status, code, retry_after=7), method="POST", path="/keys", times=1)
    before = len(sandbox.account.keys)
    with pytest.raises(kind) as refused:
        await desk.create("Nightly", 60)
    assert refused.value.retry_after == 7
    assert (posts(sandbox), len(sandbox.account.keys)) == (1, before)
    assert (await desk.events())[0].result.startswith("failed")


async def test_a_caller_that_is_cancelled_does_not_cancel_the_creation(sandbox: Sandbox, desk: KeyDesk) -> None:
    await desk.account.connect()
    sandbox.faults.add(delay(0.2), method="POST", path="/keys", times=1)
    asked = asyncio.create_task(desk.create("Nightly", 60))
    while not posts(sandbox):
        await asyncio.sleep(0.005)
    asked.cancel()
    while desk.busy:
        await asyncio.sleep(0.005)
    assert posts(sandbox) == 1
    assert (await desk.events())[0].result == "done"


async def test_two_creations_at_once_go_one_after_the_other(sandbox: Sandbox, desk: KeyDesk) -> None:
    one, two = await asyncio.gather(desk.create("One", 60), desk.create("Two", 60))
    assert one.key
    assert two.key
    assert one.key.id != two.key.id
    assert posts(sandbox) == 2


async def test_a_new_key_is_kept_as_a_profile_and_never_over_another(
    desk: KeyDesk, memory: MemoryKeyring, home: Path, sandbox: Sandbox
) -> None:
    creation = await desk.create("Nightly", 60)
    assert creation.secret
    await desk.store_secret(creation.secret, creation.key, "nightly")
    assert memory.of("nightly") == creation.secret.get_secret_value()
    row = await row_named(desk, "Nightly")
    assert row.profiles == ("nightly",)
    with pytest.raises(NotAllowed, match="another name"):
        await desk.store_secret(creation.secret, creation.key, "nightly")
    memory.fails = True
    with pytest.raises(KeyringError):
        await desk.store_secret(creation.secret, creation.key, "other")
    assert "other" not in (home / "config" / "config.toml").read_text()


async def test_a_new_key_may_be_used_at_once(desk: KeyDesk, sandbox: Sandbox) -> None:
    creation = await desk.create("Nightly", 60)
    assert creation.secret
    await desk.use_now(creation.secret, creation.key)
    row = await row_named(desk, "Nightly")
    assert row.session is Held.YES


async def test_revoking_a_key_that_lies_unused_needs_no_typing(sandbox: Sandbox, desk: KeyDesk) -> None:
    minted = sandbox.account.mint("Old", edition=next(iter(sandbox.keys)))
    revocation = await desk.revoke(await row_named(desk, "Old"))
    assert (revocation.was_gone, revocation.ended_session) == (False, False)
    assert minted.revoked_at is not None
    assert (await desk.events(minted.id))[0].result == "done"


async def test_a_key_that_is_gone_already_counts_as_revoked(sandbox: Sandbox, desk: KeyDesk) -> None:
    sandbox.account.mint("Old", edition=next(iter(sandbox.keys)))
    row = await row_named(desk, "Old")
    sandbox.account.revoke(row.id)
    assert (await desk.revoke(row)).was_gone


@pytest.mark.parametrize("fault", LOSSES, ids=["closed", "500", "reset"])
async def test_a_lost_answer_to_a_revocation_is_looked_for_in_the_list(
    sandbox: Sandbox, desk: KeyDesk, fault: Fault
) -> None:
    sandbox.account.mint("Old", edition=next(iter(sandbox.keys)))
    row = await row_named(desk, "Old")
    sandbox.faults.add(fault, method="DELETE", times=1)
    assert not (await desk.revoke(row)).was_gone
    assert len([each for each in sandbox.requests if each.method == "DELETE"]) == 1


async def test_a_revocation_that_did_not_happen_is_an_error(sandbox: Sandbox, desk: KeyDesk) -> None:
    minted = sandbox.account.mint("Old", edition=next(iter(sandbox.keys)))
    row = await row_named(desk, "Old")
    sandbox.faults.add(html(502), method="DELETE", times=1)
    with pytest.raises(RelaiError):
        await desk.revoke(row)
    assert minted.revoked_at is None


async def test_revoking_the_key_in_use_ends_the_session_and_never_loops(
    sandbox: Sandbox, home: Path, memory: MemoryKeyring
) -> None:
    await sign_in(sandbox, home, key_of(sandbox))
    account = account_on(sandbox, home, signed_in=True)
    desk = KeyDesk(account)
    (row,) = (await desk.refresh()).rows
    assert (row.session, row.profiles) == (Held.YES, ("default",))
    with pytest.raises(NotAllowed):
        await desk.revoke(row)
    revocation = await desk.revoke(row, row.key.name)
    assert revocation.ended_session
    assert revocation.secret is not None
    asked = len(sandbox.requests)
    assert await desk.wait_until_refused(revocation.secret, lambda _: None)
    for _ in range(3):
        with pytest.raises(NoCredential):
            await desk.refresh()
    assert len(sandbox.requests) <= asked + 4
    assert memory.of("default") is None
    await account.close()


async def test_a_revoked_key_from_the_environment_is_not_taken_up_again(sandbox: Sandbox, desk: KeyDesk) -> None:
    (row,) = (await desk.refresh()).rows
    await desk.revoke(row, row.id)
    with pytest.raises(NoCredential, match="was revoked here"):
        await desk.refresh()


async def test_a_revoked_key_is_tried_until_the_server_refuses_it(sandbox: Sandbox, home: Path) -> None:
    hours = Hours(sandbox.account.clock())
    sandbox.account.clock = hours
    account = account_on(sandbox, home, key_of(sandbox))
    desk = KeyDesk(account, clock=hours, sleep=hours.sleep)
    creation = await desk.create("Old", 60)
    assert creation.secret
    sandbox.faults.revocation_lag = 20
    await desk.revoke(await row_named(desk, "Old"))
    tries: list[int] = []
    assert await desk.wait_until_refused(creation.secret, tries.append)
    assert len(tries) > 2
    sandbox.faults.revocation_lag = 10_000
    assert not await desk.wait_until_refused(creation.secret, tries.append)
    await account.close()


async def test_read_only_refuses_before_anything_is_sent(sandbox: Sandbox, home: Path) -> None:
    account = account_on(sandbox, home, key_of(sandbox), read_only=True)
    desk = KeyDesk(account)
    (row,) = (await desk.refresh()).rows
    with pytest.raises(NotAllowed, match="read-only"):
        await desk.create("Nightly", 60)
    with pytest.raises(NotAllowed, match="read-only"):
        await desk.revoke(row, row.id)
    client = await account.connect()
    with pytest.raises(RefusedToSend, match="read-only"):
        await client.create_key("Nightly", 60)
    with pytest.raises(RefusedToSend, match="read-only"):
        await client.revoke_key(row.id)
    with pytest.raises(RefusedToSend, match="read-only"):
        await client.set_auto_recharge(True)
    assert {each.method for each in sandbox.requests} == {"GET"}
    await account.close()


async def test_a_server_without_keys_says_so(sandbox: Sandbox, desk: KeyDesk) -> None:
    sandbox.faults.add(error(404, "not_found"), method="GET", path="/keys")
    with pytest.raises(NotOffered):
        await desk.refresh()


async def test_odd_lists_are_read_for_what_they_hold(sandbox: Sandbox, desk: KeyDesk) -> None:
    hostile = "[/] \x1b]52;c;aGk=\x07 \u202e" + "x" * 10_000
    listed = [{"id": "a", "name": hostile, "more": {}}, {"name": "no id"}, {"id": "b"}, "junk", {"id": 7, "name": None}]
    sandbox.faults.add(answer(200, json.dumps({"keys": listed})), method="GET", path="/keys")
    rows = (await desk.refresh()).rows
    assert [row.id for row in rows] == ["a", "b", "7"]
    assert "\x1b" not in rows[0].key.name
    assert len(rows[0].key.name) <= 300
