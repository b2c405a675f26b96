"""Stories of the Balance room: what is left, how long it lasts, where it went."""

from pathlib import Path

from textual.widgets import Button, Input

from relai_tui.sandbox.faults import balance, error, hang_up
from relai_tui.sandbox.server import Sandbox
from relai_tui.ui.balance.export import ExportReceipt
from relai_tui.ui.balance.records import PAGE
from relai_tui.ui.chat.page import ChatPage
from relai_tui.ui.dialogs import Confirm
from relai_tui.ui.keys.page import KeysPage
from tests.ui.balance.conftest import DAY, HOUR, account_of, edition_of, keep_readings, room, spend


def falling(hours: int, per_hour: int, now: int, every: float = HOUR) -> list[tuple[float, int]]:
    """A balance that fell evenly to what it is now."""
    steps = int(hours * HOUR / every)
    return [(step * every, now + int(step * every / HOUR) * per_hour) for step in range(steps, 0, -1)]


async def test_the_balance_its_pace_and_its_plot(sandbox: Sandbox, home: Path) -> None:
    sandbox.account.set_credits(4_200_000)
    await keep_readings(home, falling(96, 50_000, 4_200_000, every=300.0))
    async with room(account_of(sandbox, home)) as at:
        standing = at.heading.facts.standing
        assert standing is not None
        assert standing.micro == 4_200_000
        await at.sees("$4.20")
        await at.sees("a day")
        await at.sees("Out ")
        assert at.room._plot is not None
        assert at.room._plot._series is not None
        assert 20 < len(at.room._plot._series.points) <= 120


async def test_spending_by_model_in_each_edition(sandbox: Sandbox, home: Path) -> None:
    spend(sandbox, "claude-opus-4.7", 3)
    spend(sandbox, "gpt-5-mini", 5, ago=3 * HOUR)
    async with room(account_of(sandbox, home)) as at:
        if edition_of(sandbox) == 2:
            assert at.rows() == ["claude-opus-4.7", "gpt-5-mini"]
            await at.sees("for 8 requests")
            await at.press("s")
            assert at.rows() == ["gpt-5-mini", "claude-opus-4.7"]
            await at.press("S")
            assert at.rows() == ["claude-opus-4.7", "gpt-5-mini"]
            await at.press("1")
            assert at.rows() == []
            await at.sees("Nothing was spent in the last hour.")
        else:
            await at.sees("No answer of the last 7 days is kept on this machine.")
            assert [chip.id for chip in at.lists.chips] == ["models", "conversations", "days", "ledger"]
            await at.pilot.press("f5")
            await at.send("hello")
            await at.answered()
            await at.pilot.press("f7")
            await at.until(lambda: at.rows())
            await at.sees("for 1 answer here")


async def test_all_lists_by_their_letters_and_arrows(second: Sandbox, home: Path) -> None:
    spend(second, "claude-haiku-4.5", 4)
    async with room(account_of(second, home)) as at:
        for letter, first in (
            ("m", "claude-haiku-4.5"),
            ("k", "Sandbox edition 2"),
            ("u", None),
            ("l", None),
            ("d", None),
        ):
            await at.press(letter)
            await at.until(lambda: at.table._shown.total is not None)
            assert at.rows(), letter
            assert first is None or at.rows()[0] == first
        await at.press("left")
        assert at.lists.chosen == "conversations"
        await at.press("right", "right")
        assert at.lists.chosen == "keys"


async def test_the_ledger_is_the_servers_or_found_in_the_readings(sandbox: Sandbox, home: Path) -> None:
    await keep_readings(home, [(3 * HOUR, 1_000_000), (2 * HOUR, 900_000), (HOUR, 5_900_000)])
    async with room(account_of(sandbox, home)) as at:
        await at.press("l")
        if edition_of(sandbox) == 2:
            assert at.table._shown.total == len(sandbox.account.ledger)
        else:
            assert "+$5.00" in at.column(1)
            await at.sees("found in the readings of this machine")


