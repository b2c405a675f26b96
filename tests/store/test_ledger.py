"""Money on disk: readings of the balance, and what answers cost."""

from dataclasses import replace
from pathlib import Path

import pytest

from relai_tui.conversation import CostBasis, Figures, TurnState
from relai_tui.spending_records import KeptReading
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


async def test_old_readings_are_thinned_to_one_an_hour(path: Path, clock: Clock) -> None:
    async with await Store.open(path, clock=clock) as store:
        for minute in range(180):
            await store.ledger.add_reading("work", "eu", minute, clock.now + minute * 60, "balance")
    clock.now += 29 * 86_400
    async with await Store.open(path, clock=clock) as store:
        assert len(await store.ledger.readings("work")) == 180
    clock.now += 2 * 86_400
    async with await Store.open(path, clock=clock) as store:
        assert [reading.micro for reading in await store.ledger.readings("work")] == [59, 119, 179]


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
