"""Stories of dialogs under a heavy hand: doubled keys, double clicks, clicks beside them, and everything at once."""

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.geometry import Offset
from textual.screen import ModalScreen
from textual.widgets import OptionList

import relai_tui.ui
from relai_tui.sandbox.server import Sandbox
from relai_tui.text import clean_line, visible
from relai_tui.ui.chat.model_picker import ModelPicker
from relai_tui.ui.chat.shelf import Shelf
from relai_tui.ui.dialog import Dialog
from relai_tui.ui.dialogs import Confirm, Help
from tests.ui.conftest import Desk, account_on, desk
from tests.ui.test_typing import Keyboard, asked


def modal_screens() -> list[type[ModalScreen[object]]]:
    """All modal screens of the package."""
    for module in pkgutil.walk_packages(relai_tui.ui.__path__, "relai_tui.ui."):
        importlib.import_module(module.name)
    found: list[type[ModalScreen[object]]] = []
    waiting: list[type[ModalScreen[object]]] = [ModalScreen]
    while waiting:
        for kind in waiting.pop().__subclasses__():
            waiting.append(kind)
            if kind.__module__.startswith("relai_tui."):
                found.append(kind)
    return found


def test_every_dialog_is_dismissed_once() -> None:
    kinds = modal_screens()
    assert len(kinds) > 8
    assert [kind.__name__ for kind in kinds if not issubclass(kind, Dialog)] == []


def mouse(x: int, y: int, times: int = 2) -> str:
    """A click as a terminal sends it, several times."""
    return f"\x1b[<0;{x + 1};{y + 1}M\x1b[<0;{x + 1};{y + 1}m" * times


async def opened(at: Desk, key: str, kind: type[object]) -> None:
    await at.pilot.press(key)
    await at.until(lambda: isinstance(at.app.screen, kind) and at.app.screen.is_mounted)
    await at.pilot.pause()


def options_listed(options: OptionList) -> Callable[[], bool]:
    return lambda: options.option_count > 6


OPENINGS = [("ctrl+l", ModelPicker), ("ctrl+s", Shelf), ("f1", Help)]


@pytest.mark.parametrize(("key", "kind"), OPENINGS)
@pytest.mark.parametrize(
    "doubled", ["\r\r", "\r\r\r\r", "\x1b[27u\x1b[27u", "\x1b[27u\r", "\r\x1b[27u", "\x1b\x1b", "\x1b[B\r\r"]
)
async def test_doubled_keys_close_a_dialog_once(
    sandbox: Sandbox, home: Path, key: str, kind: type[object], doubled: str
) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.send("hello")
        await at.answered()
        await opened(at, key, kind)
        await Keyboard(at).write(doubled)
        if at.app.screen is not at.page and kind is Help:  # Enter does nothing there
            await at.pilot.press("escape")
        await at.until(lambda: at.app.screen is at.page)
        await at.type("still here")
        assert at.draft.text == "still here"
        assert asked(sandbox) == ["hello"]


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 15)], ids=str)
@pytest.mark.parametrize("times", [1, 2])
async def test_a_click_takes_the_row_it_is_on(sandbox: Sandbox, home: Path, size: tuple[int, int], times: int) -> None:
    async with desk(account_on(sandbox, home), size=size) as at:
        await at.until(lambda: at.account.connected)
        for row in range(4):
            await opened(at, "ctrl+l", ModelPicker)
            picker = at.app.screen
            options = picker.query_one(OptionList)
            await at.until(options_listed(options))
            rows = [str(options.get_option_at_index(index).prompt) for index in range(4)]
            disabled = [options.get_option_at_index(index).disabled for index in range(4)]
            region = options.content_region
            await Keyboard(at).write(mouse(region.x + 4, region.y + row, times))
            if disabled[row]:
                await at.pilot.press("escape")
                await at.until(lambda: at.app.screen is at.page)
                continue
            await at.until(lambda: at.app.screen is at.page)
            assert str(at.page.model) in rows[row]
        assert asked(sandbox) == []


@pytest.mark.parametrize("times", [1, 2, 4])
async def test_clicks_beside_a_dialog_close_it_and_nothing_else(sandbox: Sandbox, home: Path, times: int) -> None:
    async with desk(account_on(sandbox, home)) as at:
        answers: list[bool | None] = []
        question = Confirm(clean_line("Open this link?"), visible("https://example.com"), "Open")
        at.app.push_screen(question, answers.append)
        await at.until(lambda: question.is_mounted)
        await at.pilot.pause()
        await Keyboard(at).write(mouse(1, 3, times))
        await at.until(lambda: at.app.screen is at.page)
        assert answers == [False]
        await at.type("still here")
        assert at.draft.text == "still here"


