"""Money on disk: readings of the balance, and what answers cost."""

from dataclasses import replace
from pathlib import Path

import pytest

from relai_tui.conversation import CostBasis, Figures, TurnState
from relai_tui.spending_records import AlertLevel, AlertState, By, KeptReading
from relai_tui.store.database import Store, StoreError
from relai_tui.text import clean_line
from tests.store.conftest import Clock
from tests.store.making import answer, ask, new_conversation, prompt


async def test_readings_come_back_in_their_order_by_profile(store: Store) -> None:
    for micro, as_of in ((3_000_000, 30.0), (5_000_000, 10.0), (4_000_000, 20.0)):
        await store.ledger.add_reading("work", "eu", micro, as_of, "balance")
    await store.ledger.add_reading("home", None, 1, 40.0, "402")
    assert [reading.micro for reading in await store.ledger.readings("work")] == [5_000_000, 4_000_000, 3_000_000]
    assert [reading.micro for reading in await store.ledger.readings("work", since=20.0)] == [4_000_000, 3_000_000]
    assert await store.ledger.last_reading("home") == KeptReading(clean_line("home"), None, 1, 40.0, clean_line("402"))
    assert await store.ledger.last_reading("nobody") is None


async def test_one_moment_has_one_balance(store: Store) -> None:
    await store.ledger.add_reading("work", "eu", 5, 10.0, "balance")
    await store.ledger.add_reading("work", "eu", 4, 10.0, "balance")
    assert [reading.micro for reading in await store.ledger.readings("work")] == [4]


@pytest.mark.parametrize(("micro", "as_of"), [(2**70, 1.0), (5, float("nan")), (5, float("inf"))])
async def test_a_balance_that_cannot_be_true_is_not_kept(store: Store, micro: int, as_of: float) -> None:
    with pytest.raises(StoreError):
        await store.ledger.add_reading("work", "eu", micro, as_of, "balance")
    assert await store.ledger.readings("work") == ()


async def test_a_debt_is_kept_as_what_it_is(store: Store) -> None:
    await store.ledger.add_reading("work", "eu", -1_500_000, 1.0, "balance")
    (reading,) = await store.ledger.readings("work")
    assert reading.micro == -1_500_000


async def test_old_readings_are_thinned_and_no_top_up_is_lost(store: Store, clock: Clock) -> None:
    start = clock.now  # a full hour
    for minute in range(180):
        micro = 900 - minute + (500 if minute >= 70 else 0)  # a top-up between minutes 69 and 70
        await store.ledger.add_reading("work", "eu", micro, start + minute * 60, "balance")

    async def kept() -> list[int]:
        await store.ledger.thin_out()
        return [round((reading.as_of - start) / 60) for reading in await store.ledger.readings("work")]

    clock.now = start + 86_400
    assert await kept() == list(range(180))
    clock.now = start + 3 * 86_400
    assert await kept() == sorted({*range(4, 180, 5), 69, 70})
    clock.now = start + 31 * 86_400
    assert await kept() == [59, 69, 70, 119, 179]
    assert await kept() == [59, 69, 70, 119, 179]
    until = await store.ledger.readings("work", start + 60 * 60, start + 119 * 60)
    assert [reading.micro for reading in until] == [831, 1_330]


async def test_a_year_of_readings_is_read_in_a_thread_and_whole(store: Store, clock: Clock) -> None:
    rows = [("work", "eu", 10**9 - number, clock.now + number, "balance") for number in range(5_000)]
    await store._database.write(
        lambda db: db.executemany(
            "INSERT INTO reading (profile, region, micro, as_of, source) VALUES (?, ?, ?, ?, ?)", rows
        )
    )
    readings = await store.ledger.readings("work")
    assert [reading.micro for reading in readings] == [row[2] for row in rows]


