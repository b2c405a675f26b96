"""Both editions of Relai, end to end: the client against the sandbox over a real socket."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import pytest
from pydantic import SecretStr

from relai_tui.api.client import Client
from relai_tui.api.deltas import Answering, Delta, Finished, ReasoningDelta, TextDelta, TokensUsed
from relai_tui.api.errors import InsufficientBalance, Interrupted, KeyRefused, ModelNotFound, NotFound, NotOffered
from relai_tui.api.request import ChatRequest, Message
from relai_tui.sandbox.faults import cut
from relai_tui.sandbox.server import Sandbox

EDITIONS = pytest.mark.parametrize("edition", [1, 2])


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(tokens_per_second=0) as running:
        yield running


def client_of(sandbox: Sandbox, edition: int) -> Client:
    return Client(sandbox.base_url, SecretStr(sandbox.keys[edition]))


def ask(prompt: str, model: str = "smart", user: str | None = None) -> ChatRequest:
    return ChatRequest(model, (Message("user", prompt),), user=user)


async def answer_of(client: Client, request: ChatRequest) -> list[Delta]:
    async with aclosing(client.stream_chat(request)) as deltas:
        return [delta async for delta in deltas]


async def collect(coming: AsyncGenerator[Delta, None], deltas: list[Delta]) -> None:
    async with aclosing(coming):
        async for delta in coming:
            deltas.append(delta)  # noqa: PERF401  # what came before an error is to be kept


def text_of(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


@EDITIONS
async def test_an_alias_is_answered_by_a_real_model_and_counted(sandbox: Sandbox, edition: int) -> None:
    async with client_of(sandbox, edition) as client:
        deltas = await answer_of(client, ask("repeat: five small words for you"))
    assert text_of(deltas) == "five small words for you"
    named = [delta for delta in deltas if isinstance(delta, Answering)]
    assert [delta.model for delta in named] == ["claude-sonnet-4.6"]
    assert [delta.alias for delta in named] == (["smart"] if edition == 2 else [None])
    assert any(isinstance(delta, TokensUsed) and delta.completion for delta in deltas)
    assert isinstance(deltas[-1], Finished)
    assert deltas[-1].reason == "stop"


@EDITIONS
async def test_a_whole_answer_says_the_same_as_a_streamed_one(sandbox: Sandbox, edition: int) -> None:
    async with client_of(sandbox, edition) as client:
        whole = await client.chat(ask("unicode"))
        deltas = await answer_of(client, ask("unicode"))
    assert whole.text == text_of(deltas)
    assert whole.model == "claude-sonnet-4.6"
    assert whole.completion_tokens


@pytest.mark.parametrize("prompt", ["reason about it", "reasoning field please, think"])
async def test_reasoning_comes_apart(sandbox: Sandbox, prompt: str) -> None:
    async with client_of(sandbox, 1) as client:
        deltas = await answer_of(client, ask(prompt))
    assert any(isinstance(delta, ReasoningDelta) for delta in deltas)
    assert text_of(deltas)


async def test_a_hostile_answer_arrives_as_text(sandbox: Sandbox) -> None:
    async with client_of(sandbox, 1) as client:
        text = text_of(await answer_of(client, ask("hostile")))
    assert "␛" in text
    assert not set(text) & {"\x1b", "\x07", "\x9b"}
    assert "\u202e" in text  # kept as data, and marked where it is drawn


@EDITIONS
async def test_the_balance_falls_by_what_an_answer_costs(sandbox: Sandbox, edition: int) -> None:
    async with client_of(sandbox, edition) as client:
        before = await client.balance()
        await answer_of(client, ask("hello"))
        after = await client.balance()
    assert before.credits_micro == 4_500_000
    assert after.credits_micro is not None
    assert after.credits_micro < before.credits_micro
    assert (after.auto_recharge is None) is (edition == 1)


@EDITIONS
async def test_models_are_listed(sandbox: Sandbox, edition: int) -> None:
    async with client_of(sandbox, edition) as client:
        models = await client.models()
    assert any(model.owned_by == "anthropic" for model in models)


@EDITIONS
async def test_the_life_of_a_key(sandbox: Sandbox, edition: int) -> None:
    async with client_of(sandbox, edition) as client:
        old = {key.id for key in await client.keys()}
        created = await client.create_key("Ci", 30, "regional" if edition == 2 else None)
        assert created.secret is not None
        assert created.key is not None
        new = next(key for key in await client.keys() if key.id not in old)
        assert (new.id, new.name) == (created.key.id, "Ci")
        assert new.created_at is not None
        async with Client(sandbox.base_url, created.secret) as other:
            assert text_of(await answer_of(other, ask("repeat: it works"))) == "it works"
            await client.revoke_key(new.id)
            with pytest.raises(KeyRefused):
                await other.balance()
        with pytest.raises(NotFound):
            await client.revoke_key("key_of_nobody")


async def test_edition_2_tells_usage_ledger_and_the_automatic_top_up(sandbox: Sandbox) -> None:
    async with client_of(sandbox, 2) as client:
        await answer_of(client, ask("hello"))
        usage = await client.usage(limit=5)
        ledger = await client.ledger(limit=5)
        assert usage.events[0].cost_micro
        assert usage.total_cost_micro == usage.events[0].cost_micro
        assert ledger.entries[0].delta_micro == -usage.events[0].cost_micro
        assert ledger.entries[0].reference == usage.events[0].request_id
        assert (await client.set_auto_recharge(True)).auto_recharge is True
        assert (await client.balance()).auto_recharge is True


async def test_edition_1_does_not_offer_them(sandbox: Sandbox) -> None:
    async with client_of(sandbox, 1) as client:
        for missing in (client.usage, client.ledger):
            with pytest.raises(NotOffered):
                await missing()
        with pytest.raises(NotOffered):
            await client.set_auto_recharge(True)


async def test_refusals_as_relai_words_them(sandbox: Sandbox) -> None:
    async with client_of(sandbox, 1) as client:
        with pytest.raises(ModelNotFound):
            await answer_of(client, ask("hello", model="no-such-model"))
        sandbox.account.set_credits(0)
        with pytest.raises(InsufficientBalance) as caught:
            await answer_of(client, ask("hello"))
    assert caught.value.balance_micro == 0
    assert caught.value.required_micro


async def test_an_answer_that_is_cut_keeps_its_beginning(sandbox: Sandbox) -> None:
    sandbox.faults.add(cut(after=3), times=1)
    deltas: list[Delta] = []
    async with client_of(sandbox, 1) as client:
        with pytest.raises(Interrupted):
            await collect(client.stream_chat(ask("long 200")), deltas)
    assert text_of(deltas)


async def test_stopping_frees_the_server(sandbox: Sandbox) -> None:
    sandbox.tokens_per_second = 50
    async with client_of(sandbox, 1) as client:
        async with aclosing(client.stream_chat(ask("long 5000"))) as deltas:
            async for delta in deltas:
                if isinstance(delta, TextDelta):
                    break
        text = text_of(await answer_of(client, ask("repeat: still here at 0/s")))
    assert text.startswith("still here")