@pytest.mark.parametrize("keys", ["\r\r", "\x1b[C\r\r", "\x1b[C\r\x1b[27u", "\x1b[27u\r", "yyy\r\r"])
async def test_a_question_is_answered_once(sandbox: Sandbox, home: Path, keys: str) -> None:
    async with desk(account_on(sandbox, home)) as at:
        answers: list[bool | None] = []
        question = Confirm(clean_line("Sure?"), visible("Think."), "Yes")
        at.app.push_screen(question, answers.append)
        await at.until(lambda: question.is_mounted)
        await at.pilot.pause()
        await Keyboard(at).write(keys)
        await at.until(lambda: at.app.screen is at.page)
        assert answers == [keys.startswith("\x1b[C")]
        assert asked(sandbox) == []


async def test_a_double_click_on_a_button_answers_once(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        answers: list[bool | None] = []
        question = Confirm(clean_line("Sure?"), visible("Think."), "Yes")
        at.app.push_screen(question, answers.append)
        await at.until(lambda: question.is_mounted)
        await at.pilot.pause()
        region = question.query_one("#yes").region
        await Keyboard(at).write(mouse(region.x + 1, region.y))
        await at.until(lambda: at.app.screen is at.page)
        assert answers == [True]


async def test_clicks_beside_the_palette_close_it(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.pilot.press("ctrl+p")
        await at.until(lambda: at.app.screen is not at.page)
        await at.pilot.pause()
        await Keyboard(at).write(mouse(97, 28, 3))
        await at.until(lambda: at.app.screen is at.page)
        await at.type("still here")
        assert at.draft.text == "still here"


@pytest.mark.parametrize("typed", ["日本\u3000語", "می\u200cخواهم", "e\u0301", "\u00a0x"])
async def test_a_filter_takes_every_character(sandbox: Sandbox, home: Path, typed: str) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await opened(at, "ctrl+s", Shelf)
        keyboard = Keyboard(at)
        await keyboard.write(typed)
        await at.until(lambda: at.app.screen.query_one("Input").value == typed)  # type: ignore[attr-defined]
        for _ in range(len(typed)):
            await keyboard.write("\x7f")
        await at.until(lambda: at.app.screen.query_one("Input").value == "")  # type: ignore[attr-defined]


async def test_all_screens_and_their_actions_are_in_the_palette(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.until(lambda: at.account.connected)
        for mode, others in (
            ("chat", ("Keys", "Balance")),
            ("keys", ("Chat", "Balance")),
            ("balance", ("Chat", "Keys")),
        ):
            await at.app.action_show_room(mode)
            await at.pilot.pause()
            titles = [command.title for command in at.app.get_system_commands(at.app.screen)]
            for other in others:
                assert f"Go to {other}" in titles
                assert sum(title.startswith(f"{other}: ") for title in titles) > 5
            assert len(titles) == len(set(titles))


async def test_the_palette_does_something_on_another_screen(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.until(lambda: at.account.connected)
        await at.pilot.press("ctrl+p")
        await at.until(lambda: at.app.screen is not at.page)
        for letter in "keys create":
            await at.pilot.press("space" if letter == " " else letter)
        await at.sees("Keys: Create an API key")
        await at.pilot.press("enter")
        await at.sees("Requests a minute")


async def test_keys_can_be_opened_while_it_connects(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.pilot.press("f6")
        await at.until(lambda: at.app.current_mode == "keys")
        await at.sees("API key")


async def test_a_click_elsewhere_does_not_move_the_text(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.type("half a thought")
        await at.pilot.click(offset=Offset(5, 5))
        assert at.draft.text == "half a thought"


async def test_lines_pasted_into_a_dialog_confirm_nothing(sandbox: Sandbox, home: Path) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.until(lambda: at.account.connected)
        keys = len(sandbox.account.keys)
        await at.pilot.press("f6")
        await at.sees("API key")
        await at.pilot.press("n")
        await at.sees("Requests a minute")
        await Keyboard(at).write("a\rb\rc\r")
        await at.until(lambda: at.app.screen.query_one("#name").value == "a b c ")  # type: ignore[attr-defined]
        assert len(sandbox.account.keys) == keys


@pytest.mark.parametrize(("key", "kind"), OPENINGS[:2])
async def test_lines_pasted_into_a_list_pick_nothing(
    sandbox: Sandbox, home: Path, key: str, kind: type[object]
) -> None:
    async with desk(account_on(sandbox, home)) as at:
        await at.send("hello")
        await at.answered()
        await opened(at, key, kind)
        await Keyboard(at).write("a\rb\rc\r")
        await at.until(lambda: at.app.screen.query_one("Input").value == "a b c ")  # type: ignore[attr-defined]
        assert isinstance(at.app.screen, kind)
