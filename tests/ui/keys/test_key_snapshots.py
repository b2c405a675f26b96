"""What the Keys room looks like: empty, full, filtered, in trouble, in each dialog, narrow. Compared as pictures."""

import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input, Static

from relai_tui.account import Launch
from relai_tui.sandbox.account import Account as SandboxAccount
from relai_tui.sandbox.faults import answer, error, lost_answer
from relai_tui.sandbox.seed import seed_demo
from relai_tui.sandbox.server import Sandbox, run_in_thread
from relai_tui.settings import Paths
from relai_tui.settings.saving import save_choice
from relai_tui.ui.app import RelaiApp
from relai_tui.ui.dialogs import Confirm
from relai_tui.ui.keys.create import CreateKey
from relai_tui.ui.keys.page import KeysPage
from relai_tui.ui.keys.reveal import RevealSecret
from relai_tui.ui.keys.revoke import RevokeKey, RevokeSeveral
from relai_tui.ui.keys.rotate import RotateKey
from relai_tui.ui.keys.table import KeyTable
from relai_tui.ui.page import TopBar
from tests.key_stories import account_on
from tests.ui.test_snapshots import until

NOW = 1_780_000_000.0

Compare = Callable[..., bool]
Before = Callable[[Pilot[None]], Awaitable[None]]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    account = SandboxAccount(credits_micro=0, seed=1, clock=lambda: NOW)
    with run_in_thread(account=account, tokens_per_second=0) as sandbox:
        seed_demo(account)
        yield sandbox
    monkeypatch.undo()
    time.tzset()


def app_on(server: Sandbox, home: Path, edition: int = 2) -> RelaiApp:
    account = account_on(server, home, server.keys[edition])
    return RelaiApp(account, Launch(), clock=lambda: 0.0, wall_clock=lambda: NOW)


async def listed(pilot: Pilot[None]) -> None:
    app = pilot.app
    assert isinstance(app, RelaiApp)
    await until(pilot, lambda: app._chat.query_one(TopBar).credits is not None)
    await pilot.press("f6")
    await until(
        pilot, lambda: isinstance(app.screen, KeysPage) and app.screen.query_one(KeyTable)._shown.rows is not None
    )
    await until(pilot, lambda: not [each for each in app.workers if each.group == "details"])
    await pilot.pause()


def then(*keys: str, on: str | None = None, at: type[object] | None = None) -> Before:
    """The list, the cursor on a key, keys pressed, a dialog."""

    async def play(pilot: Pilot[None]) -> None:
        await listed(pilot)
        if on is not None:
            page = pilot.app.screen
            assert isinstance(page, KeysPage)
            listing = page._desk.listing
            assert listing
            page.query_one(KeyTable).place_on(next(row.id for row in listing.rows if row.key.name == on))
        await pilot.press(*keys)
        if at is not None:
            await until(pilot, lambda: isinstance(pilot.app.screen, at))
        await pilot.pause()
        await until(pilot, lambda: not [each for each in pilot.app.workers if each.group == "details"])

    return play


SIZES = {"wide": (150, 34), "normal": (120, 40), "narrow": (80, 24), "tiny": (48, 16)}


@pytest.mark.parametrize("size", SIZES)
def test_the_list(snap_compare: Compare, server: Sandbox, home: Path, size: str) -> None:
    assert snap_compare(app_on(server, home), run_before=listed, terminal_size=SIZES[size])


def test_the_list_of_edition_1(snap_compare: Compare, server: Sandbox, home: Path) -> None:
    assert snap_compare(app_on(server, home, 1), run_before=listed, terminal_size=(120, 24))


def test_a_light_theme(snap_compare: Compare, server: Sandbox, home: Path) -> None:
    save_choice(Paths.find({"RELAI_TUI_HOME": str(home)}), theme="relai-day")
    assert snap_compare(app_on(server, home), run_before=listed, terminal_size=(120, 24))


def test_details_below(snap_compare: Compare, server: Sandbox, home: Path) -> None:
    before = then("enter", on="Old importer")
    assert snap_compare(app_on(server, home), run_before=before, terminal_size=(80, 24))