async def test_a_conversations_cost_is_what_is_known_and_how_many_are_not(store: Store) -> None:
    conversation = await new_conversation(store)
    exact, measured, shared, unknown = [await ask(store, conversation, f"Question {n}") for n in range(4)]
    await store.conversations.update_figures(measured.id, Figures(cost_micro=700, cost_basis=CostBasis.MEASURED))
    await store.conversations.update_figures(shared.id, Figures(cost_micro=9_999, cost_basis=CostBasis.SHARED))
    for turn, micro, basis in ((exact, 42, CostBasis.EXACT), (unknown, None, CostBasis.UNKNOWN)):
        await store.ledger.record_cost(turn.id, conversation.id, "work", cost_micro=micro, basis=basis)
    asked = prompt(conversation, "Refused")
    await store.conversations.add_turn(asked)
    await store.conversations.add_turn(answer(conversation, asked, "", TurnState.FAILED))
    await store.conversations.add_turn(answer(conversation, asked))
    assert await store.ledger.conversation_cost(conversation.id) == (742, 2)
    assert await store.ledger.known_costs(conversation.id) == (42, 700)
    assert await store.ledger.known_costs(conversation.id, 1) == (700,)
    assert await store.ledger.conversation_cost("nothing") == (0, 0)


async def test_a_better_known_cost_replaces_the_first(store: Store) -> None:
    conversation = await new_conversation(store)
    told = await ask(store, conversation, "Question")
    await store.ledger.record_cost(
        told.id, conversation.id, "work", key_id="key_1", cost_micro=800, basis=CostBasis.MEASURED
    )
    await store.ledger.record_cost(
        told.id, conversation.id, "work", key_id="key_1", cost_micro=742, basis=CostBasis.EXACT
    )
    assert await store.ledger.conversation_cost(conversation.id) == (742, 0)


async def test_money_spent_stays_spent_when_its_conversation_is_gone(path: Path, clock: Clock) -> None:
    async with await Store.open(path, clock=clock) as store:
        conversation = await new_conversation(store)
        told = await ask(store, conversation, "Question")
        await store.ledger.record_cost(told.id, conversation.id, "work", cost_micro=5, basis=CostBasis.EXACT)
        await store.ledger.record_cost("other", conversation.id, "work", cost_micro=None, basis=CostBasis.UNKNOWN)
        since = clock.now
        await store.conversations.delete(conversation.id)
    clock.now += 40 * 86_400
    async with await Store.open(path, clock=clock) as store:
        assert await store.ledger.spent("work", since) == (5, 1)
        assert await store.ledger.spent("work", clock.now) == (0, 0)
        assert await store.ledger.spent("home", since) == (0, 0)


async def test_what_an_alias_answered_with_and_what_was_asked_for(store: Store) -> None:
    conversation = await new_conversation(store)
    asked = prompt(conversation, "Hello")
    await store.conversations.add_turn(asked)
    for model, answered in (("smart", "claude-4.5"), ("fast", "haiku"), ("smart", "claude-4.6"), ("smart", None)):
        await store.conversations.add_turn(
            replace(
                answer(conversation, asked, "x", TurnState.COMPLETE),
                model_asked=clean_line(model),
                model_answered=clean_line(answered) if answered else None,
            )
        )
    assert await store.ledger.latest_answering("smart") == "claude-4.6"
    assert await store.ledger.latest_answering("cheap") is None
    assert await store.ledger.recent_models(5) == ("smart", "fast")


