"""A canary key goes through everything the program does, and is found in none of what it leaves behind."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relai_tui.sandbox.server import Sandbox
from tests.ui.conftest import account_on, desk

CANARY = "rk-eu-CANARYcanaryCANARYcanary1234"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(tokens_per_second=0) as running:
        yield running


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_a_key_is_in_no_log_no_picture_no_history_and_no_repr(
    sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    home = tmp_path / "home"
    key = sandbox.keys[2]
    account = account_on(sandbox, home)
    async with desk(account) as at:
        await at.send("hello")
        await at.answered()
        picture = at.app.export_screenshot()
        client = await account.connect()
        spoken = repr((account, account.credential, client, at.app, at.page, await account.store()))
    seen = picture + spoken + caplog.text + "".join(repr(vars(record)) for record in caplog.records)
    assert key not in seen
    assert key[-16:] not in seen
    assert key.encode() not in everything_in(home)
    assert "Bearer" not in seen


async def test_a_refused_key_is_repeated_by_nobody(
    sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    home = tmp_path / "home"
    async with desk(account_on(sandbox, home, key=CANARY)) as at:
        await at.send("hello")
        await at.answered()
        await at.sees("401")
        picture = at.app.export_screenshot()
    for place in (picture, caplog.text):
        assert "CANARY" not in place
        assert "canary" not in place
    assert b"CANARY" not in everything_in(home)


async def test_a_server_that_echoes_the_key_is_masked(sandbox: Sandbox, tmp_path: Path) -> None:
    from relai_tui.sandbox.faults import answer

    key = sandbox.keys[2]
    sandbox.faults.add(answer(401, {"error": {"message": f"bad key {key}"}}), path="/chat/completions")
    async with desk(account_on(sandbox, tmp_path / "home")) as at:
        await at.send("hello")
        await at.answered()
        await at.sees("bad key")
        assert key not in at.screen_text()
        assert key not in at.app.export_screenshot()
    assert key.encode() not in everything_in(tmp_path / "home")
