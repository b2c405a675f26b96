"""Both editions of the contract, spoken over a socket."""

import re

import httpx
import pytest

from relai_tui.sandbox.server import Sandbox
from tests.sandbox.conftest import Clock, Speak, chat


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_it_says_what_it_is(sandbox: Sandbox, speak: Speak) -> None:
    shown = (await speak(None).get(sandbox.origin)).json()
    assert "sandbox" in shown["name"]
    assert "scripted" in shown["what"]
    said = (await speak(1).post("/chat/completions", json=chat("Who are you?"))).json()
    assert "sandbox" in said["choices"][0]["message"]["content"]


async def test_an_edition_1_key_sees_edition_1(speak: Speak) -> None:
    client = speak(1)
    assert (await client.get("/balance")).json() == {"credits_micro": 4_500_000, "credits_dollars": 4.5}
    [key] = (await client.get("/keys")).json()["keys"]
    assert set(key) == {"id", "name", "prefix", "region", "rpm_limit", "created_at", "last_used_at"}
    assert set((await client.get("/models")).json()["data"][0]) == {"id", "object", "owned_by"}
    for path in ("/usage", "/billing/ledger", "/users", "/users/ada", "/orgs/sandbox/settings", "/nonsense"):
        assert refusal(await client.get(path)) == (404, "not_found"), path
    assert refusal(await client.patch("/balance", json={"auto_recharge": True})) == (405, "method_not_allowed")


async def test_an_edition_2_key_sees_more(speak: Speak) -> None:
    client = speak(2)
    assert (await client.get("/balance")).json()["auto_recharge"] is False
    assert (await client.patch("/balance", json={"auto_recharge": True})).json()["auto_recharge"] is True
    [key] = (await client.get("/keys")).json()["keys"]
    assert (key["scope"], key["revoked"]) == ("regional", False)
    assert (await client.get("/usage")).json()["total_requests"] == 0


async def test_a_server_of_edition_1_knows_no_edition_2_key() -> None:
    async with Sandbox(edition=1, tokens_per_second=0) as old, httpx.AsyncClient(base_url=old.base_url) as client:
        assert list(old.keys) == [1]
        stranger = old.account.mint("newer", edition=2).secret
        answer = await client.get("/balance", headers={"Authorization": f"Bearer {stranger}"})
        assert refusal(answer) == (401, "api_key_not_found")
        assert refusal(await client.get("/usage")) == (404, "not_found")


@pytest.mark.parametrize(
    ("edition", "scope", "form", "shown"),
    [
        (1, "regional", r"rk-eu-[A-Za-z0-9]{40}", 9),
        (2, "regional", r"relai_sk_eu_live_[A-Z2-7]{26}", 18),
        (2, "global", r"relai_sk_gbl_eu_live_[A-Z2-7]{26}", 22),
    ],
)
async def test_a_key_is_made_used_and_revoked(speak: Speak, edition: int, scope: str, form: str, shown: int) -> None:
    client = speak(edition)
    asked = {"name": "  Laptop ", "rpm_limit": 7, "scope": scope}
    made = (await client.post("/keys", json=asked)).json()
    assert re.fullmatch(form, made["key"])
    assert made["prefix"] == made["key"][:shown]
    listed = {key["id"]: key for key in (await client.get("/keys")).json()["keys"]}[made["id"]]
    assert (listed["name"], listed["rpm_limit"], listed["last_used_at"]) == ("Laptop", 7, None)
    assert "key" not in listed

    own = speak(key=made["key"])
    assert (await own.get("/balance")).status_code == 200
    gone = await client.delete(f"/keys/{made['id']}")
    assert gone.status_code == (204 if edition == 1 else 200)
    assert refusal(await own.get("/balance")) == (401, "invalid_api_key")
    assert refusal(await client.delete(f"/keys/{made['id']}")) == (404, "not_found")
    after = {key["id"]: key for key in (await client.get("/keys")).json()["keys"]}
    assert (made["id"] in after) == (edition == 2)
    assert edition == 1 or after[made["id"]]["revoked"] is True


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"name": "", "rpm_limit": 60}, "name"),
        ({"name": "   "}, "name"),
        ({"rpm_limit": 60}, "name"),
        ({"name": "x" * 257}, "name"),
        ({"name": "x", "rpm_limit": 0}, "rpm_limit"),
        ({"name": "x", "rpm_limit": 1001}, "rpm_limit"),
        ({"name": "x", "rpm_limit": True}, "rpm_limit"),
        ({"name": "x", "rpm_limit": "60"}, "rpm_limit"),
        ({"name": "x", "scope": "galactic"}, "scope"),
    ],
)
async def test_a_wrong_wish_for_a_key_makes_none(sandbox: Sandbox, speak: Speak, body: object, param: str) -> None:
    before = len(sandbox.account.keys)
    answer = await speak(2).post("/keys", json=body)
    assert refusal(answer) == (400, "bad_request")
    assert answer.json()["error"]["param"] == param
    assert len(sandbox.account.keys) == before


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "invalid_api_key"),
        ("Bearer", "invalid_api_key"),
        ("Bearer sk-not-ours", "invalid_api_key"),
        ("Basic cmstZXU=", "invalid_api_key"),
        ("Bearer rk-eu-unknownunknown", "api_key_not_found"),
        ("Bearer relai_sk_eu_live_" + "A" * 26, "api_key_not_found"),
    ],
)
async def test_who_has_no_good_key_is_refused(speak: Speak, header: str | None, code: str) -> None:
    answer = await speak(None).get("/models", headers={"Authorization": header} if header else {})
    assert refusal(answer) == (401, code)


