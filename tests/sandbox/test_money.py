"""Credits, prices, usage and the ledger: to the micro-dollar, under load and when things break off."""

import asyncio

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relai_tui.sandbox.account import Account
from relai_tui.sandbox.faults import cut, early_end
from relai_tui.sandbox.models import BY_ID, MODELS
from relai_tui.sandbox.server import Sandbox
from tests.sandbox.conftest import Clock, Speak, chat


def books_balance(account: Account) -> bool:
    return account.credits_micro == sum(row.delta_micro for row in account.ledger)


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.sampled_from(MODELS))
def test_a_price_is_exact_and_rounded_up(tokens_in: int, tokens_out: int, model: object) -> None:
    assert model in MODELS
    one = MODELS[MODELS.index(model)]
    exact = tokens_in * one.price_in + tokens_out * one.price_out
    assert 0 <= one.cost_micro(tokens_in, tokens_out) * 1_000_000 - exact < 1_000_000


@given(st.lists(st.tuples(st.integers(-(10**12), 10**12), st.integers(0, 10**6), st.integers(0, 10**6)), max_size=30))
def test_credits_are_the_sum_of_the_ledger(steps: list[tuple[int, int, int]]) -> None:
    account = Account(clock=Clock())
    key = account.mint("k")
    for delta, tokens_in, tokens_out in steps:
        account.top_up(delta)
        account.charge(BY_ID["gpt-5.2"], tokens_in, tokens_out, key=key, request_id="r")
    account.set_credits(77)
    assert account.credits_micro == 77
    assert books_balance(account)


async def test_a_chat_costs_what_the_price_list_says(sandbox: Sandbox, speak: Speak) -> None:
    client = speak(2)
    usage = (await client.post("/chat/completions", json=chat("hello"))).json()["usage"]
    price = BY_ID["claude-sonnet-4.6"].cost_micro(usage["prompt_tokens"], usage["completion_tokens"])
    assert price > 0
    balance = (await client.get("/balance")).json()
    assert balance["credits_micro"] == 4_500_000 - price
    assert balance["credits_dollars"] == pytest.approx(balance["credits_micro"] / 1e6)
    told = (await client.get("/usage")).json()
    assert (told["total_cost_micro"], told["total_requests"]) == (price, 1)
    assert told["events"][0]["tokens_out"] == usage["completion_tokens"]
    ledger = (await client.get("/billing/ledger?limit=1")).json()
    assert ledger["total"] == 2
    assert ledger["entries"][0]["delta_micro"] == -price
    assert ledger["entries"][0]["reference"] == told["events"][0]["request_id"]


async def test_the_charge_is_in_the_balance_when_the_stream_ends(sandbox: Sandbox, speak: Speak) -> None:
    async with speak(1).stream("POST", "/chat/completions", json=chat("hello", stream=True)) as answer:
        async for line in answer.aiter_lines():
            if '"finish_reason": "stop"' in line:
                break
        assert sandbox.account.credits_micro < 4_500_000


