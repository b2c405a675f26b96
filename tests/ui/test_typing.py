"""Stories of typing as a terminal sends it: bytes, in the reads a slow line makes of them."""

import asyncio
from pathlib import Path

import pytest
from textual.geometry import Offset

from relai_tui.conversation import DraftText
from relai_tui.sandbox.faults import finish
from relai_tui.sandbox.server import Sandbox
from relai_tui.text import CleanText
from relai_tui.ui.chat.prompt_document import drawn
from relai_tui.ui.chat.shelf import Shelf
from relai_tui.ui.dialogs import Confirm
from tests.ui.conftest import Desk, account_on, desk
from tests.ui.terminal_input.typing import Line

FAMILY = "👨‍👩‍👧"
ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


def asked(sandbox: Sandbox) -> list[str]:
    return [each.body["messages"][-1]["content"] for each in sandbox.requests.of("POST", "/chat/completions")]


class Keyboard:
    """A terminal in front of the app."""

    def __init__(self, at: Desk) -> None:
        self._at = at
        driver = at.app._driver
        assert driver is not None
        self._line = Line(driver.process_message)

    async def write(self, *parts: str | float) -> None:
        self._line.write(*parts, 1.0)
        await self._at.pilot.pause()


def shown(at: Desk) -> str:
    return "\n".join(drawn(line)[0] for line in at.draft.text.split("\n"))


