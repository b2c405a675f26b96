"""`relai-tui usage` and `relai-tui receipt` in scripts, against the real sandbox in both editions."""

import asyncio
import csv
import io
import json
import os
import stat
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relai_tui.conversation import CostBasis
from relai_tui.sandbox.account import Account
from relai_tui.sandbox.faults import answer, error, hang_up
from relai_tui.sandbox.models import BY_ID
from relai_tui.sandbox.server import Sandbox
from tests.commands_shell import Shell
from tests.terminal import terminal

DAY = 86_400.0


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[Shell]:
    """Edition 2, with requests of three days by two keys."""
    account = Account()
    async with Sandbox(edition=2, tokens_per_second=0, account=account) as sandbox:
        ours = account.by_secret(sandbox.keys[2])
        other = account.mint("Somebody =else", last_used_at=account.clock())
        assert ours is not None
        for number in range(30):
            account.charge(
                BY_ID["claude-sonnet-4.6" if number % 3 else "gpt-5-mini"], 1_000, 500,
                key=other if number % 5 == 0 else ours, request_id=f"req_{number}",
                at=account.clock() - 60 - number * DAY / 10,
            )  # fmt: skip
        running = Shell(sandbox, tmp_path / "home")
        yield running
        await running.end()


@pytest.fixture
async def first(tmp_path: Path) -> AsyncIterator[Shell]:
    async with Sandbox(edition=1, tokens_per_second=0) as sandbox:
        running = Shell(sandbox, tmp_path / "home")
        yield running
        await running.end()


async def test_what_models_cost_adds_up_to_what_the_account_was_charged(shell: Shell) -> None:
    ended = await shell.run("usage", "--by", "model", "--json")
    assert (ended.code, ended.err) == (0, "")
    told = json.loads(ended.out)
    charged = [event for event in shell.sandbox.account.usage if event.timestamp > time.time() - 7 * DAY]
    assert (told["source"], told["complete"], told["unknown"]) == ("usage", True, 0)
    assert told["cost_micro"] == sum(event.cost_micro for event in charged)
    assert sum(row["cost_micro"] for row in told["rows"]) == told["cost_micro"]
    assert {row["id"]: row["count"] for row in told["rows"]} == {"claude-sonnet-4.6": 20, "gpt-5-mini": 10}


async def test_days_keys_and_a_time(shell: Shell) -> None:
    days = json.loads((await shell.run("usage", "--by", "day", "--json")).out)
    assert sum(row["count"] for row in days["rows"]) == 30
    assert [row["id"] for row in days["rows"]] == sorted(row["id"] for row in days["rows"])
    recent = json.loads((await shell.run("usage", "--since", "24h", "--json")).out)
    assert 0 < recent["count"] < 30
    keys = json.loads((await shell.run("usage", "--by", "key", "--json")).out)
    assert {row["name"]: row["count"] for row in keys["rows"]} == {
        next(key.name for key in shell.sandbox.account.keys if key.secret == shell.key): 24,
        "Somebody =else": 6,
    }
    assert keys["count"] == 30


async def test_a_table_and_a_spreadsheet(shell: Shell) -> None:
    table = await shell.run("usage")
    assert table.code == 0
    assert "claude-sonnet-4.6" in table.out
    assert table.out.splitlines()[-1].startswith("total")
    assert "every request of the account" in table.err
    rows = list(csv.DictReader(io.StringIO((await shell.run("usage", "--by", "key", "--csv")).out)))
    assert len(rows) == 2
    assert all(int(row["cost_micro"]) > 0 for row in rows)


async def test_the_second_look_reads_one_page(shell: Shell) -> None:
    await shell.run("usage")
    before = len(shell.sandbox.requests.of("GET", "/usage"))
    await shell.run("usage")
    assert len(shell.sandbox.requests.of("GET", "/usage")) == before + 1


async def test_a_long_read_shows_its_progress_on_a_terminal(shell: Shell) -> None:
    async with terminal("-m", "relai_tui", "usage", environ=shell.environ()) as running:
        await running.until(lambda written: b"requests: 30 of 30" in written)
        await running.until(lambda written: b"total" in written)
        assert await running.ended() == 0