async def test_many_at_once_never_make_the_balance_wrong(sandbox: Sandbox, speak: Speak) -> None:
    clients = [speak(edition) for edition in (1, 2)]
    bodies = [chat(f"question {number}", stream=number % 3 == 0, model="best") for number in range(60)]
    for body in bodies[::2]:
        body["model"] = "cheap"
    work = [clients[number // 2 % 2].post("/chat/completions", json=body) for number, body in enumerate(bodies)]
    answers = await asyncio.gather(*work)
    served = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code == 404]
    assert len(served) + len(refused) == 60
    assert refused, "edition 1 has no alias 'best'"
    assert books_balance(sandbox.account)
    assert len(sandbox.account.usage) == len(served)
    assert 4_500_000 - sandbox.account.credits_micro == sum(event.cost_micro for event in sandbox.account.usage)


async def test_too_little_credit_is_told_with_both_figures(sandbox: Sandbox, speak: Speak) -> None:
    sandbox.account.set_credits(20)
    answer = await speak(1).post("/chat/completions", json=chat("hello"))
    assert answer.status_code == 402
    error = answer.json()["error"]
    assert (error["code"], error["balance_micro"]) == ("insufficient_balance", 20)
    assert error["required_micro"] > 20
    sandbox.account.set_credits(error["required_micro"])
    assert (await speak(1).post("/chat/completions", json=chat("hello"))).status_code == 200


async def test_a_stopped_stream_costs_what_was_sent(sandbox: Sandbox, speak: Speak) -> None:
    async with speak(2).stream("POST", "/chat/completions", json=chat("long 5000 at 50/s", stream=True)) as answer:
        async for _ in answer.aiter_bytes():
            break
    async with asyncio.timeout(10):
        while not sandbox.account.usage:
            await asyncio.sleep(0.005)
    [event] = sandbox.account.usage
    assert event.status == 499
    assert event.tokens_out < 100
    assert books_balance(sandbox.account)


async def test_a_cut_stream_costs_what_was_sent(sandbox: Sandbox, speak: Speak) -> None:
    sandbox.faults.add(cut(after=9), times=1)
    sandbox.faults.add(early_end(after=4), times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        await speak(2).post("/chat/completions", json=chat("long 500", stream=True))
    await speak(2).post("/chat/completions", json=chat("long 500", stream=True))
    assert [event.tokens_out for event in sandbox.account.usage] == [9, 4]


async def test_usage_is_filtered(sandbox: Sandbox, clock: Clock, speak: Speak) -> None:
    client = speak(2)
    for model, user in (("smart", "ada"), ("best", "ada"), ("cheap", "grace")):
        clock.now += 100
        await client.post("/chat/completions", json=chat("hello", model=model, user=user))

    async def count(query: str) -> int:
        found: int = (await client.get(f"/usage?{query}")).json()["total_requests"]
        return found

    assert await count("") == 3
    assert await count("model=claude-*") == 2
    assert await count("model=claude-opus-4.7") == 1
    assert await count("model=[c]*") == 0
    assert await count("user=ada&model=*sonnet*") == 1
    first, second = (key.id for key in sandbox.account.keys)
    assert (await count(f"key={first}"), await count(f"key={second}")) == (0, 3)
    assert await count("from=2026-05-28T20:29:00Z") == 2
    assert await count("from=2026-05-28T20:29:00+00:00&to=2026-05-28T20:31:00") == 1
    limited = (await client.get("/usage?limit=1")).json()
    assert (len(limited["events"]), limited["total_requests"]) == (1, 3)
    assert limited["events"][0]["model"] == "deepseek-v3.2", "newest first"
    assert (await client.get("/usage?from=yesterday")).status_code == 400
    for limit in ("-1", "1.5", "", "٣", "9" * 5000):
        assert (await client.get("/usage", params={"limit": limit})).status_code == 400
    page = (await client.get("/billing/ledger?limit=2&offset=3")).json()
    assert (len(page["entries"]), page["total"]) == (1, 4)


async def test_an_end_users_quota_warns_and_then_stops(sandbox: Sandbox, clock: Clock, speak: Speak) -> None:
    client = speak(2)
    await client.post("/users", json={"external_id": "ada", "daily_quota_dollars": 0.0001, "alert_threshold": 0.5})
    asked = chat("echo: four words are here", user="ada")  # 54 micro-dollars or so each
    assert "relai" not in (await client.post("/chat/completions", json=asked)).json()
    [warning] = (await client.post("/chat/completions", json=asked)).json()["relai"]["warnings"]
    assert warning["period"] == "daily"
    assert 0.5 <= warning["percent"] < 1
    refused = await client.post("/chat/completions", json=asked)
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "end_user_quota_exceeded"
    assert "daily" in refused.json()["error"]["message"]
    assert "Retry-After" not in refused.headers
    clock.now += 86_400
    assert (await client.post("/chat/completions", json=asked)).status_code == 200, "a new day"


@pytest.mark.parametrize(("form", "told"), [("event", "event: relai.warning"), ("bare", "event: relai.warning")])
async def test_a_stream_warns_before_done(sandbox: Sandbox, speak: Speak, form: str, told: str) -> None:
    client = speak(2)
    sandbox.faults.add_json({"warning_form": form})
    await client.post("/users", json={"external_id": "ada", "daily_quota_dollars": 0.0001, "alert_threshold": 0.1})
    asked = chat("echo: four words are here", user="ada", stream=True)
    await client.post("/chat/completions", json=asked)
    said = (await client.post("/chat/completions", json=asked)).text
    assert told in said
    assert ('"warnings"' in said) == (form == "event")
    assert said.index(told) < said.index("[DONE]")
