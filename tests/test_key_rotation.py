"""Rotating a key: never a moment without one that works, wherever it is left."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from relai_tui.api.errors import KeyRefused, RelaiError
from relai_tui.credentials.errors import KeyringError
from relai_tui.key_records import RotationStep
from relai_tui.keys.desk import KeyDesk
from relai_tui.keys.guards import NotAllowed
from relai_tui.keys.listing import Held
from relai_tui.keys.rotation import QUIET, Rotation, left_behind
from relai_tui.sandbox.faults import Fault, error, lost_answer
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


class Machine:
    """A user signed in on a machine, whose program can be started again."""

    def __init__(self, sandbox: Sandbox, home: Path) -> None:
        self.sandbox, self.home = sandbox, home
        self.hours = Hours(sandbox.account.clock())
        sandbox.account.clock = self.hours
        self.desk: KeyDesk

    async def start(self) -> KeyDesk:
        account = account_on(self.sandbox, self.home, signed_in=True)
        self.desk = KeyDesk(account, clock=self.hours, sleep=self.hours.sleep)
        await self.desk.refresh()
        return self.desk

    async def crash(self) -> KeyDesk:
        """Nothing but the disk and the keyring is left."""
        await self.desk.account.close()
        return await self.start()

    async def ours(self, desk: KeyDesk) -> Rotation:
        (row,) = [row for row in (await desk.refresh()).rows if row.session is Held.YES]
        return Rotation.plan(desk, row)


@pytest.fixture
async def machine(sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Machine]:
    running = Machine(sandbox, tmp_path / "home")
    await sign_in(sandbox, running.home, next(iter(sandbox.keys.values())))
    await running.start()
    yield running
    await running.desk.account.close()


async def test_a_whole_rotation(machine: Machine, memory: MemoryKeyring) -> None:
    desk, sandbox = machine.desk, machine.sandbox
    old = sandbox.account.keys[0]
    rotation = await machine.ours(desk)
    await rotation.create()
    await rotation.store()
    assert memory.of("default") == old.secret
    await rotation.try_new()
    switched = await rotation.switch()
    new = sandbox.account.keys[-1]
    assert (switched.profiles, switched.session, switched.elsewhere) == (("default",), True, None)
    assert memory.of("default") == new.secret
    assert memory.of("default/next") is None
    assert (new.name, new.rpm_limit, new.scope) == (old.name, old.rpm_limit, old.scope)
    assert not (await rotation.watch()).quiet
    machine.hours.now += QUIET
    watch = await rotation.watch()
    assert watch.quiet
    with pytest.raises(NotAllowed):
        await rotation.revoke(None)
    await rotation.revoke(old.name)
    assert await rotation.see_refused(lambda _: None)
    assert old.revoked_at is not None
    assert await left_behind(desk) == ()
    assert posts(sandbox) == 1
    assert not rotation.unsaved


async def test_the_old_keys_use_starts_the_watch_anew(machine: Machine) -> None:
    desk = machine.desk
    rotation = await machine.ours(desk)
    await rotation.create()
    await rotation.store()
    await rotation.try_new()
    await rotation.switch()
    await rotation.watch()
    machine.hours.now += QUIET
    machine.sandbox.account.keys[0].last_used_at = machine.hours.now
    assert not (await rotation.watch()).quiet


STEPS = ("create", "store", "try_new", "switch", "watch")


@pytest.mark.parametrize("done", range(len(STEPS) + 1))
async def test_left_after_any_step_it_is_resumed_and_there_is_always_a_key_that_works(
    machine: Machine, done: int, memory: MemoryKeyring
) -> None:
    rotation = await machine.ours(machine.desk)
    for step in STEPS[:done]:
        await getattr(rotation, step)()
    desk = await machine.crash()
    await desk.refresh()
    records = await left_behind(desk)
    if not done:
        assert records == ()
        return
    (record,) = records
    resumed = await Rotation.resume(desk, record)
    if done == 1:
        assert resumed.secret_lost
        await resumed.give_up()
        assert machine.sandbox.account.keys[-1].revoked_at is not None
        assert machine.sandbox.account.keys[0].revoked_at is None
    else:
        for step in STEPS[done:]:
            await getattr(resumed, step)()
        await resumed.revoke(record.name)
        await resumed.see_refused(lambda _: None)
        assert machine.sandbox.account.keys[0].revoked_at is not None
        assert memory.of("default") == machine.sandbox.account.keys[-1].secret
    assert await left_behind(desk) == ()
    assert posts(machine.sandbox) == 1
    await desk.refresh()


async def test_a_crash_in_mid_creation_finds_the_successor_and_revokes_it(machine: Machine) -> None:
    rotation = await machine.ours(machine.desk)
    machine.sandbox.faults.add(lost_answer(), method="POST", path="/keys", times=1)
    creation = await rotation.create()
    assert creation.secret is None
    desk = await machine.crash()
    (record,) = await left_behind(desk)
    assert record.step is RotationStep.CREATING
    resumed = await Rotation.resume(desk, record)
    assert resumed.secret_lost
    with pytest.raises(NotAllowed, match="created before"):
        await resumed.create()
    await resumed.give_up()
    assert [key.revoked_at is None for key in machine.sandbox.account.keys] == [True, False]
    assert await left_behind(desk) == ()


async def test_a_successor_that_may_be_one_of_several_is_not_guessed(machine: Machine) -> None:
    rotation = await machine.ours(machine.desk)
    machine.sandbox.faults.add(lost_answer(), method="POST", path="/keys", times=1)
    await rotation.create()
    name, edition = rotation.record.name, machine.sandbox.account.keys[0].edition
    machine.sandbox.account.mint(name, edition=edition)
    desk = await machine.crash()
    resumed = await Rotation.resume(desk, (await left_behind(desk))[0])
    assert len(resumed.suspects) == 2
    with pytest.raises(NotAllowed, match="Several"):
        await resumed.give_up()
    assert all(key.revoked_at is None for key in machine.sandbox.account.keys)


async def test_a_refused_creation_leaves_nothing_behind(machine: Machine) -> None:
    machine.sandbox.faults.add(error(403, "forbidden"), method="POST", path="/keys", times=1)
    rotation = await machine.ours(machine.desk)
    with pytest.raises(RelaiError):
        await rotation.create()
    assert await left_behind(machine.desk) == ()


async def test_a_new_key_that_does_not_work_is_not_switched_to(machine: Machine, memory: MemoryKeyring) -> None:
    rotation = await machine.ours(machine.desk)
    old = machine.sandbox.account.keys[0]
    await rotation.create()
    await rotation.store()
    machine.sandbox.account.revoke(machine.sandbox.account.keys[-1].id)
    with pytest.raises(KeyRefused):
        await rotation.try_new()
    assert rotation.step is RotationStep.STORED
    assert memory.of("default") == old.secret
    await rotation.give_up()
    assert memory.of("default/next") is None


async def test_a_keyring_that_fails_leaves_the_old_key_and_the_new_one_in_hand(
    machine: Machine, memory: MemoryKeyring
) -> None:
    rotation = await machine.ours(machine.desk)
    await rotation.create()
    memory.fails = True
    with pytest.raises(KeyringError):
        await rotation.store()
    assert rotation.secret is not None
    await rotation.acknowledge()
    await rotation.try_new()
    switched = await rotation.switch()
    assert switched.elsewhere == "keyring"
    assert memory.of("default") == machine.sandbox.account.keys[0].secret
    await rotation.watch()
    await rotation.revoke(rotation.record.name)


async def test_the_key_in_use_is_not_revoked_before_the_switch(machine: Machine) -> None:
    rotation = await machine.ours(machine.desk)
    await rotation.create()
    with pytest.raises(NotAllowed, match="still uses"):
        await rotation.revoke(rotation.record.name)
    await rotation.store()
    await rotation.try_new()
    await rotation.switch()
    with pytest.raises(NotAllowed, match="in use already"):
        await rotation.give_up()


async def test_another_limit_is_a_rotation_with_another_number(machine: Machine) -> None:
    desk = machine.desk
    edition = machine.sandbox.account.keys[0].edition
    machine.sandbox.account.mint("Batch", edition=edition, rpm_limit=60)
    rotation = Rotation.plan(desk, await row_named(desk, "Batch"), rpm_limit=900)
    await rotation.create()
    assert machine.sandbox.account.keys[-1].rpm_limit == 900
    assert machine.sandbox.account.keys[-1].name == "Batch"


async def test_no_secret_is_on_disk(machine: Machine) -> None:
    rotation = await machine.ours(machine.desk)
    for step in STEPS:
        await getattr(rotation, step)()
    await machine.desk.account.close()
    kept = b"".join(path.read_bytes() for path in machine.home.rglob("*") if path.is_file())
    for key in machine.sandbox.account.keys:
        assert key.secret.encode() not in kept


async def test_a_server_that_answers_slowly_to_a_revocation_is_asked_again(machine: Machine) -> None:
    rotation = await machine.ours(machine.desk)
    for step in STEPS:
        await getattr(rotation, step)()
    machine.sandbox.faults.revocation_lag = 30
    await rotation.revoke(rotation.record.name)
    machine.sandbox.faults.add(Fault(status=503), path="/models", times=1)
    tries: list[int] = []
    assert await rotation.see_refused(tries.append)
    assert len(tries) > 2