async def test_answers_and_what_they_cost_come_back_by_time_and_in_parts(store: Store, clock: Clock) -> None:
    first, second = await new_conversation(store), await new_conversation(store)
    await store.conversations.rename(first.id, "Invoices")
    told = [
        ("a", first.id, "sonnet", 400, CostBasis.EXACT, 10.0),
        ("b", first.id, "haiku", 30, CostBasis.MEASURED, 20.0),
        ("c", second.id, "sonnet", None, CostBasis.UNKNOWN, 30.0),
        ("d", second.id, "sonnet", 70, CostBasis.SHARED, 40.0),
    ]
    for turn_id, conversation, model, micro, basis, after in told:
        await store.ledger.record_cost(
            turn_id,
            conversation,
            "work",
            key_id="key_1",
            model=model,
            cost_micro=micro,
            basis=basis,
            at=clock.now + after,
            seconds=2.5,
            tokens_in=100,
            tokens_out=10,
        )
    until = clock.now + 100
    turns = await store.ledger.spent_turns("work", clock.now, until)
    assert [(turn.turn_id, turn.cost_micro, turn.basis) for turn in turns] == [
        (name, micro, basis) for name, _, _, micro, basis, _ in told
    ]
    assert (turns[0].conversation, turns[0].tokens_in, turns[0].seconds) == ("Invoices", 100, 2.5)
    assert [t.turn_id for t in await store.ledger.spent_turns("work", clock.now + 15, clock.now + 40)] == ["b", "c"]
    assert [t.turn_id for t in await store.ledger.spent_turns("work", 0, until, second.id)] == ["c", "d"]
    by_model = {part.id: part for part in await store.ledger.sums(By.MODEL, "work", clock.now, until)}
    assert (by_model["sonnet"].micro, by_model["sonnet"].count, by_model["sonnet"].unknown) == (400, 3, 2)
    assert (by_model["haiku"].micro, by_model["haiku"].tokens_in) == (30, 100)
    by_conversation = await store.ledger.sums(By.CONVERSATION, "work", clock.now, until)
    assert {(part.id, part.name, part.micro) for part in by_conversation} == {
        (first.id, "Invoices", 430),
        (second.id, second.id, 0),
    }
    (day,) = await store.ledger.sums(By.DAY, "work", clock.now, until)
    assert (day.micro, day.count, day.unknown) == (430, 4, 2)
    assert (await store.ledger.sums(By.KEY, "work", clock.now, until))[0].id == "key_1"
    await store.conversations.delete(first.id)
    gone = await store.ledger.spent_turns("work", 0, until, first.id)
    assert [(turn.conversation, turn.cost_micro) for turn in gone] == [(None, 400), (None, 30)]


async def test_answers_of_other_windows_that_overlap_are_found(path: Path, clock: Clock) -> None:
    async with await Store.open(path, clock=clock) as here, await Store.open(path, clock=clock) as there:
        mine, other = await new_conversation(here), await new_conversation(there)
        ours = await ask(here, mine, "Question")
        assert await here.ledger.overlapping(ours.id, ours.created_at, ours.created_at + 5) == 0
        theirs = await ask(there, other, "Question")
        await there.conversations.update_figures(theirs.id, Figures(seconds=3.0))
        begun = theirs.created_at
        assert await here.ledger.overlapping(ours.id, begun + 1, begun + 5) == 1
        assert await here.ledger.overlapping(ours.id, begun + 3, begun + 5) == 0
        assert await here.ledger.overlapping(ours.id, begun - 5, begun) == 0


async def test_one_window_reads_the_balance_for_all(path: Path, clock: Clock) -> None:
    async with await Store.open(path, clock=clock) as here, await Store.open(path, clock=clock) as there:
        now = clock.now
        assert await here.ledger.take_poll_lease("work", "here", now, now + 300)
        assert not await there.ledger.take_poll_lease("work", "there", now + 299, now + 600)
        assert await there.ledger.take_poll_lease("home", "there", now, now + 300)
        assert await here.ledger.take_poll_lease("work", "here", now + 250, now + 550)
        assert await there.ledger.take_poll_lease("work", "there", now + 550, now + 850)
        # A clock that was set back a day leaves a lease that nobody would live to see the end of.
        assert await here.ledger.take_poll_lease("work", "here", now - 86_400, now - 86_100)


async def test_an_alert_is_told_by_one_window_and_known_after_a_restart(path: Path, clock: Clock) -> None:
    def crossed(state: AlertState) -> AlertState:
        told = clock.now if state.told_low is None else state.told_low
        return AlertState(AlertLevel.LOW, 1_900_000, told_low=told)

    async with await Store.open(path, clock=clock) as here, await Store.open(path, clock=clock) as there:
        assert await here.ledger.alert_state("work") == AlertState()
        assert await here.ledger.change_alert("work", crossed)
        assert not await there.ledger.change_alert("work", crossed)
    async with await Store.open(path, clock=clock) as again:
        assert await again.ledger.alert_state("work") == AlertState(AlertLevel.LOW, 1_900_000, told_low=clock.now)
        assert await again.ledger.alert_state("home") == AlertState()