async def test_enter_lists_the_requests_behind_a_row_and_slash_filters(second: Sandbox, home: Path) -> None:
    spend(second, "claude-opus-4.7", 3)
    spend(second, "gpt-5-mini", 5)
    async with room(account_of(second, home)) as at:
        await at.press("enter")
        assert at.column(1) == ["claude-opus-4.7"] * 3
        await at.sees("3 requests · model claude-opus-4.7")
        await at.press("escape")
        assert at.table._shown.total == 8
        await at.press("slash", *"gpt", "enter")
        assert at.column(1) == ["gpt-5-mini"] * 5
        await at.press("escape", "k", "enter")
        await at.until(lambda: at.table._shown.total == 8)
        await at.press("d", "enter")
        assert at.table._shown.total in range(1, 9)


async def test_only_a_page_of_many_requests_is_read(second: Sandbox, home: Path) -> None:
    spend(second, "gpt-5-mini", 3 * PAGE)
    async with room(account_of(second, home)) as at:
        asked: list[tuple[int, int]] = []
        reads = at.room._desk.usage_page

        async def counted(wanted: object, offset: int, limit: int) -> object:
            asked.append((offset, limit))
            return await reads(wanted, offset, limit)  # type: ignore[arg-type]

        at.room._desk.usage_page = counted  # type: ignore[assignment, method-assign]
        await at.press("u")
        assert asked == [(0, PAGE)]
        assert at.table._shown.total == 3 * PAGE
        await at.press("end")
        await at.until(lambda: at.table.highlighted is not None)
        assert asked == [(0, PAGE), (2 * PAGE, PAGE)]
        assert len(at.table._shown.rows) <= 2 * PAGE


async def test_auto_recharge_is_switched_after_a_question(sandbox: Sandbox, home: Path) -> None:
    async with room(account_of(sandbox, home)) as at:
        if edition_of(sandbox) == 1:
            assert "auto-recharge" not in at.screen_text()
            await at.press("a")
            assert at.app.screen is at.room
            return
        await at.sees("auto-recharge off")
        await at.pilot.press("a")
        await at.until(lambda: isinstance(at.app.screen, Confirm))
        await at.pilot.press("enter")
        await at.until(lambda: at.app.screen is at.room)
        assert not sandbox.account.auto_recharge
        await at.pilot.press("a")
        await at.until(lambda: isinstance(at.app.screen, Confirm))
        at.app.screen.query_one("#yes", Button).press()
        await at.sees("Auto-recharge is on.")
        await at.sees("auto-recharge on")
        assert sandbox.account.auto_recharge


async def test_read_only_switches_nothing(second: Sandbox, home: Path) -> None:
    async with room(account_of(second, home, read_only=True)) as at:
        await at.sees("read-only")
        await at.sees("auto-recharge off")
        await at.press("a")
        assert at.app.screen is at.room
        assert "Auto-recharge" not in at.screen_text().splitlines()[-1]


async def test_a_server_without_a_balance(sandbox: Sandbox, home: Path) -> None:
    sandbox.faults.add(error(404, "not_found", "No such thing."), method="GET", path="/balance")
    async with room(account_of(sandbox, home)) as at:
        await at.sees("No balance here")
        assert "$" not in at.screen_text().splitlines()[0]


async def test_a_balance_that_is_no_figure_is_not_known(sandbox: Sandbox, home: Path) -> None:
    sandbox.faults.add(balance('"many"'))
    async with room(account_of(sandbox, home)) as at:
        await at.sees("The balance is not known")
        assert "credits —" in at.screen_text().splitlines()[0]


async def test_offline_shows_the_last_figure_its_age_and_why(sandbox: Sandbox, home: Path) -> None:
    await keep_readings(home, falling(48, 10_000, 3_000_000))
    sandbox.faults.add(hang_up(), method="GET", path="/balance")
    async with room(account_of(sandbox, home)) as at:
        await at.sees("⚠ read 1 h ago")
        await at.sees("⚠ $3.01 1 h")
        assert "a day" not in at.screen_text()


async def test_below_nothing_is_told_as_it_is(sandbox: Sandbox, home: Path) -> None:
    sandbox.account.set_credits(-1_500_000)
    async with room(account_of(sandbox, home)) as at:
        assert "-$1.50" in at.screen_text().splitlines()[0]


