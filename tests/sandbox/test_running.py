"""The sandbox as a guest of an event loop, in a thread, and as a program."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest

from relai_tui.sandbox.account import Account
from relai_tui.sandbox.faults import Fault
from relai_tui.sandbox.seed import seed_demo
from relai_tui.sandbox.server import Sandbox, run_in_thread
from tests.sandbox.conftest import Clock, chat

SERVE = "import sys; from relai_tui.sandbox.server import serve; sys.exit(serve(port=int(sys.argv[1]), json={json}))"


def test_the_package_alone_loads_nothing() -> None:
    code = "import relai_tui.sandbox, sys; print([m for m in ('starlette', 'uvicorn', 'asyncio') if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_it_loads_nothing_else_of_ours() -> None:
    code = (
        "import relai_tui.sandbox.server, sys; "
        "print([m for m in sys.modules if m.startswith('relai_tui.') and not m.startswith('relai_tui.sandbox')])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


@pytest.mark.parametrize("host", ["0.0.0.0", "", "192.168.1.5", "example.com", "::"])
def test_only_loopback(host: str) -> None:
    with pytest.raises(ValueError, match="loopback"):
        Sandbox(host=host)


@pytest.mark.parametrize("wrong", [{"edition": 3}, {"region": "mars"}, {"port": 70_000}])
def test_wrong_wishes(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Sandbox(**wrong)  # type: ignore[arg-type]  # wrong on purpose


async def test_it_stops_at_once_with_streams_open_and_charges_them() -> None:
    loop = asyncio.get_running_loop()
    async with Sandbox() as sandbox:
        headers = {"Authorization": f"Bearer {sandbox.keys[2]}"}
        async with httpx.AsyncClient(base_url=sandbox.base_url, headers=headers, trust_env=False) as client:
            sandbox.faults.add(Fault(delay=3600, path="/balance"))
            waiting = asyncio.create_task(client.get("/balance", timeout=None))
            pace = chat("long 5000 at 300/s", stream=True)
            async with client.stream("POST", "/chat/completions", json=pace, timeout=None) as answer:
                pieces = answer.aiter_bytes()
                await anext(pieces)
                while sandbox.answering < 2:
                    await asyncio.sleep(0)
                started = loop.time()
                await sandbox.close()
                assert loop.time() - started < 0.5
                with pytest.raises(httpx.RemoteProtocolError):
                    async for _ in pieces:
                        pass
            with pytest.raises(httpx.RemoteProtocolError):
                await waiting
            with pytest.raises(httpx.ConnectError):
                await client.get("/balance")
        assert sandbox.account.usage[0].status == 499


async def test_many_at_once_and_the_same_port_again() -> None:
    async with Sandbox(region="us") as one, Sandbox() as two:
        assert one.base_url != two.base_url
        assert "_us_" in one.keys[2]
        port = int(one.origin.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            await Sandbox(port=port).__aenter__()
    async with Sandbox(port=port) as again:
        assert again.base_url == one.base_url


async def test_a_defect_of_the_sandbox_is_not_taken_for_one_of_the_client() -> None:
    async def enter() -> None:
        async with Sandbox() as sandbox, httpx.AsyncClient(trust_env=False) as client:
            sandbox.account.clock = None  # type: ignore[assignment]  # a defect
            headers = {"Authorization": f"Bearer {sandbox.keys[1]}"}
            assert (await client.get(f"{sandbox.base_url}/balance", headers=headers)).status_code == 500

    with pytest.raises(RuntimeError, match="the sandbox itself failed"):
        await enter()


def test_a_sandbox_in_a_thread() -> None:
    with run_in_thread(tokens_per_second=0, edition=1) as sandbox:
        headers = {"Authorization": f"Bearer {sandbox.keys[1]}"}
        with httpx.Client(base_url=sandbox.base_url, headers=headers, trust_env=False) as client:
            assert client.post("/chat/completions", json=chat("hello")).status_code == 200
            sandbox.account.top_up(5)
            assert client.get("/balance").json()["credits_micro"] == sandbox.account.credits_micro
        port = int(sandbox.origin.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"), run_in_thread(port=port):
            pass
    assert "sandbox" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_as_a_program_it_prints_one_line_and_leaves_on_a_signal(number: int) -> None:
    command = [sys.executable, "-c", SERVE.format(json=True), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        told = json.loads(program.stdout.readline())
        assert list(told["keys"]) == ["1", "2"]
        headers = {"Authorization": f"Bearer {told['keys']['1']}"}
        assert httpx.get(f"{told['base_url']}/balance", headers=headers, trust_env=False).status_code == 200
        os.kill(program.pid, number)
        started = time.monotonic()
        assert program.wait(timeout=20) == 0
        assert time.monotonic() - started < 10
        assert (program.stdout.read(), program.stderr.read()) == ("", "")


def test_as_a_program_it_tells_people_how_to_use_it_and_when_the_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-c", SERVE.format(json=False), port]
        failed = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert failed.returncode == 2
    assert failed.stderr.startswith(f"relai-tui sandbox: cannot listen on port {port}: ")
    assert "Traceback" not in failed.stderr
    assert failed.stdout == ""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_the_greeting_for_people() -> None:
    command = [sys.executable, "-c", SERVE.format(json=False), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        lines = [program.stdout.readline()]
        while "Ctrl+C" not in lines[-1]:
            lines.append(program.stdout.readline())
        program.terminate()
        program.wait(timeout=20)
    said = "".join(lines)
    for needed in ("sandbox", "scripted", "http://127.0.0.1:", "rk-eu-", "relai_sk_eu_live_", "RELAI_API_KEY="):
        assert needed in said


def lived_in() -> Account:
    account = Account(clock=Clock(), credits_micro=0, seed=7)
    seed_demo(account)
    return account


def test_the_demo_account_is_lived_in_and_always_the_same() -> None:
    account, same = lived_in(), lived_in()
    for edition in (1, 2):
        assert account.listed_keys(edition=edition) == same.listed_keys(edition=edition)
    assert [key.secret for key in account.keys] == [key.secret for key in same.keys]
    assert account.ledger == same.ledger
    assert account.usage == same.usage

    now = account.clock()
    keys = [key for key in account.keys if key.edition == 2]
    assert sum(key.revoked_at is not None for key in keys) == 1
    assert sum(key.last_used_at is None for key in keys) == 1
    assert any(key.last_used_at is not None and now - key.last_used_at >= 120 * 86_400 for key in keys)
    assert any(len(key.name) > 60 for key in keys)
    assert any(not key.name.isascii() for key in keys)
    assert all(key.created_at <= (key.last_used_at or now) <= now for key in keys)
    assert account.credits_micro == sum(row.delta_micro for row in account.ledger) > 0
    assert sum(row.delta_micro > 0 for row in account.ledger) >= 3
    assert len(account.usage) > 500
    assert now - account.usage[0].timestamp > 25 * 86_400
    times = [row.created_at for row in account.ledger]
    assert times == sorted(times)
    assert times[-1] < now
