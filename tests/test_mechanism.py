"""What makes it quick, held without a clock: what is read, what is laid out, what runs while nothing happens."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter

import pytest
from textual import events
from textual.app import App
from textual.drivers.headless_driver import HeadlessDriver
from textual.geometry import Size
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer

from relai_tui.conversation import Role, Turn, TurnState, new_id
from relai_tui.sandbox.server import Sandbox
from relai_tui.store.database import Store
from relai_tui.text import clean, clean_line
from relai_tui.ui.chat.entries import Entry
from relai_tui.ui.chat.room import PAGE
from relai_tui.ui.hearing import hearing
from tests.ui.conftest import Desk, account_on, desk


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(tokens_per_second=0) as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


# -- opening


async def kept_conversation(title: str, turns: int, store: Store) -> list[str]:
    conversation = await store.conversations.create(model=clean_line("smart"), title=clean_line(title))
    ids: list[str] = []
    for number in range(turns):
        turn = Turn(
            id=new_id(),
            conversation_id=conversation.id,
            parent_id=ids[-1] if ids else None,
            role=Role.ASSISTANT if number % 2 else Role.USER,
            text=clean(f"What was said in turn {number}."),
            state=TurnState.COMPLETE,
            created_at=1_800_000_000.0,
        )
        await store.conversations.add_turn(turn)
        ids.append(turn.id)
    return ids


async def test_opening_reads_the_last_page_however_long_the_conversation_is(sandbox: Sandbox, home: Path) -> None:
    account = account_on(sandbox, home)
    store = await account.store()
    reader = store._database._reader
    assert reader is not None
    sizes = {"brief": 4 * PAGE, "lengthy": 20 * PAGE}
    conversations = {title: await kept_conversation(title, turns, store) for title, turns in sizes.items()}
    steps: list[int] = []
    async with desk(account) as at:
        for title, turns in conversations.items():
            counted: list[None] = []
            await at.pilot.press("ctrl+s")
            await at.pilot.press(*title)
            await at.sees("1 found")
            await reader.set_progress_handler(partial(counted.append, None), 1)  # called at each step of its machine
            await at.pilot.press("enter")
            await at.sees(f"What was said in turn {len(turns) - 1}.")
            await reader.set_progress_handler(lambda: None, 0)
            assert at.transcript.first_turn_id == turns[-PAGE]
            steps.append(len(counted))
    assert 0 < steps[1] < 1.1 * steps[0], steps


# -- layout


class Layouts:
    """Counts how often a screen is laid out."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        original = Screen._refresh_layout

        def counting(screen: Screen[object], *arguments: object, **named: object) -> None:
            self.count += 1
            original(screen, *arguments, **named)  # type: ignore[arg-type]  # passed on as they came

        monkeypatch.setattr(Screen, "_refresh_layout", counting)


async def test_the_screen_is_not_laid_out_while_an_answer_streams_nor_for_keys(
    sandbox: Sandbox, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(account_on(sandbox, home)) as at:
        layouts = Layouts(monkeypatch)
        await at.send("very long 40000 at 1000/s")
        await at.until(lambda: at.status.streaming)
        await at.until(lambda: at.transcript.virtual_size.height > at.transcript.size.height)
        assert layouts.count > 0, "the count counts: the room has changed"
        await at.pilot.pause()
        layouts.count, lines = 0, at.transcript.virtual_size.height
        for letter in "meanwhile":
            at.app.simulate_key(letter)
        await at.until(lambda: at.transcript.virtual_size.height > lines + 40)
        assert at.status.streaming
        assert at.draft.text == "meanwhile"
        assert not layouts.count
        await at.pilot.press("escape")
        await at.until(lambda: at.page.here is None)


# -- rest


SLOW = 15.0
"""Seconds."""


def due_within(seconds: float) -> list[asyncio.TimerHandle]:
    """What the loop has been asked to do by then."""
    loop = asyncio.get_running_loop()
    scheduled: list[asyncio.TimerHandle] = vars(loop)["_scheduled"]
    return [each for each in scheduled if not each.cancelled() and each.when() < loop.time() + seconds]


def is_running(timer: Timer) -> bool:
    active: asyncio.Event = timer._active
    return active.is_set() and timer._task is not None and not timer._task.done()


def running_timers(at: Desk) -> list[Timer]:
    """Of the app, its screens and all widgets; but those that move an age on, three times a minute."""
    nodes = [at.app, *(node for screen in at.app.screen_stack for node in screen.walk_children(with_self=True))]
    return [timer for node in nodes for timer in node._timers if is_running(timer) and timer._interval < SLOW]


async def test_nothing_runs_while_nothing_happens(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.until(lambda: at.bar.credits)
        await at.until(lambda: not due_within(1.0) and not running_timers(at))
        await at.send("short")
        await at.answered()
        assert at.app.is_running
        await at.until(lambda: not due_within(1.0) and not running_timers(at))


# -- keys


async def test_a_key_is_heard_when_the_terminal_sends_it_and_goes_on_as_ever() -> None:
    happened: list[object] = []

    class Line(HeadlessDriver):
        def send_message(self, message: Message) -> None:
            happened.append(message)

    driver = hearing(Line, lambda: happened.append("heard"))(App[None]())
    key, size = events.Key("x", "x"), events.Resize(Size(80, 24), Size(80, 24))
    driver.send_message(size)
    driver.send_message(key)
    assert happened == [size, "heard", key]


async def test_a_key_breaks_off_the_work_it_comes_into(
    sandbox: Sandbox, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.send("hello")
        await at.answered()
        transcript = at.transcript
        answer, take = (await at.kept())[-1], Entry.take
        transcript.begin(replace(answer, id="more", text=clean(""), state=TurnState.STREAMING))
        entry = transcript._timeline.entries[-1]
        transcript.feed("more", clean("word " * 1_000))

        def taken_while_a_key_comes(entry: Entry) -> None:
            at.page.key_heard()
            take(entry)

        with monkeypatch.context() as patch:
            patch.setattr(Entry, "take", taken_while_a_key_comes)
            assert transcript._take_until(perf_counter() + 10)
        assert entry.pending
        await at.until(lambda: not entry.pending)