def test_filtered(snap_compare: Compare, server: Sandbox, home: Path) -> None:
    before = then("slash", *"!relai_sk_gbl", "enter", "3")
    assert snap_compare(app_on(server, home), run_before=before, terminal_size=(80, 24))


def test_empty(snap_compare: Compare, server: Sandbox, home: Path) -> None:
    server.faults.add(answer(200, {"keys": []}), method="GET", path="/keys")
    assert snap_compare(app_on(server, home), run_before=listed, terminal_size=(80, 24))


def test_refused(snap_compare: Compare, server: Sandbox, home: Path) -> None:
    server.faults.add(error(403, "forbidden", "This key may not list keys."), method="GET", path="/keys")
    assert snap_compare(app_on(server, home), run_before=listed, terminal_size=(80, 24))


@pytest.mark.parametrize("size", ["normal", "narrow"])
def test_creating(snap_compare: Compare, server: Sandbox, home: Path, size: str) -> None:
    before = then("n", *"staging", at=CreateKey)
    assert snap_compare(app_on(server, home), run_before=before, terminal_size=SIZES[size])


@pytest.mark.parametrize("size", ["normal", "narrow"])
def test_the_secret_is_masked(snap_compare: Compare, server: Sandbox, home: Path, size: str) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await then("n", *"Nightly", "enter", at=RevealSecret)(pilot)
        await pilot.press("v")

    assert snap_compare(app_on(server, home), run_before=play, terminal_size=SIZES[size])


def test_a_lost_answer(snap_compare: Compare, server: Sandbox, home: Path) -> None:
    server.faults.add(lost_answer("error"), method="POST", path="/keys", times=1)
    before = then("n", *"Nightly", "enter", at=Confirm)
    assert snap_compare(app_on(server, home), run_before=before, terminal_size=(80, 24))


@pytest.mark.parametrize("size", ["normal", "narrow"])
def test_revoking(snap_compare: Compare, server: Sandbox, home: Path, size: str) -> None:
    before = then("x", on="Production", at=RevokeKey)
    assert snap_compare(app_on(server, home), run_before=before, terminal_size=SIZES[size])


def test_revoking_our_own(snap_compare: Compare, server: Sandbox, home: Path) -> None:
    before = then("x", on="Sandbox edition 2", at=RevokeKey)
    assert snap_compare(app_on(server, home), run_before=before, terminal_size=(80, 24))


def test_revoking_several(snap_compare: Compare, server: Sandbox, home: Path) -> None:
    before = then("3", "asterisk", "x", at=RevokeSeveral)
    assert snap_compare(app_on(server, home), run_before=before, terminal_size=(80, 24))


async def until_said(pilot: Pilot[None], words: str) -> None:
    await until(pilot, lambda: words in str(pilot.app.screen.query_one(".state", Static).content))
    await until(pilot, lambda: isinstance(pilot.app.screen, RotateKey) and not pilot.app.screen._busy)
    await pilot.pause()


async def press(pilot: Pilot[None], button: str) -> None:
    found = pilot.app.screen.query_one(f"#{button}", Button)
    found.active_effect_duration = 0  # else it looks pressed for a moment, also in a picture
    found.press()
    await pilot.pause()


STAGES = ("planned", "stored", "switched", "done")


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("size", ["normal", "narrow"])
def test_rotating(snap_compare: Compare, server: Sandbox, home: Path, stage: str, size: str) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await then("t", on="Sandbox edition 2", at=RotateKey)(pilot)
        if stage == "planned":
            return
        await press(pilot, "next")
        await until_said(pilot, "read back")
        if stage == "stored":
            return
        await press(pilot, "next")
        await until_said(pilot, "The old key still stands")
        if stage == "switched":
            return
        pilot.app.screen.query_one("#typed", Input).value = "Sandbox edition 2"
        await pilot.pause()
        await press(pilot, "next")
        await until_said(pilot, "refuses it")

    assert snap_compare(app_on(server, home), run_before=play, terminal_size=SIZES[size])
