"""A transcript on a screen, and somebody who reads it."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.message import Message
from textual.pilot import Pilot

from relai_tui.conversation import CostBasis, Figures, Role, Turn, TurnState
from relai_tui.text import clean, clean_line
from relai_tui.ui.chat.transcript import Transcript

FIGURES = Figures(12, 1204, 0.42, 16.0, 4213, CostBasis.MEASURED)


def turn(name: str, role: Role, text: str, **more: Any) -> Turn:
    more.setdefault("state", TurnState.COMPLETE)
    return Turn(name, "c", None, role, clean(text), created_at=0.0, **more)


def asked(name: str, text: str) -> Turn:
    return turn(name, Role.USER, text)


def answered(name: str, text: str, **more: Any) -> Turn:
    more.setdefault("model_asked", clean_line("smart"))
    return turn(name, Role.ASSISTANT, text, **more)


def streaming(name: str) -> Turn:
    return answered(name, "", state=TurnState.STREAMING)


def dialogue(count: int) -> list[Turn]:
    words = random.Random(7)
    out = []
    for index in range(count):
        text = f"turn {index} says " + " ".join(["word"] * words.randint(1, 120))
        out.append(asked(f"t{index}", text) if index % 2 == 0 else answered(f"t{index}", text, figures=FIGURES))
    return out


class Reader(App[None]):
    """Somebody who reads a conversation, and notes what the transcript tells."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Message] = []

    def compose(self) -> ComposeResult:
        yield Transcript()

    def on_transcript_older_wanted(self, message: Transcript.OlderWanted) -> None:
        self.told.append(message)

    def on_transcript_link_activated(self, message: Transcript.LinkActivated) -> None:
        self.told.append(message)

    def on_transcript_following_changed(self, message: Transcript.FollowingChanged) -> None:
        self.told.append(message)

    def on_transcript_highlighted(self, message: Transcript.Highlighted) -> None:
        self.told.append(message)


class Scene:
    """A transcript on a screen."""

    def __init__(self, app: Reader, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot
        self.view = app.query_one(Transcript)
        self.view.focus()

    async def settled(self) -> None:
        await self.until(lambda: self.view.drawing_done and not self.view._working)

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not true():
                await self.pilot.pause(0.005)
        await self.pilot.pause()

    @property
    def rows(self) -> list[str]:
        size = self.view.scrollable_content_region.size
        strips = self.view.render_lines(Region(0, 0, size.width, size.height))
        assert all(strip.cell_length == size.width for strip in strips)
        return [strip.text.rstrip() for strip in strips]

    @property
    def picture(self) -> list[tuple[str, str]]:
        """All lines with their styles."""
        width = self.view._width
        strips = [self.view._paint(self.view.line_at(y), width) for y in range(self.view.virtual_size.height)]
        return [(strip.text, str([(len(text), style) for text, style, _ in strip])) for strip in strips]

    def row_of(self, text: str) -> int:
        return next(index for index, row in enumerate(self.rows) if text in row)

    def told(self, kind: type[Message]) -> list[Any]:
        return [message for message in self.app.told if isinstance(message, kind)]


@asynccontextmanager
async def scene(width: int = 80, height: int = 24) -> AsyncIterator[Scene]:
    app = Reader()
    async with app.run_test(size=(width, height)) as pilot:
        yield Scene(app, pilot)


async def everything_drawn(it: Scene) -> None:
    """Look at every line once."""
    it.view.action_scroll_home()
    await it.settled()
    while not it.view.following:
        it.view.action_page_down()
        await it.settled()
