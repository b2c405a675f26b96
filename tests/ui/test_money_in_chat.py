"""Money in the chat: what it cost, limits of one's own, out of credit, alerts, strangers, the key's rate."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relai_tui.account import Launch
from relai_tui.balance.ways import Way
from relai_tui.conversation import CostBasis, TurnState
from relai_tui.sandbox.account import Account as SandboxAccount
from relai_tui.sandbox.faults import error, raw
from relai_tui.sandbox.server import Sandbox
from relai_tui.ui.app import RelaiApp
from relai_tui.ui.chat.shortfall import Shortfall
from relai_tui.ui.dialogs import Confirm
from tests.ui.conftest import Desk, account_on, desk

CHAT = "/chat/completions"


@pytest.fixture(params=[1, 2], ids=["edition 1", "edition 2"])
async def sandbox(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    async with Sandbox(edition=request.param, account=SandboxAccount(seed=7), tokens_per_second=0) as running:
        yield running


def key_of(sandbox: Sandbox) -> str:
    return next(iter(sandbox.keys.values()))


def configured(home: Path, text: str) -> None:
    (home / "config").mkdir(parents=True, exist_ok=True)
    (home / "config" / "config.toml").write_text(text)


def asked(sandbox: Sandbox) -> int:
    return len(sandbox.requests.of("POST", CHAT))


async def counted(at: Desk) -> None:
    """Wait for the first reading: before it, nothing can be measured."""
    await at.until(lambda: at.bar.credits is not None)


async def test_after_the_machine_slept_the_balance_is_read_anew(sandbox: Sandbox, home: Path) -> None:
    now = 1_800_000_000.0
    account = account_on(sandbox, home, key_of(sandbox))
    app = RelaiApp(account, Launch(), wall_clock=lambda: now)
    async with app.run_test(size=(100, 30)) as pilot:
        at = Desk(app, pilot, account)
        await counted(at)
        reads = len(sandbox.requests.of("GET", "/balance"))
        now += 19.0
        app.look_at_the_clock()  # as every 20 seconds
        await pilot.pause()
        assert len(sandbox.requests.of("GET", "/balance")) == reads
        now += 8 * 3600
        app.look_at_the_clock()
        await at.until(lambda: len(sandbox.requests.of("GET", "/balance")) == reads + 1)


# -- what it cost


async def test_what_an_answer_cost_and_the_conversation_and_how_many_more(sandbox: Sandbox, home: Path) -> None:
    account = account_on(sandbox, home, key_of(sandbox))
    async with desk(account, size=(120, 36)) as at:
        await counted(at)
        await at.send("Say something short.")
        await at.answered()
        basis = "exact" if 2 in sandbox.keys else "measured"
        await at.sees(basis)
        await at.until(lambda: at.bar.spent is not None and "more like this" in at.bar.spent)
        spent = sum(event.cost_micro for event in sandbox.account.usage)
        (_, answer) = await at.kept()
        assert answer.figures.cost_micro == spent
        assert answer.figures.cost_basis is (CostBasis.EXACT if basis == "exact" else CostBasis.MEASURED)
        store = await account.store()
        assert await store.ledger.conversation_cost(answer.conversation_id) == (spent, 0)
        await at.pilot.press("ctrl+n")
        await at.until(lambda: at.bar.spent is None)


# -- limits of one's own


async def test_a_hard_limit_asks_before_anything_is_sent_and_is_raised_for_once(sandbox: Sandbox, home: Path) -> None:
    configured(home, "[limits]\nconversation = { hard = 0.000001 }\n")
    async with desk(account_on(sandbox, home, key_of(sandbox))) as at:
        await counted(at)
        await at.send("Say something short.")
        await at.answered()
        await at.until(lambda: at.bar.spent is not None and "$" in at.bar.spent)
        await at.send("And another.")
        await at.until(lambda: isinstance(at.app.screen, Confirm))
        await at.sees("spent in this conversation")
        assert asked(sandbox) == 1
        await at.pilot.press("escape")
        await at.until(lambda: at.draft.text == "And another.")
        assert asked(sandbox) == 1
        await at.pilot.press("enter")
        await at.until(lambda: isinstance(at.app.screen, Confirm))
        await at.pilot.press("right", "enter")
        await at.answered()
        assert asked(sandbox) == 2


async def test_a_soft_limit_is_said_and_sends(sandbox: Sandbox, home: Path) -> None:
    configured(home, "[limits]\nday = { soft = 0 }\n")
    async with desk(account_on(sandbox, home, key_of(sandbox))) as at:
        await at.send("Say something short.")
        await at.answered()
        await at.sees("over your soft limit: $0.00 of $0.00 spent today")
        assert asked(sandbox) == 1


# -- out of credit


async def test_out_of_credit_is_a_place_with_figures_and_ways_on(sandbox: Sandbox, home: Path) -> None:
    account = account_on(sandbox, home, key_of(sandbox))
    async with desk(account, size=(120, 40)) as at:
        await counted(at)
        sandbox.account.set_credits(3)
        await at.send("Write me a poem.")
        await at.sees("Out of credit")
        place = at.page.query_one(Shortfall)
        await at.until(lambda: place.display)
        shortage = place.shortage
        assert shortage is not None
        assert shortage.balance_micro == 3
        await at.sees("short")
        await at.sees("Ask cheap instead")
        assert [way.kind.value for way in shortage.ways] == ["again", "cheaper", "shorter", "leave"]
        prompt, answer = await at.kept()
        assert (prompt.text, answer.state) == ("Write me a poem.", TurnState.FAILED)
        before = asked(sandbox)

        sandbox.account.top_up(5_000_000)
        account.watch.read_soon()
        await at.sees("The balance rose")
        assert asked(sandbox) == before  # nothing is sent by itself

        await at.pilot.press("enter")
        await at.until(lambda: asked(sandbox) == before + 1)
        await at.answered()
        await at.until(lambda: not place.display)
        (*_, answer) = await at.kept()
        assert answer.state is TurnState.COMPLETE


async def test_the_ways_on_do_what_they_say(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home, key_of(sandbox)), size=(120, 40)) as at:
        for number in range(3):
            await at.send(f"Prompt {number}.")
            await at.answered()

        async def choose(kind: str) -> dict[str, object]:
            refusal = error(402, "insufficient_balance", balance_micro=10, required_micro=90)
            sandbox.faults.add(refusal, path=CHAT, times=1)
            await at.send("One more.")
            place = at.page.query_one(Shortfall)
            await at.until(lambda: place.shortage is not None)
            assert place.shortage
            ways: tuple[Way, ...] = place.shortage.ways
            index = [way.kind.value for way in ways].index(kind)
            await at.pilot.press("home", *["down"] * index, "enter")
            await at.until(lambda: not place.display)
            await at.answered()
            body = sandbox.requests.of("POST", CHAT)[-1].body
            assert isinstance(body, dict)
            return body

        assert (await choose("cheaper"))["model"] == "cheap"
        assert (await choose("shorter"))["max_tokens"] == 256
        messages = (await choose("fewer"))["messages"]
        assert isinstance(messages, list)
        assert len(messages) == 4
        assert messages[-1]["content"] == "One more."


# -- alerts and strangers


async def test_low_credits_are_told_once_and_never_by_a_dialog(sandbox: Sandbox, home: Path) -> None:
    sandbox.account.set_credits(1_500_000)
    account = account_on(sandbox, home, key_of(sandbox))
    async with desk(account, size=(120, 36)) as at:
        await at.sees("The credits run low: $1.50 left")
        assert at.app.screen is at.page
        told = len(at.app._notifications)
        account.watch.read_soon()
        last = account.watch.last
        await at.until(lambda: account.watch.last is not last)
        await at.pilot.pause()
        assert len(at.app._notifications) == told


async def test_somebody_else_is_spending(sandbox: Sandbox, home: Path) -> None:
    account = account_on(sandbox, home, key_of(sandbox))
    edition = next(iter(sandbox.keys))
    async with desk(account, size=(140, 36)) as at:
        await counted(at)
        await at.pilot.pause()
        other = sandbox.account.mint("CI", edition=edition)
        other.last_used_at = sandbox.account.clock() + 5
        sandbox.account.book(-420_000, "usage", "req_other")
        account.watch.read_soon()
        await at.sees("$0.42 was spent, but not from here")
        await at.sees("“CI” was used last")
        await at.pilot.press("escape")
        await at.until(lambda: at.status.notice is None)


# -- the key's rate


async def test_a_send_above_the_rate_waits_visibly_and_escape_gives_it_back(
    sandbox: Sandbox, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = account_on(sandbox, home, key_of(sandbox))
    async with desk(account, size=(120, 30)) as at:
        await at.send("hello")
        await at.answered()
        await at.until(lambda: account.governor.limit == 1_000)  # as the server's list tells
        account.governor.limit = 60
        while account.governor.used() < 60:  # the reading of the balance is one of them
            account.governor.sent()
        await at.send("Too much.")
        await at.sees("sending in")
        await at.sees("60 of 60 requests of this minute are used")
        assert asked(sandbox) == 1
        await at.pilot.press("escape")
        await at.until(lambda: at.draft.text == "Too much.")
        assert at.status.holding is None
        assert asked(sandbox) == 1
        account.governor._sent.clear()
        while account.governor.used() < 43:
            account.governor.sent()
        await at.pilot.press("enter")
        await at.answered()
        assert asked(sandbox) == 2
        await at.sees("44/60 this minute")


async def test_a_quota_that_is_used_up_is_called_what_it_is(sandbox: Sandbox, home: Path) -> None:
    sandbox.faults.add(error(429, "end_user_quota_exceeded", "The daily quota of this user is used up."), path=CHAT)
    async with desk(account_on(sandbox, home, key_of(sandbox)), size=(140, 30)) as at:
        await at.send("hello")
        await at.until(lambda: at.status.notice is not None and "Waiting does not help" in at.status.notice)
        await at.answered()
        assert asked(sandbox) == 1


async def test_low_credits_reach_the_desktop_where_that_is_wanted(
    sandbox: Sandbox, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(home, "[alerts]\ndesktop = true\n")
    sandbox.account.set_credits(1_500_000)
    async with desk(account_on(sandbox, home, key_of(sandbox)), size=(120, 30)) as at:
        written: list[str] = []
        driver = at.app._driver
        assert driver is not None
        monkeypatch.setattr(driver, "write", written.append)  # what the terminal would get
        await at.sees("The credits run low")
        said = "The credits run low: $1.50 left"
        assert f"\x1b]9;{said}\x1b\\\x1b]777;notify;relai-tui;{said}\x1b\\" in written


async def test_a_quota_warning_stays_in_the_status_line_until_it_is_put_away(sandbox: Sandbox, home: Path) -> None:
    warning = '{"warnings":[{"code":"quota","message":"85 % of the daily quota is used.","percent":0.85}]}'
    sandbox.faults.add(raw(f"event: relai.warning\ndata: {warning}\n\n", after=1), times=1)
    async with desk(account_on(sandbox, home, key_of(sandbox)), size=(120, 30)) as at:
        await at.send("hello")
        await at.answered()
        await at.sees("85 % of the daily quota is used. · Esc hides")
        await at.pilot.press("escape")
        await at.until(lambda: at.status.notice is None)