async def test_a_click_in_an_answer_leaves_the_keyboard_to_the_prompt(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.send("hello")
        await at.answered()
        for y in range(2, 12):
            await at.pilot.click(offset=Offset(10, y))
        await Keyboard(at).write("are you sure")
        assert at.draft.text == "are you sure"
        assert asked(sandbox) == ["hello"]


async def test_a_letter_on_the_turn_cursor_spends_nothing(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.send("hello")
        await at.answered()
        keyboard = Keyboard(at)
        await keyboard.write("\x1b[1;3A")
        assert at.transcript.highlighted is not None
        await keyboard.write("r")
        await at.until(lambda: isinstance(at.app.screen, Confirm))
        await keyboard.write("really? yes")
        await keyboard.write("\r")  # the answer that changes nothing has the focus
        await at.until(lambda: not isinstance(at.app.screen, Confirm))
        assert asked(sandbox) == ["hello"]


async def test_a_stopped_answer_goes_on_once_confirmed(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.send("hello")
        await at.answered()
        await at.pilot.press("alt+up", "c")
        await at.sees("The last answer is whole")
        sandbox.faults.add(finish("length"))
        await at.send("hello")
        await at.answered()
        await at.pilot.press("alt+up", "c")
        await at.until(lambda: isinstance(at.app.screen, Confirm))
        assert asked(sandbox) == ["hello", "hello"]
        await at.pilot.press("right", "enter")
        await at.until(lambda: len(asked(sandbox)) == 3)
        await at.answered()
        assert asked(sandbox)[2] == "Continue exactly where you stopped."
        assert len(sandbox.requests.of("POST", "/chat/completions")[2].body["messages"]) == 5


async def test_other_letters_on_the_turn_cursor_go_to_the_prompt(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.send("hello")
        await at.answered()
        keyboard = Keyboard(at)
        await keyboard.write("\x1b[1;3A")
        await at.until(lambda: at.app.focused is at.transcript)
        await keyboard.write("are you sure\u3000?")
        await at.until(lambda: at.draft.text == "are you sure\u3000?")
        assert at.transcript.highlighted is None
        await keyboard.write("\x1b[1;3A")
        await at.until(lambda: at.app.focused is at.transcript)
        await keyboard.write("\x1b[200~ pasted\x1b[201~")
        assert at.draft.text == "are you sure\u3000? pasted"


async def test_lines_pasted_on_the_turn_cursor_go_to_the_prompt_unsent(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.send("hello")
        await at.answered()
        keyboard = Keyboard(at)
        await keyboard.write("\x1b[1;3A")
        await at.until(lambda: at.app.focused is at.transcript)
        await keyboard.write("first\rsecond\rthird")
        await at.until(lambda: at.draft.text == "first\nsecond\nthird")
        assert asked(sandbox) == ["hello"]


@pytest.mark.parametrize("end", ["\r", "\r\r", "\r\r\r", "\r\x1b[13u"])
async def test_an_enter_that_comes_twice_sends_once(sandbox: Sandbox, home: Path, end: str) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await Keyboard(at).write("hello" + end)
        await at.until(lambda: asked(sandbox))
        await at.until(lambda: at.page.here is None and not at.page.is_sending)
        assert (asked(sandbox), at.draft.text) == (["hello"], "")


async def test_what_follows_an_enter_in_one_read_is_the_next_draft(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await Keyboard(at).write("hello\rworld again")
        await at.until(lambda: asked(sandbox))
        await at.until(lambda: at.page.here is None and not at.page.is_sending)
        assert (asked(sandbox), at.draft.text) == (["hello"], "world again")
        store = await at.account.store()
        assert await store.conversations.count() == 1


async def test_an_unmarked_paste_of_lines_sends_nothing(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        keyboard = Keyboard(at)
        await keyboard.write("first line\rsecond line\rthird line\r")
        assert at.draft.text == "first line\nsecond line\nthird line\n"
        assert asked(sandbox) == []
        await keyboard.write("\r")
        await at.until(lambda: asked(sandbox))
        assert asked(sandbox) == ["first line\nsecond line\nthird line\n"]


async def test_a_marked_paste_with_an_escape_in_it_is_one_paste(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await Keyboard(at).write("\x1b[200~one\x1btwo\rthree\x1b[201~")
        assert at.draft.whole == "one␛two\nthree"
        assert asked(sandbox) == []


async def test_alt_enter_is_a_new_line_and_alt_letters_type_nothing(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await Keyboard(at).write("one", 0.1, "\x1b\r", 0.1, "two\x1bx\x1b7\x1bé")
        assert at.draft.text == "one\ntwo"
        assert asked(sandbox) == []


async def test_a_sent_prompt_is_no_draft_any_more(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        keyboard = Keyboard(at)
        for letter in "hello":
            await keyboard.write(letter)
        await at.page.drafts.keep()
        await keyboard.write("\r", 0.1, "\x0e")
        await at.until(lambda: asked(sandbox))
        await at.until(lambda: not at.page.is_sending)
        assert at.draft.text == ""
        store = await at.account.store()
        await at.until(lambda: not at.page._replies.running)  # type: ignore[union-attr]
        assert (await store.conversations.draft(None)).text == ""
        await keyboard.write("other", 0.1, "\x0e")
        await at.until(lambda: at.draft.text == "other")
    async with desk(account_on(sandbox, home)) as at:
        await at.until(lambda: at.draft.text == "other")


async def test_text_after_ctrl_n_in_one_read_is_for_the_new_conversation(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.send("hello")
        await at.answered()
        keyboard = Keyboard(at)
        await keyboard.write("old thought", 0.1, "\x0ewhere am I")
        await at.until(lambda: at.draft.text == "where am I")
        assert at.page.place is None
        store = await at.account.store()
        latest = await store.conversations.latest()
        assert latest is not None
        async with asyncio.timeout(10):
            while (await store.conversations.draft(latest.id)).text != "old thought":
                await asyncio.sleep(0.01)


async def test_text_after_two_enters_in_the_list_is_for_what_was_picked(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.send("hello")
        await at.answered()
        await at.pilot.press("ctrl+n")
        await at.until(lambda: at.page.place is None)
        await at.pilot.press("ctrl+s")
        await at.until(lambda: isinstance(at.app.screen, Shelf) and at.app.screen.is_mounted)
        await at.sees("hello")
        await at.pilot.pause()
        await Keyboard(at).write("\r\rabc")
        await at.until(lambda: at.page.place is not None)
        await at.until(lambda: at.draft.text == "abc")


async def test_a_number_of_a_block_is_not_used_again(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        keyboard = Keyboard(at)
        for letter in "abc":
            await keyboard.write(f"\x1b[200~{letter * 900}\x1b[201~")
            if letter == "b":
                await keyboard.write("\x1b[H", 0.1, "\x1b[C", 0.1, "\x7f", 0.1, "\x1b[F")
        assert shown(at) == "[Pasted #2 +900 characters][Pasted #3 +900 characters]"
        await keyboard.write("\r")
        await at.until(lambda: asked(sandbox))
        assert asked(sandbox) == ["b" * 900 + "c" * 900]


@pytest.mark.parametrize("undo", ["\x1f", "\x1bz"])
async def test_undo_brings_a_block_back(sandbox: Sandbox, home: Path, undo: str) -> None:
    async with desk(account_on(sandbox, home)) as at:
        keyboard = Keyboard(at)
        await keyboard.write("see ", 0.1, f"\x1b[200~{'x' * 900}\x1b[201~", 0.1, "\x7f")
        assert at.draft.whole == "see "
        await keyboard.write(undo)
        assert at.draft.whole == "see " + "x" * 900


@pytest.mark.parametrize(
    ("keys", "left"),
    [("\x17", "a  b"), ("\x1b[D\x1b[3~", "a  b"), ("\x1b[D!", "a ![block] b"), ("\x1b\x7f", "a  b")],
)
async def test_a_block_is_one_unit(sandbox: Sandbox, home: Path, keys: str, left: str) -> None:
    async with desk(account_on(sandbox, home)) as at:
        keyboard = Keyboard(at)
        await keyboard.write("a  b", 0.1, "\x1b[D\x1b[D", 0.1, f"\x1b[200~{'x' * 900}\x1b[201~")
        await keyboard.write(keys)
        assert shown(at).replace("[Pasted #1 +900 characters]", "[block]") == left
        assert at.draft.whole == left.replace("[block]", "x" * 900)


@pytest.mark.parametrize(
    "typed",
    [
        "日本\u3000語", "می\u200cخواهم", "\u00a0\u2003", "e\u0301", "\u202eabc\u2066", FAMILY, ENGLAND, "\ue000",
        "\U00100000",
    ],
)  # fmt: skip
async def test_every_character_that_is_no_control_is_typed(sandbox: Sandbox, home: Path, typed: str) -> None:
    async with desk(account_on(sandbox, home)) as at:
        keyboard = Keyboard(at)
        await keyboard.write(f"a{typed}b")
        assert at.draft.whole == f"a{typed}b"
        await keyboard.write("\r")
        await at.until(lambda: asked(sandbox))
        assert asked(sandbox) == [f"a{typed}b"]


@pytest.mark.parametrize("unit", [FAMILY, ENGLAND, "🇩🇪", "e\u0301", "👍🏽", "각", "\u3000"])
async def test_backspace_takes_one_grapheme(sandbox: Sandbox, home: Path, unit: str) -> None:
    async with desk(account_on(sandbox, home)) as at:
        keyboard = Keyboard(at)
        await keyboard.write(f"a{unit}", 0.1, "\x7f")
        assert at.draft.text == "a"
        await keyboard.write(f"{unit}b", 0.1, "\x1b[D\x1b[D", 0.1, "\x1b[3~")
        assert at.draft.text == "ab"


async def test_a_line_separator_stays_in_the_text(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await Keyboard(at).write("\x1b[200~a\u2028b\u2029c\ufeffd\x1b[201~", 0.1, "\r")
        await at.until(lambda: asked(sandbox))
        assert asked(sandbox) == ["a\u2028b\u2029c\ufeffd"]


async def test_copying_a_block_copies_its_text(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        keyboard = Keyboard(at)
        await keyboard.write("see ", 0.1, f"\x1b[200~{'x' * 900}\x1b[201~")
        at.draft.action_select_all()
        assert at.draft.selected_text == "see " + "x" * 900


async def test_blocks_come_back_after_a_restart(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await Keyboard(at).write("see ", 0.1, f"\x1b[200~{'x' * 900}\x1b[201~ please")
        await at.page.drafts.keep()
    async with desk(account_on(sandbox, home)) as at:
        await at.until(lambda: shown(at) == "see [Pasted #1 +900 characters] please")


async def test_an_unknown_command_stays_in_the_prompt(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await Keyboard(at).write("/modle fast\r")
        await at.sees("There is no /modle")
        assert at.draft.text == "/modle fast"


async def test_a_prompt_on_its_way_is_not_in_the_draft_when_one_comes_back(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.send("hello")
        await at.answered()
        store, page = await at.account.store(), at.page
        conversation = await store.conversations.latest()
        assert conversation is not None
        sending = page.take(DraftText(CleanText("held back")))
        assert sending is not None
        await at.type("next")
        await at.pilot.press("ctrl+n")
        await at.until(lambda: page.place is None)
        async with asyncio.timeout(10):
            while (await store.conversations.draft(conversation.id)).text != "held back\nnext":
                await asyncio.sleep(0.01)
        again = await store.conversations.get(conversation.id)
        assert again is not None
        await page._open(again)
        assert at.draft.text == "next"
        page.sendings.remove(sending)