async def test_without_usage_this_machines_own_answers_are_summed(first: Shell) -> None:
    for prompt in ("one", "two"):
        assert (await first.run("ask", prompt)).code == 0
    ended = await first.run("usage", "--json")
    assert ended.code == 0
    told = json.loads(ended.out)
    assert (told["source"], told["count"]) == ("turns", 2)
    by_conversation = json.loads((await first.run("usage", "--by", "conversation", "--json")).out)
    assert by_conversation["count"] == 2
    assert {row["name"] for row in by_conversation["rows"]} == {"one", "two"}
    keys = await first.run("usage", "--by", "key")
    assert keys.code == 4
    assert "--by model" in keys.err


async def test_unknown_costs_are_counted_apart_and_are_not_nothing(first: Shell) -> None:
    await first.run("ask", "one")
    told = json.loads((await first.run("usage", "--json")).out)
    if told["unknown"]:
        assert told["cost_micro"] is None
        assert "— (1 unknown)" in (await first.run("usage")).out


async def test_offline_and_limited_the_kept_is_told_with_a_code(shell: Shell) -> None:
    assert (await shell.run("usage", "--json")).code == 0
    shell.sandbox.faults.add(hang_up())
    ended = await shell.run("usage", "--json")
    assert ended.code == 3
    assert json.loads(ended.out)["count"] == 30
    assert "kept" in ended.err
    shell.sandbox.faults.clear()
    shell.sandbox.faults.add(answer(429, {"error": {"code": "rate_limit_exceeded"}}, retry_after=900))
    limited = await shell.run("usage", "--json")
    assert limited.code == 7
    assert json.loads(limited.out)["count"] == 30


async def test_a_server_whose_usage_is_gone_shows_what_is_known(shell: Shell) -> None:
    shell.sandbox.faults.add(error(404, "not_found"), path="/usage")
    told = json.loads((await shell.run("usage", "--json")).out)
    assert told["source"] == "turns"


async def test_wrong_times_send_nothing(shell: Shell) -> None:
    for arguments in (("--since", "soon"), ("--since", "1d", "--until", "2d"), ("--by", "colour")):
        ended = await shell.run("usage", *arguments)
        assert ended.code == 2
    assert len(shell.sandbox.requests) == 0


async def test_a_receipt_of_a_conversation_joins_turn_and_request(shell: Shell) -> None:
    assert (await shell.run("ask", "one")).code == 0
    assert (await shell.run("ask", "-c", "two")).code == 0
    ended = await shell.run("receipt", "--conversation", "last")
    assert ended.code == 0, ended.err
    charged = shell.sandbox.account.usage[-2:]
    table = await shell.run("receipt", "--conversation", "last", "--csv")
    rows = list(csv.DictReader(io.StringIO(table.out)))
    assert {row["request"]: int(row["cost_micro"]) for row in rows} == {
        event.request_id: event.cost_micro for event in charged
    }
    assert {(row["kind"], row["basis"]) for row in rows} == {("answer", "exact")}
    assert str(sum(event.cost_micro for event in charged))[:3] in ended.out.replace(".", "")


async def test_a_receipt_replaces_no_pipe_and_no_device(shell: Shell, tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link.md"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    refused = await shell.run("receipt", "-o", str(pipe))
    assert (refused.code, "not a regular file" in refused.err) == (2, True)
    assert stat.S_ISFIFO(pipe.lstat().st_mode)
    assert (await shell.run("receipt", "-o", str(tmp_path))).code == 2
    assert (await shell.run("receipt", "-o", str(link))).code == 2
    assert link.is_symlink()
    assert (await shell.run("receipt", "-o", "")).code == 2
    assert (await shell.run("receipt", "-o", "-")).out.startswith("| time")


async def test_a_receipt_of_a_time_to_a_file(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "november.csv"
    ended = await shell.run("receipt", "--since", "7d", "-o", str(file))
    assert (ended.code, ended.out) == (0, "")
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    assert len(rows) >= 30
    lost = await shell.run("receipt", "-o", str(tmp_path / "nowhere" / "x.md"))
    assert lost.code == 2
    assert "-o" in lost.err
    both = await shell.run("receipt", "--since", "7d", "--conversation", "last")
    assert both.code == 2
    unknown = await shell.run("receipt", "--conversation", "nope")
    assert unknown.code == 2
    assert await asyncio.to_thread(lambda: list(tmp_path.glob(".*.part"))) == []


async def test_a_receipt_without_usage_or_ledger(first: Shell) -> None:
    assert (await first.run("ask", "one")).code == 0
    ended = await first.run("receipt")
    assert ended.code == 0, ended.err
    assert "one" in ended.out
    assert CostBasis.EXACT.value not in ended.out
