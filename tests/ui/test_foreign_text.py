"""Stories of text that hides, reorders or piles up: kept and sent as it is, seen or bounded on the screen."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from textual.events import Paste

from relai_tui.account import Launch
from relai_tui.conversation import DraftText
from relai_tui.sandbox.server import Sandbox
from relai_tui.text import clean, clean_name
from relai_tui.ui.chat.model_picker import ModelPicker
from relai_tui.ui.chat.shelf import Shelf
from tests.ui.conftest import Desk, account_on, desk

HIDDEN = "user\u202etxt.exe \u2066iso\u2069 zero\u200bwidth \ufeffbom tag\U000e0041\U000e0042 mark\u200f line\u2028end."
RAW = set("\u202e\u2066\u2069\u200b\ufeff\U000e0041\U000e0042\u200f\u2028")
LOOKS_RIGHT = "👩‍💻 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f می‌خواهم क्‍ष ⚠️"


async def test_what_hides_is_sent_kept_and_copied_as_it_came_and_marked_on_the_screen(
    sandbox: Sandbox, home: Path
) -> None:
    async with desk(account_on(sandbox, home), Launch(prompt=clean(f"echo: {HIDDEN}")), (120, 40)) as at:
        await at.sees("iso‹2069›")
        await at.answered()
        prompt, answer = await at.kept()
        assert (prompt.text, answer.text.rstrip()) == (f"echo: {HIDDEN}", HIDDEN)
        await at.send("and now?")
        await at.answered()
        shown = at.screen_text()
        for mark in ("user‹202E›txt.exe", "zero‹200B›width", "‹FEFF›bom", "tag‹E0041›‹E0042›", "mark‹200F›"):
            assert shown.count(mark) >= 2  # in the prompt and in the answer
        assert not set(shown) & RAW
        sent = [request.body for request in sandbox.requests.of("POST", "/chat/completions")]
        assert sent[0]["messages"][-1]["content"] == f"echo: {HIDDEN}"
        assert [each["content"].rstrip() for each in sent[1]["messages"][:2]] == [f"echo: {HIDDEN}", HIDDEN]
        at.transcript.focus()
        await at.pilot.press("g", "j")
        source = at.transcript.selected_source()
        assert source is not None
        assert source.rstrip() == HIDDEN


async def test_what_is_right_stays_right(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home), Launch(prompt=clean(f"echo: {LOOKS_RIGHT}"))) as at:
        await at.sees(LOOKS_RIGHT.split(" ")[0])
        await at.answered()
        for word in LOOKS_RIGHT.split(" "):
            assert word in at.screen_text()
        assert "‹" not in at.screen_text()


async def test_titles_and_models_are_kept_as_they_are_and_drawn_with_marks(sandbox: Sandbox, home: Path) -> None:
    model = clean_name("fast\u202e\u200b")
    async with desk(account_on(sandbox, home), size=(140, 40)) as at:
        store = await at.account.store()
        made = await store.conversations.create(model=model, title=clean_name("title\u2066\u202eevil"))
        assert await store.conversations.get(made.id) == replace(made)
        assert (made.model, made.title) == ("fast\u202e\u200b", "title\u2066\u202eevil")
        await at.page._open(made)
        await at.sees("title‹2066›‹202E›evil")
        await at.sees("fast‹202E›‹200B›")
        await at.pilot.press("ctrl+s")
        await at.until(lambda: isinstance(at.app.screen, Shelf))
        await at.sees("title‹2066›‹202E›evil")
        assert not set(at.screen_text()) & RAW
        await at.pilot.press("escape")
        await at.send("hello")
        await at.answered()
        assert sandbox.requests.of("POST", "/chat/completions")[-1].body["model"] == "fast\u202e\u200b"
        await at.pilot.press("ctrl+l")
        await at.until(lambda: isinstance(at.app.screen, ModelPicker))
        await at.sees("fast‹202E›‹200B›")
        assert not set(at.screen_text()) & RAW


@asynccontextmanager
async def watched(at: Desk) -> AsyncIterator[list[float]]:
    """Note the loop's own processor time between two of its turns, in seconds: other programs do not count."""
    gaps = [0.0]

    async def tick() -> None:
        while True:
            began = time.thread_time()
            await asyncio.sleep(0.002)
            gaps.append(time.thread_time() - began)

    ticking = asyncio.create_task(tick())
    try:
        yield gaps
        await asyncio.sleep(0)
    finally:
        ticking.cancel()


async def in_room(at: Desk, room: str) -> None:
    await at.until(lambda: at.app.current_mode == room)


PILES = {
    "one letter": "a" + "\u0301" * 15_000,
    "many letters": ("a" + "\u0301" * 50) * 300,
    "enclosed": "a" + "\u20dd" * 15_000,
    "joined": "👩" + "\u200d👩" * 5_000,
    "selected": "⚠" + "\ufe0f" * 15_000,
    "jamo": "\u1100" + "\u1161" * 15_000,
    "entities": "a" + "&#x301;" * 3_000,
    "across marks": "a" + "*\u0301*_\u0301_" * 2_000,
}


@pytest.mark.parametrize("pile", PILES)
async def test_a_pile_of_marks_never_holds_the_screen_up(sandbox: Sandbox, home: Path, pile: str) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.send("hello")
        await at.answered()
        async with watched(at) as gaps:
            at.page._send(DraftText(clean(f"echo: {PILES[pile]}")))
            await at.until(lambda: len(sandbox.requests.of("POST", "/chat/completions")) == 2)
            await at.answered()
            await at.until(lambda: at.transcript.drawing_done)
            at.app.notify("something that lies over a line " * 8)
            await at.until(lambda: "lies over" in at.screen_text())
            at.app.screen.get_selected_text()
            at.transcript.text_select_all()
            await asyncio.sleep(0.1)  # painted with the selection and the notification
            for key, room in (("f7", "balance"), ("f5", "chat"), ("f7", "balance"), ("f5", "chat")):
                at.app.simulate_key(key)
                await in_room(at, room)
                await at.until(lambda: at.app.screen.is_current)
        assert (await at.kept())[-1].text.rstrip() == PILES[pile]
        assert max(gaps) < 1.0  # with the first visit of a screen, on a busy machine; it was 8 s and more
        assert max(map(len, at.screen_text().split("\n"))) < 100 * 14


async def test_a_byte_order_mark_before_a_paste_is_left_out(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.type("echo: ")
        at.app.post_message(Paste("\ufeffHello\ufeff!"))
        await at.until(lambda: at.draft.whole == "echo: Hello\ufeff!")
        await at.pilot.press("enter")
        await at.answered()
        assert [turn.text.rstrip() for turn in await at.kept()] == ["echo: Hello\ufeff!", "Hello\ufeff!"]


async def test_what_hides_in_the_prompt_is_seen_there_and_sent_as_it_is(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.type(f"echo: a\u202eb\u200bc {LOOKS_RIGHT}")
        await at.sees("a�b�c")
        assert LOOKS_RIGHT.split(" ")[0] in at.screen_text()
        assert not set(at.screen_text()) & RAW
        await at.type(PILES["one letter"])
        assert max(map(len, at.screen_text().split("\n"))) < 100 * 14
        await at.pilot.press("enter")
        await at.answered()
        assert (await at.kept())[0].text == f"echo: a\u202eb\u200bc {LOOKS_RIGHT}{PILES['one letter']}"
