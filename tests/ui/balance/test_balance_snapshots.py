"""What the Balance room and the top bar look like: each state, each width, both themes. Compared as pictures."""

import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace

import pytest
from textual.app import App, ComposeResult
from textual.content import Content
from textual.pilot import Pilot
from textual.widgets import Static

from relai_tui.balance.alerts import AlertLevel
from relai_tui.balance.burn import Pace
from relai_tui.moments import DAY, HOUR
from relai_tui.spending.values import Side
from relai_tui.text import clean_line
from relai_tui.ui.balance.lines import Banner, others_words
from relai_tui.ui.balance.purse import Purse
from relai_tui.ui.page import Credits, Identity, TopBar
from relai_tui.ui.theme import THEMES
from tests.ui.balance.scene import NOW, Figures, Scene, burning, reading, thin, unknown

Compare = Callable[..., bool]
Before = Callable[[Pilot[None]], Awaitable[None]]
SIZES = {"normal": (120, 40), "medium": (100, 30), "narrow": (80, 24), "tiny": (60, 20)}


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def then(*keys: str, stuck: bool = False) -> Before:
    """The room when all is read, and keys pressed."""

    async def play(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, Scene)

        def reading() -> bool:
            plot = app.room._plot
            undrawn = (plot is None or not plot._lines) and (app.purse is None or app.purse.offered)
            return not stuck and (undrawn or any(each.group != "change" for each in app.workers))

        async def quiet() -> None:
            calm = 0
            while calm < 4:  # what is read may lead to more that is read
                await pilot.pause(0.02)
                calm = 0 if reading() else calm + 1

        await quiet()
        for key in keys:
            await pilot.press(key)
            await quiet()

    return play


@pytest.mark.parametrize("theme", ["relai-night", "relai-day"])
@pytest.mark.parametrize("size", SIZES)
def test_burning(snap_compare: Compare, size: str, theme: str) -> None:
    scene = Scene(Figures(), Purse(burning(), -1), theme)
    assert snap_compare(scene, run_before=then(), terminal_size=SIZES[size])


@pytest.mark.parametrize("period", ["hour", "day", "month"])
def test_other_periods(snap_compare: Compare, period: str) -> None:
    key = {"hour": "1", "day": "2", "month": "4"}[period]
    assert snap_compare(Scene(Figures(), Purse(burning(), -1)), run_before=then(key), terminal_size=(100, 30))


STATES = {
    "gathering": (Figures(), Purse(thin(Pace.GATHERING))),
    "idle": (Figures(), Purse(thin(Pace.IDLE, window=7 * DAY))),
    "low": (Figures(auto_recharge=True), Purse(burning(level=AlertLevel.LOW), -1)),
    "critical": (Figures(), Purse(burning(212_345, AlertLevel.CRITICAL), -1)),
    "negative": (Figures(), Purse(burning(-1_500_000, AlertLevel.CRITICAL), -1)),
    "giant": (Figures(), Purse(burning(123_456_789_012_345), 1)),
    "unknown": (Figures(), Purse(unknown())),
    "stale": (
        Figures(),
        Purse(replace(burning(ago=3 * HOUR), trouble=clean_line("The server cannot be reached.")), -1),
    ),
    "none offered": (
        Figures((), edition=None, auto_recharge=None, empty=True, usage_offered=False),
        Purse(offered=False, trouble=clean_line("This server has no balance.")),
    ),
    "edition 1": (Figures(edition=1, auto_recharge=None), Purse(burning(), -1)),
    "read-only": (Figures(read_only=True), Purse(burning(), -1)),
    "empty history": (Figures((reading(20, 4_200_000),), empty=True), Purse(thin(Pace.GATHERING, window=0.0))),
    "syncing": (Figures(syncing=(4_200, 12_345)), Purse(burning(), -1)),
    "nothing yet": (Figures(stuck=True), None),
}


@pytest.mark.parametrize("size", ["medium", "narrow"])
@pytest.mark.parametrize("state", STATES)
def test_states(snap_compare: Compare, state: str, size: str) -> None:
    figures, purse = STATES[state]
    stuck = figures.stuck or figures.syncing is not None
    scene = Scene(replace(figures), purse)
    assert snap_compare(scene, run_before=then(stuck=stuck), terminal_size=SIZES[size])


