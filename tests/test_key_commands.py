"""`relai-tui keys` in pipes, scripts and terminals, against the real sandbox."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from relai_tui.sandbox.faults import error, lost_answer, no_secret
from relai_tui.sandbox.server import Sandbox
from tests.key_stories import posts
from tests.terminal import terminal


@dataclass
class Ended:
    code: int
    out: str
    err: str


@dataclass
class Shell:
    sandbox: Sandbox
    home: Path

    @property
    def key(self) -> str:
        return next(iter(self.sandbox.keys.values()))

    def environ(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        kept |= {"RELAI_TUI_HOME": str(self.home), "RELAI_BASE_URL": self.sandbox.base_url}
        return kept | {"RELAI_API_KEY": self.key}

    async def run(self, *arguments: str) -> Ended:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "relai_tui", "keys", *arguments, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=self.environ(),
        )  # fmt: skip
        out, err = await process.communicate()
        return Ended(process.returncode or 0, out.decode(), err.decode())


@pytest.fixture(params=[1, 2], ids=["edition 1", "edition 2"])
async def shell(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shell]:
    async with Sandbox(edition=request.param) as sandbox:
        yield Shell(sandbox, tmp_path / "home")


async def test_the_list_for_people_and_for_programs(shell: Shell) -> None:
    edition = next(iter(shell.sandbox.keys))
    shell.sandbox.account.mint("\x1b[31mred\x1b]52;c;eA==\x07 日本", edition=edition)
    shown, told = await asyncio.gather(shell.run("list"), shell.run("list", "--json"))
    assert (shown.code, told.code) == (0, 0)
    assert "this session" in shown.out
    assert "no recorded use" in shown.out
    assert "\x1b" not in shown.out + told.out
    (ours,) = [key for key in json.loads(told.out) if key["this_session"] == "yes"]
    assert ours["id"] == shell.sandbox.account.keys[0].id


async def test_a_secret_goes_to_a_pipe_only_when_it_is_asked_to(shell: Shell) -> None:
    held = await shell.run("create", "CI")
    assert held.code == 8
    assert "--reveal" in held.err
    assert posts(shell.sandbox) == 0
    made = await shell.run("create", "CI", "--rpm", "300", "--reveal")
    assert made.code == 0
    minted = shell.sandbox.account.keys[-1]
    assert made.out == f"{minted.secret}\n"
    assert minted.secret not in made.err
    assert (minted.name, minted.rpm_limit) == ("CI", 300)
    assert posts(shell.sandbox) == 1
    logged = await shell.run("log")
    assert "done" in logged.out
    assert minted.secret not in logged.out


async def test_a_secret_is_shown_on_a_terminal(shell: Shell) -> None:
    async with terminal("-m", "relai_tui", "keys", "create", "By hand", environ=shell.environ()) as running:
        assert await running.ended() == 0
        await running.until(lambda written: shell.sandbox.account.keys[-1].secret.encode() in written)


async def test_wrong_arguments_send_nothing(shell: Shell) -> None:
    for arguments in (("create",), ("create", "x" * 65), ("create", "x", "--rpm", "1001"), ("frobnicate",)):
        assert (await shell.run(*arguments, *(["--reveal"] if len(arguments) > 1 else []))).code == 2
    assert len(shell.sandbox.requests) == 0


async def test_a_lost_answer_and_one_without_a_secret_say_what_to_revoke(shell: Shell) -> None:
    shell.sandbox.faults.add(lost_answer(), method="POST", path="/keys", times=1)
    lost = await shell.run("create", "CI", "--reveal")
    assert (lost.code, lost.out) == (3, "")
    assert f"keys revoke {shell.sandbox.account.keys[-1].id}" in lost.err
    assert posts(shell.sandbox) == 1
    shell.sandbox.faults.add(no_secret(), times=1)
    empty = await shell.run("create", "CI 2", "--reveal")
    assert empty.code == 3
    assert f"keys revoke {shell.sandbox.account.keys[-1].id}" in empty.err


async def test_revoking_has_the_guards_of_the_room(shell: Shell) -> None:
    edition = next(iter(shell.sandbox.keys))
    busy = shell.sandbox.account.mint("Busy", edition=edition, last_used_at=shell.sandbox.account.clock() - 60)
    idle = shell.sandbox.account.mint("Idle", edition=edition)
    assert (await shell.run("revoke", idle.id)).code == 0
    assert idle.revoked_at is not None
    held = await shell.run("revoke", busy.id)
    assert held.code == 8
    assert "--confirm 'Busy'" in held.err
    assert (await shell.run("revoke", busy.id, "--confirm", "busy")).code == 8
    assert busy.revoked_at is None
    assert (await shell.run("revoke", busy.id, "--confirm", "Busy")).code == 0
    assert busy.revoked_at is not None
    assert (await shell.run("revoke", busy.id)).code == 0
    assert (await shell.run("--read-only", "revoke", shell.sandbox.account.keys[0].id, "--confirm", "x")).code == 8


async def test_a_key_that_is_not_named_by_its_id_is_asked_back(shell: Shell) -> None:
    edition = next(iter(shell.sandbox.keys))
    key = shell.sandbox.account.mint("Staging", edition=edition)
    for given in (["revoke", "Staging", "--confirm", "Staging"], ["rotate", "Stagin", "--reveal"]):
        ended = await shell.run(*given)
        assert (ended.code, ended.out) == (2, "")
        assert f"did you mean {key.id} (Staging)?" in ended.err
    assert key.revoked_at is None
    assert posts(shell.sandbox) == 0


async def test_a_change_without_an_id_asks_for_one_and_sends_nothing(shell: Shell) -> None:
    for given in (["revoke"], ["rotate", " "]):
        ended = await shell.run(*given)
        assert ended.code == 2
        assert f"keys {given[0]} ID" in ended.err
    assert len(shell.sandbox.requests) == 0


async def test_two_keys_of_one_name_are_both_named(shell: Shell) -> None:
    edition = next(iter(shell.sandbox.keys))
    twins = [shell.sandbox.account.mint("Twin", edition=edition) for _ in range(2)]
    ended = await shell.run("revoke", "Twin")
    assert ended.code == 2
    assert all(key.id in ended.err for key in twins)


async def test_looking_for_what_is_not_there_is_said(shell: Shell) -> None:
    listed, logged = await asyncio.gather(shell.run("list", "nothing-like-it"), shell.run("log", "nothing-like-it"))
    assert "no key matches" in listed.err
    assert "nothing is logged" in logged.err


@pytest.mark.parametrize("redirect", [">&-", ">/dev/full"])
async def test_a_secret_that_cannot_be_printed_leaves_no_key_unnoticed(shell: Shell, redirect: str) -> None:
    line = f'"$@" {redirect}'
    process = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", line, "sh", sys.executable, "-m", "relai_tui", "keys", "create", "CI", "--reveal",
        stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, env=shell.environ(),
    )  # fmt: skip
    _, err = await process.communicate()
    if redirect == ">&-":
        assert process.returncode == 8
        assert posts(shell.sandbox) == 0
    else:
        assert process.returncode == 3
        assert f"its secret is lost: relai-tui keys revoke {shell.sandbox.account.keys[-1].id}" in err.decode()


async def test_ctrl_c_at_the_question_revokes_nothing(shell: Shell) -> None:
    ours = shell.sandbox.account.keys[0]
    async with terminal("-m", "relai_tui", "keys", "revoke", ours.id, environ=shell.environ()) as running:
        await running.until(lambda written: b"to revoke it:" in written)
        running.press("\x03")
        assert await running.ended() == 130
        await running.until(lambda written: b"nothing was revoked" in written)
    assert ours.revoked_at is None


async def test_a_rotation_in_two_steps(shell: Shell) -> None:
    old = shell.sandbox.account.keys[0]
    held = await shell.run("rotate", old.id)
    assert held.code == 8
    assert posts(shell.sandbox) == 0
    begun = await shell.run("rotate", old.id, "--reveal")
    new = shell.sandbox.account.keys[-1]
    assert (begun.code, begun.out) == (0, f"{new.secret}\n")
    assert "environment RELAI_API_KEY: change it there" in begun.err
    assert old.revoked_at is None
    refused = await shell.run("rotate", old.id, "--confirm", old.name)
    assert refused.code == 8
    assert "still uses the old key" in refused.err
    shell.sandbox.keys = {old.edition: new.secret}
    ended = await shell.run("rotate", old.id, "--confirm", old.name)
    assert ended.code == 0, ended.err
    assert old.revoked_at is not None
    assert posts(shell.sandbox) == 1


async def test_servers_without_keys_and_keys_that_may_not(shell: Shell) -> None:
    shell.sandbox.faults.add(error(404, "not_found"), path="/keys", times=1)
    without = await shell.run("list")
    assert without.code == 4
    assert "no API keys to manage" in without.err
    shell.sandbox.faults.add(error(401, "invalid_api_key"), path="/keys", times=1)
    assert (await shell.run("list")).code == 5
