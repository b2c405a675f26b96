"""`relai-tui balance` in scripts, status bars and terminals, as another program sees it, against the real sandbox."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relai_tui.sandbox.faults import answer, balance, error, hang_up, html
from relai_tui.sandbox.server import Sandbox
from relai_tui.store.database import Store
from tests.commands_shell import Shell


@pytest.fixture(params=[1, 2], ids=["edition 1", "edition 2"])
async def shell(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shell]:
    async with Sandbox(edition=request.param, tokens_per_second=0) as sandbox:
        running = Shell(sandbox, tmp_path / "home")
        yield running
        await running.end()


async def kept(shell: Shell, *readings: tuple[float, int]) -> None:
    """Readings of earlier, in seconds before now and micro-dollars."""
    async with await Store.open(shell.home / "data" / "relai.db") as store:
        for before, micro in readings:
            await store.ledger.add_reading("default", "eu", micro, time.time() - before, "balance")


def asked(shell: Shell) -> int:
    return len(shell.sandbox.requests.of("GET", "/balance"))


async def test_the_balance_for_people_and_for_programs(shell: Shell) -> None:
    shown = await shell.run("balance")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith("$4.50")
    told = json.loads((await shell.run("balance", "--json")).out)
    assert told["credits_micro"] == 4_500_000
    assert told["as_of"].endswith("Z")
    assert (told["stale"], told["trouble"]) == (False, None)
    assert (told["burn_micro_per_hour"], told["runway_seconds"]) == (None, None)
    assert told["pace"] == "gathering"
    assert asked(shell) == 2


async def test_pace_and_runway_come_together(shell: Shell) -> None:
    await kept(shell, *((3_600.0 * hours, 4_500_000 + 100_000 * hours) for hours in range(30, 0, -1)))
    told = json.loads((await shell.run("balance", "--json")).out)
    assert told["pace"] == "burning"
    assert 50_000 < told["burn_micro_per_hour"] < 200_000
    earliest, latest = told["runway_seconds"]
    assert earliest > 0
    assert latest is None or earliest <= latest


async def test_below_has_a_code_of_its_own(shell: Shell) -> None:
    assert (await shell.run("balance", "--below", "4.50")).code == 0
    assert (await shell.run("balance", "--below", "4.500001")).code == 9
    assert (await shell.run("balance", "--below", "$5")).code == 9
    wrong = await shell.run("balance", "--below", "much")
    assert wrong.code == 2
    assert "1.00" in wrong.err
    shell.sandbox.account.set_credits(-5)
    below_nothing = await shell.run("balance", "--below", "0", "--json")
    assert below_nothing.code == 9
    assert json.loads(below_nothing.out)["credits_micro"] == -5


@pytest.mark.parametrize("told", ["null", "NaN", '"many"', "4.5e-3", "true", "1e400", "[]"])
async def test_a_malformed_balance_is_unknown_and_never_nothing(told: str, tmp_path: Path) -> None:
    async with Sandbox(edition=1) as sandbox:
        shell = Shell(sandbox, tmp_path / "home")
        sandbox.faults.add(balance(told))
        ended = await shell.run("balance", "--json", "--below", "1")
        assert ended.code == 3
        assert json.loads(ended.out)["credits_micro"] is None
        assert json.loads(ended.out)["as_of"] is None
        assert "no balance" in ended.err


@pytest.mark.parametrize("shell", [2], indirect=True)
async def test_offline_the_last_figure_is_told_with_its_age(shell: Shell) -> None:
    await kept(shell, (7_200.0, 3_000_000))
    shell.sandbox.faults.add(hang_up())
    shown, told, bar = await asyncio.gather(
        *(shell.run("balance", *form) for form in ((), ("--json",), ("--format", "tmux")))
    )
    assert (shown.code, told.code, bar.code) == (3, 3, 0)
    assert shown.out.startswith("$3.00")
    assert "2 h" in shown.out
    assert "read earlier" in shown.err
    values = json.loads(told.out)
    assert (values["credits_micro"], values["stale"], values["runway_seconds"]) == (3_000_000, True, None)
    assert values["trouble"]
    assert "⚠ 2 h" in bar.out


async def test_refusals_have_their_codes(shell: Shell) -> None:
    shell.sandbox.faults.add(answer(429, {"error": {"code": "rate_limit_exceeded"}}, retry_after=900))
    limited = await shell.run("balance")
    assert limited.code == 7
    assert "15 min" in limited.err
    shell.sandbox.faults.clear()
    shell.sandbox.faults.add(error(404, "not_found"), path="/balance")
    without = await shell.run("balance")
    assert (without.code, without.out) == (4, "")
    shell.sandbox.faults.clear()
    shell.more = {"RELAI_API_KEY": "rk-eu-thiskeydoesnotexist0000"}
    assert (await shell.run("balance")).code == 5
    shell.more = {"RELAI_API_KEY": "", "RELAI_BASE_URL": ""}
    nowhere = await shell.run("balance")
    assert nowhere.code == 5
    assert "RELAI_API_KEY" in nowhere.err


async def test_a_proxys_page_is_told_and_not_taken_for_a_balance(shell: Shell) -> None:
    shell.sandbox.faults.add(html(200), path="/balance")
    ended = await shell.run("balance", "--json")
    assert ended.code == 3
    assert json.loads(ended.out)["credits_micro"] is None


async def test_status_bars_ask_nothing_while_a_reading_is_fresh(shell: Shell) -> None:
    await kept(shell, (20.0, 12_345_678))
    tmux, waybar, plain = [await shell.run("balance", "--format", form) for form in ("tmux", "waybar", "plain")]
    assert tmux.out == "#[fg=default]$12.34#[default]\n"
    assert json.loads(waybar.out)["class"] == "ok"
    assert json.loads(waybar.out)["text"] == "$12.34"
    assert plain.out == "$12.34\n"
    assert asked(shell) == 0


async def test_a_bar_reads_when_nothing_is_fresh(shell: Shell) -> None:
    await kept(shell, (120.0, 12_345_678))
    assert (await shell.run("balance", "--format", "plain")).out.startswith("$4.50")
    shell.sandbox.account.set_credits(400_000)
    low = await shell.run("balance", "--format", "waybar")
    assert asked(shell) == 1, "the second one shares the first one's reading"
    assert json.loads(low.out)["text"].startswith("$4.50")


async def test_the_urgent_is_in_colour(shell: Shell) -> None:
    shell.sandbox.account.set_credits(400_000)
    assert "#[fg=red]$0.40" in (await shell.run("balance", "--format", "tmux")).out
    assert json.loads((await shell.run("balance", "--format", "waybar")).out)["class"] == "critical"


async def test_a_watch_tells_each_reading_and_ends_when_it_is_told_to(shell: Shell) -> None:
    process = await shell.start("balance", "--watch", "--json")
    assert process.stdout
    first = json.loads(await process.stdout.readline())
    assert first["credits_micro"] == 4_500_000
    process.send_signal(signal.SIGTERM)
    _, err = await process.communicate()
    assert (process.returncode, err) == (130, b"")


async def test_a_watch_ends_below_and_where_there_is_nothing_to_watch(shell: Shell) -> None:
    low = await shell.run("balance", "--watch", "--below", "5")
    assert low.code == 9
    assert len(low.out.splitlines()) == 1
    shell.sandbox.faults.add(error(401, "invalid_api_key"), path="/balance")
    refused = await shell.run("balance", "--watch")
    assert refused.code == 5
    assert len(refused.err.splitlines()) == 1


async def test_two_watches_share_what_they_read(shell: Shell) -> None:
    watches = [await shell.start("balance", "--watch", "--format", "plain") for _ in range(2)]
    for watch in watches:
        assert watch.stdout
        assert (await watch.stdout.readline()).startswith(b"$4.50")
    assert asked(shell) <= 2, "one each at the start, and then one of them reads for both"
    for watch in watches:
        watch.terminate()
        await watch.wait()


async def test_no_textual_is_loaded(shell: Shell) -> None:
    for arguments in (("balance", "--json"), ("usage", "--json"), ("receipt",)):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-X", "importtime", "-m", "relai_tui", *arguments, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=shell.environ(),
        )  # fmt: skip
        _, err = await process.communicate()
        assert process.returncode == 0
        assert b"relai_tui.spending.desk" in err
        assert b"textual" not in err