@pytest.mark.parametrize("letter", ["c", "d", "k", "l", "u"])
@pytest.mark.parametrize("size", ["normal", "narrow"])
def test_lists(snap_compare: Compare, letter: str, size: str) -> None:
    scene = Scene(Figures(), Purse(burning(), -1))
    assert snap_compare(scene, run_before=then(letter), terminal_size=SIZES[size])


def test_requests_of_a_model(snap_compare: Compare) -> None:
    scene = Scene(Figures(), Purse(burning(), -1))
    assert snap_compare(scene, run_before=then("enter"), terminal_size=(100, 30))


def test_the_ledger_found_in_the_readings(snap_compare: Compare) -> None:
    scene = Scene(Figures(edition=1, auto_recharge=None), Purse(burning(), -1))
    assert snap_compare(scene, run_before=then("l"), terminal_size=(80, 24))


@pytest.mark.parametrize("size", ["normal", "narrow"])
def test_both_regions(snap_compare: Compare, size: str) -> None:
    us = thin(Pace.IDLE, 7_000_000, DAY).forecast
    sides = (
        Side(clean_line("work"), clean_line("eu"), reading(30, 1_850_000), burning().forecast, in_use=True),
        Side(clean_line("us-work"), clean_line("us"), reading(3 * HOUR, 7_000_000, "us-work", "us"), us, in_use=False),
        Side(clean_line("new"), clean_line("us"), None, unknown().forecast, in_use=False),
    )
    scene = Scene(Figures(sides_known=sides[:2] if size == "narrow" else sides), Purse(burning(), -1))
    assert snap_compare(scene, run_before=then(), terminal_size=SIZES[size])


def test_someone_else(snap_compare: Compare) -> None:
    from relai_tui.api.models import ApiKey
    from relai_tui.balance.attribution import Unexplained

    key = ApiKey.model_validate({"id": "key_1", "name": "Nightly import", "last_used_at": "2026-05-28T20:22:00Z"})

    async def play(pilot: Pilot[None]) -> None:
        await then()(pilot)
        found = Unexplained(420_000, NOW - HOUR, NOW)
        pilot.app.screen.query_one(Banner).words = others_words(found, key, NOW, Figures().zone)
        await pilot.pause()

    scene = Scene(Figures(), Purse(burning(), -1))
    assert snap_compare(scene, run_before=play, terminal_size=(120, 30))


@pytest.mark.parametrize("size", ["normal", "narrow"])
def test_exporting(snap_compare: Compare, size: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relai_tui.ui.balance.page.Path.cwd", lambda: __import__("pathlib").Path("/home/ada"))
    scene = Scene(Figures(), Purse(burning(), -1))
    assert snap_compare(scene, run_before=then("e"), terminal_size=SIZES[size])


def test_auto_recharge(snap_compare: Compare) -> None:
    scene = Scene(Figures(), Purse(burning(), -1))
    assert snap_compare(scene, run_before=then("a"), terminal_size=(80, 24))


class Bars(App[None]):
    """The top bar in each colour, one below the other."""

    CSS = "TopBar { dock: none; } Static { color: $foreground 60%; }"

    def __init__(self, theme: str) -> None:
        super().__init__()
        for each in THEMES:
            self.register_theme(each)
        self.theme = theme

    def compose(self) -> ComposeResult:
        now = clean_line("now")
        for words, held in (
            ("well, falling", Credits(12_345_678, now, trend=-1)),
            ("well, steady", Credits(12_345_678, clean_line("2 min"))),
            ("risen", Credits(12_345_678, now, trend=1)),
            ("low", Credits(1_200_000, now, trend=-1, urgency=1)),
            ("critical", Credits(212_345, now, trend=-1, urgency=2)),
            ("below nothing", Credits(-1_500_000, now, urgency=2)),
            ("old", Credits(12_345_678, clean_line("17 min"), stale=True, trend=-1)),
            ("not known", Credits(None, clean_line("not known"))),
            ("not offered", None),
        ):
            yield Static(Content(words))
            bar = TopBar()
            bar.identity = Identity(clean_line("work"), clean_line("eu"), clean_line("keyring"))
            bar.model, bar.answered = clean_line("smart"), clean_line("claude-sonnet-4.6")
            bar.title, bar.spent, bar.credits = clean_line("Mutexes"), clean_line("$0.0421 here"), held
            yield bar


@pytest.mark.parametrize("width", [120, 80, 48])
@pytest.mark.parametrize("theme", ["relai-night", "relai-day"])
def test_the_top_bar(snap_compare: Compare, theme: str, width: int) -> None:
    assert snap_compare(Bars(theme), terminal_size=(width, 20))
