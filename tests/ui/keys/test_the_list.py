"""Stories of the list: seen, sorted, filtered, refreshed under the cursor, and honest when it cannot be read."""

import json
from functools import partial
from pathlib import Path

import pytest

from relai_tui.keys.listing import Column
from relai_tui.sandbox.faults import answer, delay, error, hang_up
from relai_tui.sandbox.server import Sandbox
from relai_tui.ui.chat.page import ChatPage
from relai_tui.ui.keys.details import KeyDetails
from relai_tui.ui.keys.page import KeysPage
from relai_tui.ui.sign_in import SignInScreen
from tests.ui.keys.conftest import Room, account_of, minted, room


async def test_the_keys_are_listed_and_the_chat_goes_on_unseen(sandbox: Sandbox, home: Path) -> None:
    minted(sandbox, "Nightly [/] [@click=app.quit]x[/]", 3)
    async with room(account_of(sandbox, home), listed=False) as at:
        await at.send("very long 4000 at 20/s")
        await at.until(lambda: at.status.streaming)
        await at.listed()
        await at.sees("Nightly [/]")
        await at.sees("this session")
        assert at.page.answering == ("very long 4000 at 20/s",)
        await at.pilot.press("f5")
        await at.until(lambda: isinstance(at.app.screen, ChatPage))
        await at.pilot.press("escape")
        await at.answered()
        await at.sees("stopped")
        at.draft.insert("/keys")
        await at.pilot.press("enter")
        await at.until(lambda: isinstance(at.app.screen, KeysPage))


async def test_the_columns_of_each_edition(sandbox: Sandbox, home: Path) -> None:
    async with room(account_of(sandbox, home), size=(180, 30)) as at:
        assert ("SCOPE" in at.screen_text()) is (2 in sandbox.keys)
        for word in ("NAME", "PREFIX", "REGION", "RPM", "CREATED", "LAST USED", "STATE"):
            assert word in at.screen_text()


async def test_a_refresh_moves_neither_the_cursor_nor_the_screen(sandbox: Sandbox, home: Path) -> None:
    for number in range(60):
        minted(sandbox, f"key {number:02}", number + 1)
    async with room(account_of(sandbox, home), size=(100, 24)) as at:
        await at.on("key 30")
        y = round(at.table.scroll_y)
        line = next(n for n, text in enumerate(at.screen_text().splitlines()) if "key 30" in text)
        for number in range(5):
            minted(sandbox, f"newer {number}", 0.5)
        sandbox.account.keys[1].last_used_at = sandbox.account.clock()
        before = len(sandbox.requests.of("GET", "/keys"))
        await at.pilot.press("R")
        await at.until(lambda: "newer 1" in at.names())
        assert len(sandbox.requests.of("GET", "/keys")) == before + 1
        assert at.here.key.name == "key 30"
        assert round(at.table.scroll_y) == y + 5
        await at.pilot.pause()
        assert "key 30" in at.screen_text().splitlines()[line]
        key = next(key for key in sandbox.account.keys if key.name == "key 30")
        sandbox.account.keys.remove(key)
        await at.pilot.press("R")
        await at.until(lambda: "key 30" not in at.names())
        assert at.here.key.name in ("key 29", "key 31")


async def test_typing_filters_and_escape_brings_all_back(sandbox: Sandbox, home: Path) -> None:
    for name in ("München", "Berlin", "Paris"):
        minted(sandbox, name, 5)
    async with room(account_of(sandbox, home)) as at:
        await at.pilot.press("slash", *"munch")
        await at.until(lambda: at.names() == ["München"])
        await at.sees("1 of 4 API keys")
        await at.pilot.press("home", "!")
        await at.until(lambda: set(at.names()) >= {"Berlin", "Paris"} and "München" not in at.names())
        await at.pilot.press("enter")
        await at.until(lambda: at.table.has_focus)
        await at.pilot.press("escape")
        await at.until(lambda: len(at.names()) == 4)
        await at.pilot.press("slash", *"nothing like it")
        await at.sees("Nothing matches")


def shows(at: Room, names: set[str]) -> bool:
    return set(at.names()) == names


async def test_chips_and_sorting(sandbox: Sandbox, home: Path) -> None:
    minted(sandbox, "never")
    minted(sandbox, "forty", 40)
    minted(sandbox, "hundred", 100)
    async with room(account_of(sandbox, home)) as at:
        chips: list[tuple[str, set[str]]] = [("2", {"never"}), ("3", {"forty", "hundred", "never"})]
        chips.append(("5", {str(at.here.key.name)}))
        for key, names in chips:
            await at.pilot.press(key)
            await at.until(partial(shows, at, names))
        await at.pilot.press("5")
        await at.until(lambda: len(at.names()) == 4)
        at.keys.action_sort(0)
        first = at.names()[0]
        assert first == "hundred"  # the longest unused; what has no recorded use stands last either way
        at.table.post_message(at.table.SortWanted(Column.NAME))
        await at.until(lambda: at.names()[0] == "forty")
        await at.pilot.click(at.table, offset=(5, 0))
        await at.until(lambda: at.names()[-1] == "forty")


async def test_the_details_tell_what_is_known_and_which_profile_uses_it(sandbox: Sandbox, home: Path) -> None:
    minted(sandbox, "idle", 40)
    async with room(account_of(sandbox, home), size=(140, 36)) as at:
        await at.on("idle")
        await at.sees("40 d ago")
        await at.sees("none of this machine")
        await at.pilot.press("enter")
        assert not at.keys.query_one(KeyDetails).display
        await at.pilot.press("y")
        await at.until(lambda: at.app.clipboard == at.here.key.prefix)
        await at.pilot.press("Y")
        await at.until(lambda: at.app.clipboard == at.here.id)