async def test_an_account_that_is_not_set_up(sandbox: Sandbox, speak: Speak) -> None:
    sandbox.account.provisioned = False
    assert refusal(await speak(1).get("/balance")) == (401, "account_not_provisioned")


async def test_regions_are_kept_apart(sandbox: Sandbox, speak: Speak) -> None:
    american = sandbox.account.mint("US", region="us").secret
    older = sandbox.account.mint("US, first edition", edition=1, region="us").secret
    worldly = sandbox.account.mint("everywhere", region="us", scope="global").secret
    assert refusal(await speak(key=american).get("/balance")) == (403, "region_mismatch")
    assert refusal(await speak(key=older).get("/balance")) == (403, "region_mismatch")
    assert (await speak(key=worldly).get("/balance")).status_code == 200
    assert refusal(await speak(2).get("/balance", headers={"X-Relai-Region": "us"})) == (400, "region_mismatch")
    assert (await speak(2).get("/balance", headers={"X-Relai-Region": "eu"})).status_code == 200
    far = await speak(2).post("/chat/completions", json=chat("hi", model="llama-4-maverick"))
    assert refusal(far) == (400, "model_not_available_in_region")


async def test_a_key_has_its_requests_a_minute(sandbox: Sandbox, clock: Clock, speak: Speak) -> None:
    slow = sandbox.account.mint("slow", rpm_limit=2)
    client = speak(key=slow.secret)
    assert (await client.get("/balance")).status_code == 200
    clock.now += 20
    assert (await client.get("/balance")).status_code == 200
    clock.now += 15.5
    answer = await client.get("/balance")
    assert refusal(answer) == (429, "rate_limit_exceeded")
    assert answer.json()["error"]["retry_after"] == 25
    assert answer.headers["Retry-After"] == "25"
    assert (await speak(2).get("/balance")).status_code == 200, "another key has its own limit"
    clock.now += 25
    assert (await client.get("/balance")).status_code == 200
    assert slow.last_used_at == clock.now


async def test_models_and_aliases(speak: Speak) -> None:
    client = speak(2)
    ids = {model["id"] for model in (await client.get("/models")).json()["data"]}
    assert {"claude-opus-4.7", "claude-sonnet-4.6"} <= ids
    assert "smart" not in ids
    answer = await client.post("/chat/completions", json=chat("hello", model="reasoning/cheapest"))
    assert answer.json()["model"] == answer.headers["X-Relai-Model"] == "qwen3-235b-a22b-thinking-2507"
    assert answer.headers["X-Relai-Alias"] == "reasoning/cheapest"
    plain = await client.post("/chat/completions", json=chat("hello", model="gpt-5.2"))
    assert "X-Relai-Alias" not in plain.headers
    assert refusal(await client.post("/chat/completions", json=chat("x", model="gpt-9"))) == (404, "model_not_found")
    first = speak(1)
    old = await first.post("/chat/completions", json=chat("hello", model="smart"))
    assert old.json()["model"] == "claude-sonnet-4.6"
    assert "X-Relai-Model" not in old.headers
    assert refusal(await first.post("/chat/completions", json=chat("x", model="best"))) == (404, "model_not_found")


async def test_end_users_and_settings(speak: Speak) -> None:
    client = speak(2)
    made = await client.post("/users", json={"external_id": "a/b ü", "monthly_quota_dollars": 10})
    assert made.status_code == 201
    again = await client.post("/users", json={"external_id": "a/b ü", "daily_quota_dollars": 1.5})
    assert (again.status_code, again.json()["monthly_quota_dollars"]) == (200, 10)
    assert (await client.get("/users?limit=1")).json()["total"] == 1
    changed = await client.patch("/users/a%2Fb%20%C3%BC", json={"monthly_quota_dollars": None})
    assert (changed.json()["monthly_quota_dollars"], changed.json()["daily_quota_dollars"]) == (None, 1.5)
    assert refusal(await client.patch("/users/a%2Fb%20%C3%BC", json={"alert_threshold": "x"})) == (400, "bad_request")
    assert refusal(await client.post("/users", json={"external_id": "bad", "daily_quota_dollars": -1}))[0] == 400
    assert (await client.get("/users")).json()["total"] == 1, "a refused user is not left behind"
    assert (await client.delete("/users/a%2Fb%20%C3%BC")).status_code == 204
    assert refusal(await client.get("/users/a%2Fb%20%C3%BC")) == (404, "not_found")
    assert (await client.patch("/orgs/sandbox/settings", json={"low_balance_threshold_dollars": 2})).json()[
        "low_balance_threshold_dollars"
    ] == 2
    assert refusal(await client.get("/orgs/other/settings")) == (404, "not_found")


async def test_the_journal_proves_one_post_and_keeps_no_key(sandbox: Sandbox, speak: Speak) -> None:
    await speak(1).post("/keys", json={"name": "once"})
    [asked] = sandbox.requests.of("POST", "/keys")
    assert (asked.body, asked.status) == ({"name": "once"}, 200)
    assert asked.headers["authorization"] == f"Bearer {sandbox.keys[1][:9]}…"
    shown = await speak(None, control=True).get(f"{sandbox.origin}/__sandbox/requests")
    assert [one["path"] for one in shown.json()["requests"]] == ["/v1/keys"]
    assert sandbox.keys[1] not in shown.text
    elsewhere = await speak(None, control=True).get(
        f"{sandbox.origin}/__sandbox/requests", headers={"Host": "evil.example:80"}
    )
    assert elsewhere.status_code == 403
    await speak(None, control=True).delete(f"{sandbox.origin}/__sandbox/requests")
    assert len(sandbox.requests) == 0