async def test_the_room_is_read_more_often_while_it_is_shown(sandbox: Sandbox, home: Path) -> None:
    async with room(account_of(sandbox, home)) as at:
        assert at.account.watch.attentive
        await at.pilot.press("f5")
        await at.until(lambda: isinstance(at.app.screen, ChatPage))
        assert not at.account.watch.attentive
        await at.pilot.press("f7", "f6")
        await at.until(lambda: isinstance(at.app.screen, KeysPage))
        assert not at.account.watch.attentive


async def test_every_room_shows_the_same_balance(sandbox: Sandbox, home: Path) -> None:
    sandbox.account.set_credits(4_500_000)
    async with room(account_of(sandbox, home)) as at:
        for key in ("f5", "f6", "f7"):
            await at.pilot.press(key)
            await at.until(lambda: "$4.50" in at.screen_text().splitlines()[0])


async def test_a_receipt_is_written_where_it_is_said_and_for_the_user_alone(
    sandbox: Sandbox, home: Path, tmp_path: Path
) -> None:
    spend(sandbox, "gpt-5-mini", 5)
    path = tmp_path / "receipts.csv"
    async with room(account_of(sandbox, home)) as at:
        await at.pilot.press("e")
        await at.until(lambda: isinstance(at.app.screen, ExportReceipt))
        at.app.screen.query_one("#path", Input).value = str(path)
        await at.pilot.press("enter")
        await at.until(lambda: at.app.screen is at.room)
        await at.sees("rows written")
    assert path.stat().st_mode & 0o777 == 0o600
    lines = path.read_text().splitlines()
    assert ("gpt-5-mini" in path.read_text()) is (edition_of(sandbox) == 2)
    assert len(lines) > (5 if edition_of(sandbox) == 2 else 0)


async def test_a_receipt_replaces_nothing_unasked(second: Sandbox, home: Path, tmp_path: Path) -> None:
    path = tmp_path / "receipts.md"
    path.write_text("precious")
    async with room(account_of(second, home)) as at:
        await at.pilot.press("e")
        await at.until(lambda: isinstance(at.app.screen, ExportReceipt))
        at.app.screen.query_one("#path", Input).value = str(path)
        await at.pilot.press("enter")
        await at.sees("Enter again replaces it")
        assert path.read_text() == "precious"
        await at.pilot.press("escape")
        await at.until(lambda: at.app.screen is at.room)
    assert path.read_text() == "precious"


async def test_trouble_with_the_requests_is_told_and_tried_again(second: Sandbox, home: Path) -> None:
    spend(second, "gpt-5-mini", 2)
    second.faults.add(error(400, "bad_request", "Not today."), method="GET", path="/usage")
    async with room(account_of(second, home)) as at:
        await at.sees("Not today.")
        second.faults.clear()
        await at.pilot.press("R")
        await at.until(lambda: at.rows() == ["gpt-5-mini"])
        await at.sees("requests read just now")


async def test_profiles_of_both_regions_stand_side_by_side(second: Sandbox, home: Path) -> None:
    (home / "config").mkdir(parents=True)
    (home / "config" / "config.toml").write_text('[profiles.us-work]\nregion = "us"\n')
    await keep_readings(home, [(DAY, 7_000_000)], profile="us-work")
    async with room(account_of(second, home)) as at:
        await at.sees("us-work")
        await at.sees("$7.00")


async def test_someone_else_is_spending(second: Sandbox, home: Path) -> None:
    second.account.mint("Nightly import", edition=2, last_used_at=second.account.clock() - 120)
    async with room(account_of(second, home)) as at:
        assert not at.banner.words
        second.account.set_credits(second.account.credits_micro - 420_000)
        await at.pilot.press("R")
        await at.sees("Someone else is spending: $0.42")
        await at.sees("“Nightly import”, 2 min ago")
        await at.pilot.press("escape")
        await at.until(lambda: not at.banner.words)
        second.account.set_credits(second.account.credits_micro - 80_000)
        await at.pilot.press("R")
        await at.sees("Someone else is spending: $0.5")
        await at.pilot.press("f6")
        await at.until(lambda: isinstance(at.app.screen, KeysPage))


async def test_what_one_spends_oneself_is_no_news(sandbox: Sandbox, home: Path) -> None:
    async with room(account_of(sandbox, home)) as at:
        await at.pilot.press("f5")
        await at.send("hello")
        await at.answered()
        await at.pilot.press("f7")
        await at.press("R")
        assert not at.banner.words
