"""Signals to a command: what came is kept, and it is said what may have happened."""

import asyncio
import os
import signal
import sys
import time

import pytest

from relai_tui.commands.ending import until_stopped
from relai_tui.conversation import TurnState
from relai_tui.sandbox.faults import Fault, lost_answer
from tests.commands_shell import Shell
from tests.key_stories import account_on
from tests.terminal import terminal

LONG = "very long 4000 at 200/s"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("times", [1, 3])
async def test_a_signal_stops_ask_and_nothing_that_came_is_lost(shell: Shell, number: int, times: int) -> None:
    process = await shell.start("ask", LONG)
    assert process.stdout
    came = await process.stdout.read(20)
    for _ in range(times):
        process.send_signal(number)
    more, err = await process.communicate()
    assert (process.returncode, err) == (130, b"")
    _, answer = await shell.kept()
    assert answer.state is TurnState.STOPPED
    assert (came + more).decode().strip() == answer.text.strip()


async def test_an_impatient_second_signal_does_not_break_off_the_saving(shell: Shell) -> None:
    started, saving, again = asyncio.Event(), asyncio.Event(), asyncio.Event()
    saved = []

    async def work() -> int:
        try:
            started.set()
            await asyncio.Event().wait()
        finally:
            saving.set()
            await again.wait()
            saved.append("all of it")
        return 0

    command = asyncio.create_task(until_stopped(account_on(shell.sandbox, shell.home, shell.key), work()))
    await started.wait()
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGTERM)
        await saving.wait()
        await asyncio.to_thread(time.sleep, 0)  # a turn of the loop, in which the second one is heard
    again.set()
    assert await command == 130
    assert saved
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().remove_signal_handler(number)


async def test_a_signal_before_the_first_word_leaves_no_answer_streaming(shell: Shell) -> None:
    shell.sandbox.faults.add(Fault(delay=60), path="/chat/completions")
    process = await shell.start("ask", "hi")
    while not shell.asked():
        await asyncio.sleep(0.01)
    process.send_signal(signal.SIGHUP)
    await process.communicate()
    assert process.returncode == 130
    assert (await shell.kept())[1].state is TurnState.STOPPED


async def test_a_terminal_that_is_closed_stops_ask(shell: Shell) -> None:
    async with terminal("-m", "relai_tui", "ask", LONG, environ=shell.environ() | {"TERM": "xterm"}) as running:
        await running.until(lambda written: len(written) > 20)
        running.hang_up()
        assert await running.ended() == 130
    _, answer = await shell.kept()
    assert answer.state is TurnState.STOPPED
    assert answer.text


async def test_a_hangup_that_nohup_ignores_stays_ignored(shell: Shell) -> None:
    process = await asyncio.create_subprocess_exec(
        "nohup", sys.executable, "-m", "relai_tui", "ask", "very long 300 at 600/s", stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, env=shell.environ(),
    )  # fmt: skip
    shell.started.append(process)
    assert process.stdout
    await process.stdout.read(20)
    process.send_signal(signal.SIGHUP)
    await process.communicate()
    assert process.returncode == 0
    assert (await shell.kept())[1].state is TurnState.COMPLETE


async def revoking(shell: Shell) -> tuple[str, asyncio.subprocess.Process]:
    """A revocation whose answer does not come."""
    idle = shell.sandbox.account.mint("Staging", edition=shell.edition)
    shell.sandbox.faults.add(Fault(delay=60), method="DELETE", path="/keys/*")
    process = await shell.start("keys", "revoke", idle.id)
    while not shell.sandbox.faults.met:
        await asyncio.sleep(0.01)
    return idle.id, process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_revoking_that_is_stopped_tells_what_may_have_happened(shell: Shell, number: int) -> None:
    key_id, process = await revoking(shell)
    process.send_signal(number)
    _, err = await process.communicate()
    assert process.returncode == 130
    assert f"“Staging” ({key_id}) may have been revoked; check with: relai-tui keys list" in err.decode()
    assert "Traceback" not in err.decode()
    assert len(err.splitlines()) == 1
    shell.sandbox.faults.clear()
    assert "may have been revoked" in (await shell.run("keys", "log")).out


async def test_revoking_that_is_stopped_before_it_is_asked_for_revoked_nothing(shell: Shell) -> None:
    shell.sandbox.faults.add(Fault(delay=60), method="GET", path="/keys")
    process = await shell.start("keys", "revoke", "some-id")
    while not shell.sandbox.faults.met:
        await asyncio.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = await process.communicate()
    assert process.returncode == 130
    assert "nothing was revoked" in err.decode()


@pytest.mark.parametrize("action", ["create", "rotate"])
async def test_creating_goes_on_at_the_first_ctrl_c_and_tells_at_the_second(shell: Shell, action: str) -> None:
    shell.sandbox.faults.add(Fault(delay=60), method="POST", path="/keys")
    name = shell.sandbox.account.keys[0].name
    target = shell.sandbox.account.keys[0].id if action == "rotate" else name
    process = await shell.start("keys", action, target, "--reveal")
    assert process.stderr
    while not shell.sandbox.faults.met:
        await asyncio.sleep(0.01)
    process.send_signal(signal.SIGINT)
    said = b""
    while b"one moment" not in said:
        said += await process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, err = await process.communicate()
    assert process.returncode == 130
    assert f"“{name}” may have been created; check with: relai-tui keys list" in err.decode()
    assert "Traceback" not in err.decode()
    assert (f"to go on: relai-tui keys rotate {target}" in err.decode()) is (action == "rotate")


async def test_creating_hands_the_secret_over_before_it_stops(shell: Shell) -> None:
    shell.sandbox.faults.add(Fault(delay=1), method="POST", path="/keys", times=1)
    process = await shell.start("keys", "create", "CI", "--reveal")
    while not shell.sandbox.faults.met:
        await asyncio.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, _ = await process.communicate()
    assert process.returncode == 130
    assert out.decode().strip() == shell.sandbox.account.keys[-1].secret


async def test_a_revocation_whose_answer_is_lost_is_looked_up(shell: Shell) -> None:
    idle = shell.sandbox.account.mint("Staging", edition=shell.edition)
    shell.sandbox.faults.add(lost_answer(), method="DELETE", path="/keys/*", times=1)
    ended = await shell.run("keys", "revoke", idle.id)
    assert ended.code == 0, ended.err
    assert idle.revoked_at is not None
