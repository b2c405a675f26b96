"""The real app on the real sandbox, driven by keys."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from textual.pilot import Pilot

from relai_tui.account import Account, Launch
from relai_tui.api.keys import read_key
from relai_tui.conversation import Turn
from relai_tui.credentials.os_keyring import Keyring
from relai_tui.sandbox.server import Sandbox
from relai_tui.settings import Paths, load
from relai_tui.ui.app import RelaiApp
from relai_tui.ui.chat.page import ChatPage
from relai_tui.ui.chat.prompt import Draft
from relai_tui.ui.chat.status import Status
from relai_tui.ui.chat.transcript import Transcript
from relai_tui.ui.dialogs import Confirm
from relai_tui.ui.page import TopBar
from tests.quiet import ask_the_loop
from tests.shared_styles import parse_styles_once

ask_the_loop()
parse_styles_once()


@dataclass
class Desk:
    """A person at the keyboard."""

    app: RelaiApp
    pilot: Pilot[None]
    account: Account

    @property
    def page(self) -> ChatPage:
        page = self.app.screen_stack[0]
        assert isinstance(page, ChatPage)
        return page

    @property
    def draft(self) -> Draft:
        return self.page.query_one(Draft)

    @property
    def transcript(self) -> Transcript:
        return self.page.query_one(Transcript)

    @property
    def status(self) -> Status:
        return self.page.query_one(Status)

    @property
    def bar(self) -> TopBar:
        return self.page.query_one(TopBar)

    def screen_text(self) -> str:
        """What is on the screen, line by line."""
        width, height = self.app.size
        lines = self.app.screen._compositor.render_strips()
        assert len(lines) <= height or width
        return "\n".join(strip.text.rstrip() for strip in lines)

    async def until(self, holds: Callable[[], object], seconds: float = 15) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not holds():
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"never came true; on the screen:\n{self.screen_text()}") from None

    async def sees(self, words: str) -> None:
        await self.until(lambda: words in self.screen_text())

    async def type(self, text: str) -> None:
        self.draft.focus()
        self.draft.type(text)
        await self.pilot.pause()

    async def send(self, text: str) -> None:
        await self.type(text)
        await self.pilot.press("enter")

    async def ask_again(self) -> None:
        """From the turn cursor, and confirmed: a letter alone spends nothing."""
        await self.pilot.press("alt+up", "r")
        await self.until(lambda: isinstance(self.app.screen, Confirm))
        await self.pilot.press("right", "enter")
        await self.until(lambda: not isinstance(self.app.screen, Confirm))

    async def answered(self) -> None:
        await self.until(lambda: not self.draft.text)
        await self.until(lambda: self.page.here is None)

    async def kept(self) -> tuple[Turn, ...]:
        store = await self.account.store()
        latest = await store.conversations.latest()
        return (await store.conversations.page(latest.id))[0] if latest else ()


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(tokens_per_second=0) as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def account_on(sandbox: Sandbox, home: Path, key: str | None = None, environ: dict[str, str] | None = None) -> Account:
    settings = load(Paths.find({"RELAI_TUI_HOME": str(home)}))
    environ = {"RELAI_API_KEY": key or sandbox.keys[2]} if environ is None else environ
    return Account(settings, settings.profile(), Keyring(read_key), environ, base_url=sandbox.base_url)


@asynccontextmanager
async def desk(
    account: Account, launch: Launch | None = None, size: tuple[int, int] = (100, 30)
) -> AsyncIterator[Desk]:
    app = RelaiApp(account, launch or Launch())
    async with app.run_test(size=size, notifications=True) as pilot:
        at = Desk(app, pilot, account)
        yield at
    assert not app.faults, app.faults
