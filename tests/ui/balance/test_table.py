"""The table: as wide as it is, as long as what is in sight, and still under what comes and goes."""

from textual.app import App, ComposeResult

from relai_tui.ui.balance.table import Column, MoneyTable, Row, Shown

COLUMNS = (
    Column("name", "model", 12, grows=True),
    Column("cost", "cost", 10, right=True),
    Column("count", "requests", 9, right=True, keep=4),
    Column("in", "in", 12, right=True, keep=2),
)


def row(place: int) -> Row:
    return Row(f"id {place}", ((f"model {place}", ""), (f"$0.{place:04}", ""), (f"{place}", ""), ("7", "")), share=500)


def shown(places: range, total: int | None = None, *, bars: bool = False) -> Shown:
    rows = {place: row(place) for place in places}
    return Shown(COLUMNS, len(rows) if total is None else total, rows, bars=bars, nothing="Nothing was spent.")


class Host(App[None]):
    """A table, and what it asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.table = MoneyTable()
        self.wanted: list[tuple[int, int]] = []
        self.sorted: list[str] = []
        self.opened = 0

    def compose(self) -> ComposeResult:
        yield self.table

    def on_money_table_wanted(self, event: MoneyTable.Wanted) -> None:
        self.wanted.append((event.first, event.count))

    def on_money_table_sort_wanted(self, event: MoneyTable.SortWanted) -> None:
        self.sorted.append(event.column)

    def on_money_table_opened(self, event: MoneyTable.Opened) -> None:
        del event
        self.opened += 1

    def lines(self) -> list[str]:
        return [self.table.render_line(y).text.rstrip() for y in range(self.table.size.height)]


async def test_of_a_hundred_thousand_rows_it_asks_only_for_those_in_sight_and_once() -> None:
    app = Host()
    async with app.run_test(size=(80, 21)) as pilot:
        app.table.focus()
        app.table.show(shown(range(100), total=100_000))
        await pilot.pause()
        assert app.wanted == []
        await pilot.press("end")
        await pilot.pause()
        app.table.refresh()
        await pilot.pause()
        assert app.wanted == [(99_980, 20)]
        assert "░" in app.lines()[3]
        assert app.table.highlighted is None
        app.table.show(shown(range(99_900, 100_000), total=100_000))
        await pilot.pause()
        assert app.table.highlighted == row(99_999)
        assert "model 99999" in app.lines()[-1]


async def test_the_cursor_stays_on_its_row() -> None:
    app = Host()
    async with app.run_test(size=(80, 12)) as pilot:
        app.table.focus()
        app.table.show(shown(range(30)))
        await pilot.press("down", "down", "down")
        assert app.table.highlighted == row(3)
        moved = Shown(COLUMNS, 30, {(place + 5) % 30: row(place) for place in range(30)})
        app.table.show(moved)
        assert app.table.highlighted == row(3)
        app.table.show(moved, anew=True)
        assert app.table.highlighted == row(25)
        await pilot.press("end", "pagedown")
        assert app.table.highlighted == row(24)


async def test_columns_and_bars_go_where_there_is_no_room() -> None:
    app = Host()
    async with app.run_test(size=(90, 8)) as pilot:
        app.table.show(shown(range(3), bars=True))
        await pilot.pause()
        assert app.lines()[0].split() == ["MODEL", "COST", "REQUESTS", "IN"]
        assert "━" in app.lines()[1]
        await pilot.resize_terminal(50, 8)
        await pilot.pause()
        assert app.lines()[0].split() == ["MODEL", "COST", "REQUESTS"]
        assert "━" in app.lines()[1]
        await pilot.resize_terminal(26, 8)
        await pilot.pause()
        assert app.lines()[0].split() == ["MODEL", "COST"]
        assert all(len(line) <= 26 for line in app.lines())


async def test_heads_sort_and_a_second_click_opens() -> None:
    app = Host()
    async with app.run_test(size=(80, 8)) as pilot:
        app.table.show(shown(range(3)))
        await pilot.pause()
        at = app.lines()[0].index("COST")
        await pilot.click(MoneyTable, offset=(at, 0))
        assert app.sorted == ["cost"]
        await pilot.click(MoneyTable, offset=(4, 2))
        assert (app.table.highlighted, app.opened) == (row(1), 0)
        await pilot.click(MoneyTable, offset=(4, 2))
        assert app.opened == 1


async def test_a_skeleton_first_and_words_where_there_is_nothing() -> None:
    app = Host()
    async with app.run_test(size=(80, 8)) as pilot:
        app.table.show(Shown(COLUMNS))
        await pilot.pause()
        assert "░" in app.lines()[1]
        app.table.show(shown(range(0)))
        await pilot.pause()
        assert "Nothing was spent." in app.lines()[2]