async def test_a_skeleton_then_the_list_and_the_last_one_with_its_age_when_it_cannot_be_read(
    sandbox: Sandbox, home: Path
) -> None:
    minted(sandbox, "idle", 40)
    sandbox.faults.add(delay(0.3), method="GET", path="/keys", times=1)
    async with room(account_of(sandbox, home), listed=False) as at:
        await at.enter()
        await at.sees("░░░")
        await at.sees("asking the server")
        await at.sees("idle")
        sandbox.faults.add(hang_up(), method="GET", path="/keys", times=3)
        await at.pilot.press("R")
        await at.sees("R tries again")
        await at.sees("idle")
        await at.pilot.press("R")
        await at.sees("read just now")


@pytest.mark.parametrize(("status", "code"), [(403, "forbidden"), (422, "unprocessable"), (500, "internal_error")])
async def test_a_refused_list_is_said_and_read_again(sandbox: Sandbox, home: Path, status: int, code: str) -> None:
    sandbox.faults.add(error(status, code, "Not [/] now."), method="GET", path="/keys", times=3)
    async with room(account_of(sandbox, home), listed=False) as at:
        await at.enter()
        await at.sees("Not [/] now.")
        while not at.names():
            await at.pilot.press("R")
            await at.until(lambda: not at.list_status.loading_list)
        await at.sees("this session")


async def test_a_rate_limit_counts_down(sandbox: Sandbox, home: Path) -> None:
    sandbox.faults.add(error(429, "rate_limit_exceeded", retry_after=40), method="GET", path="/keys", times=1)
    async with room(account_of(sandbox, home), listed=False) as at:
        await at.enter()
        await at.sees("trying again in 40 s")


async def test_a_key_that_is_refused_leads_to_the_sign_in(sandbox: Sandbox, home: Path) -> None:
    async with room(account_of(sandbox, home)) as at:
        sandbox.account.keys[0].revoked_at = sandbox.account.clock()
        asked = len(sandbox.requests)
        await at.pilot.press("R")
        await at.until(lambda: at.list_status.trouble)
        await at.pilot.pause(0.2)
        assert len(sandbox.requests) == asked + 1
        assert not isinstance(at.app.screen, SignInScreen)


async def test_a_server_without_keys_shows_nothing_of_them(sandbox: Sandbox, home: Path) -> None:
    sandbox.faults.add(error(404, "not_found"), method="GET", path="/keys")
    async with room(account_of(sandbox, home), listed=False) as at:
        await at.until(lambda: at.app.check_action("show_room", ("keys",)))
        await at.pilot.press("f6")
        await at.sees("no API keys to manage")
        await at.until(lambda: isinstance(at.app.screen, ChatPage))
        assert not at.app.check_action("show_room", ("keys",))
        assert "f6" not in at.screen_text()
        await at.send("/keys")
        await at.pilot.pause()
        assert isinstance(at.app.screen, ChatPage)


async def test_hostile_and_odd_keys_are_only_text(sandbox: Sandbox, home: Path) -> None:
    names = ["\x1b]52;c;aGk=\x07[/] \u202ereversed", "x" * 10_000, None, 7, "日本" * 60, "\ud83d\ude80 [b]"]
    listed: list[dict[str, object]] = [{"id": f"key_{n}", "name": name, "odd": {}} for n, name in enumerate(names)]
    listed += [{"name": "no id"}, {"id": "key_z", "rpm_limit": "many", "created_at": "yesterday", "region": None}]
    sandbox.faults.add(answer(200, json.dumps({"keys": listed})), method="GET", path="/keys")
    async with room(account_of(sandbox, home), size=(140, 30)) as at:
        assert len(at.names()) == 7
        for _ in range(7):
            await at.pilot.press("down")
            await at.pilot.pause()
            text = at.screen_text()
            assert "\x1b" not in text
            assert "\u202e" not in text
        await at.pilot.press("slash", *"[/]")
        await at.until(lambda: len(at.names()) == 1)


async def test_thousands_of_keys_stay_quick(sandbox: Sandbox, home: Path) -> None:
    import time

    for number in range(5_000):
        minted(sandbox, f"key {number:04}", number / 20)
    async with room(account_of(sandbox, home)) as at:
        assert len(at.names()) == 5_001
        start = time.process_time()
        await at.pilot.press("end")
        assert at.here.key.name == "key 4999"
        await at.pilot.press("home", "slash", *"4990")
        await at.until(lambda: 0 < len(at.names()) < 20)
        await at.pilot.press("escape")
        await at.until(lambda: len(at.names()) == 5_001)
        assert time.process_time() - start < 4


async def test_read_only_has_nothing_that_changes_anything(sandbox: Sandbox, home: Path) -> None:
    minted(sandbox, "idle", 40)
    async with room(account_of(sandbox, home, read_only=True)) as at:
        await at.sees("read-only")
        assert "Revoke" not in at.screen_text()
        await at.on("idle")
        await at.pilot.press("n", "x", "delete", "t", "l", "space", "asterisk")
        await at.pilot.pause()
        assert at.app.screen is at.keys
        assert {each.method for each in sandbox.requests} == {"GET"}


async def test_a_smaller_window_shows_the_columns_that_fit_and_the_same_key(sandbox: Sandbox, home: Path) -> None:
    for number in range(30):
        minted(sandbox, f"key {number:02}", number + 1)
    async with room(account_of(sandbox, home), size=(180, 40)) as at:
        await at.on("key 28")
        await at.sees("REGION")
        await at.pilot.resize_terminal(70, 18)
        await at.until(lambda: "REGION" not in at.screen_text() and "LAST USED" in at.screen_text())
        await at.pilot.press("enter")
        await at.sees("key 28")
        assert at.here.key.name == "key 28"
