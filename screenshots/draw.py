"""Draws the README's pictures from the real app on the sandbox: `make screenshots`."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

os.environ["TEXTUAL_ANIMATIONS"] = "none"

from textual.app import App
from textual.pilot import Pilot

from relai_tui.account import Launch
from relai_tui.commands.demo import demo_account
from relai_tui.sandbox import server
from relai_tui.ui.app import RelaiApp
from relai_tui.ui.chat.prompt import Draft
from relai_tui.ui.chat.shortfall import Shortfall
from relai_tui.ui.chat.status import Status
from relai_tui.ui.chat.transcript import Transcript
from relai_tui.ui.page import TopBar

HERE = Path(__file__).parent
Scene = Callable[[Pilot[None]], Awaitable[None]]


async def until(pilot: Pilot[None], holds: Callable[[], object]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(20):
        while not holds():
            await pilot.pause(0.02)


async def connected(pilot: Pilot[None]) -> None:
    """Wait for the first reading of the balance."""
    await until(pilot, lambda: pilot.app.screen.query_one(TopBar).credits is not None)


async def ask(pilot: Pilot[None], text: str) -> None:
    """Type and send a prompt, and wait for its whole answer."""
    pilot.app.screen.query_one(Draft).type(text)
    await pilot.press("enter")
    status = pilot.app.screen.query_one(Status)
    transcript = pilot.app.screen.query_one(Transcript)
    await until(pilot, lambda: transcript.first_turn_id and status.answering is None)
    await pilot.pause(1.6)


async def welcome(pilot: Pilot[None]) -> None:
    """The empty chat."""
    await connected(pilot)


async def chat(pilot: Pilot[None]) -> None:
    """A conversation."""
    await connected(pilot)
    await ask(pilot, "Think about it, then show me a table, at 900/s")
    await ask(pilot, "And now some python code, at 900/s")


async def models(pilot: Pilot[None]) -> None:
    """The model picker."""
    await connected(pilot)
    await pilot.press("ctrl+l")
    await pilot.pause(0.6)


async def shelf(pilot: Pilot[None]) -> None:
    """Kept conversations."""
    await connected(pilot)
    await pilot.press("ctrl+s")
    await pilot.pause(0.6)


async def help_keys(pilot: Pilot[None]) -> None:
    """The help."""
    await connected(pilot)
    await pilot.press("f1")
    await pilot.pause(0.3)


async def keys(pilot: Pilot[None]) -> None:
    """The Keys room."""
    await connected(pilot)
    await pilot.press("f6")
    await pilot.pause(1.5)
    await pilot.press("down", "down", "enter")
    await pilot.pause(0.5)


async def new_key(pilot: Pilot[None]) -> None:
    """A new key's secret, masked."""
    await connected(pilot)
    await pilot.press("f6")
    await pilot.pause(1.5)
    await pilot.press("n")
    await pilot.pause(0.5)
    await pilot.press(*"nightly", "enter")
    await pilot.pause(1.5)


async def revoke(pilot: Pilot[None]) -> None:
    """The question before a key is revoked."""
    await connected(pilot)
    await pilot.press("f6")
    await pilot.pause(1.5)
    await pilot.press("down", "x")
    await pilot.pause(0.5)


async def balance(pilot: Pilot[None]) -> None:
    """The Balance room, a month of it."""
    await connected(pilot)
    await pilot.press("f7")
    await pilot.pause(2.5)
    await pilot.press("4")
    await pilot.pause(1.5)


async def requests(pilot: Pilot[None]) -> None:
    """The single requests of a model."""
    await balance(pilot)
    await pilot.press("enter")
    await pilot.pause(1.0)


started: list[server.Sandbox] = []
"""The sandboxes of the demo, which alone know the token that steers them."""


class Remembered(server.Sandbox):
    """Sandbox that can be found again."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        started.append(self)


server.Sandbox = Remembered  # type: ignore[misc]


def misbehave(app: App[None], **fault: object) -> None:
    """Tell the sandbox to misbehave."""
    assert isinstance(app, RelaiApp)
    address = urlsplit(app._account.base_url_given or "")  # noqa: SLF001 - the demo's own server
    connection = HTTPConnection(address.hostname or "", address.port)
    headers = {"Content-Type": "application/json", "X-Sandbox-Token": started[-1].control_token}
    connection.request("POST", "/__sandbox/faults", json.dumps(fault), headers)
    connection.getresponse().read()
    connection.close()


async def out_of_credit(pilot: Pilot[None]) -> None:
    """A prompt that the credits do not cover."""
    await connected(pilot)
    await ask(pilot, "Draft a contract, at 900/s")
    await ask(pilot, "Add a clause on privacy, at 900/s")
    few = {"balance_micro": 120_000, "required_micro": 310_000}
    refusal = {"preset": "error", "status": 402, "code": "insufficient_balance", "message": "Insufficient balance."}
    await asyncio.to_thread(misbehave, pilot.app, **refusal, **few, path="/chat/completions")
    await asyncio.to_thread(misbehave, pilot.app, preset="balance", credits_micro="120000")
    pilot.app.screen.query_one(Draft).type("Now the whole of it in French.")
    await pilot.press("enter")
    await until(pilot, lambda: any(each.display for each in pilot.app.screen.query(Shortfall)))
    await pilot.pause(2.0)
    pilot.app.clear_notifications()
    pilot.app.screen.query_one(Status).notice = None
    await pilot.pause(0.3)


async def draw(name: str, scene: Scene, size: tuple[int, int] = (110, 34)) -> None:
    """Play a scene and save it."""
    app: App[None] = RelaiApp(demo_account(), Launch(demo=True))
    async with app.run_test(size=size) as pilot:
        await scene(pilot)
        await pilot.pause()
        app.save_screenshot(f"{name}.svg", path=str(HERE))
    print(f"{name}.svg")


async def main() -> None:
    """All of them."""
    await draw("welcome", welcome)
    await draw("chat", chat)
    await draw("models", models)
    await draw("conversations", shelf)
    await draw("help", help_keys)
    await draw("narrow", chat, (80, 24))
    await draw("keys", keys)
    await draw("new-key", new_key)
    await draw("revoke", revoke)
    await draw("balance", balance)
    await draw("requests", requests, (80, 24))
    await draw("out-of-credit", out_of_credit, (100, 32))


if __name__ == "__main__":
    asyncio.run(main())
