"""Records as rows of text: sorted, aligned, and nothing unknown shown as nothing."""

import string
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relai_tui.spending_records import LedgerRecord, SpendSum, UsageRecord
from relai_tui.text import clean_line
from relai_tui.ui.balance.digits import HEIGHT, large
from relai_tui.ui.balance.listings import (
    SORTABLE,
    Listing,
    Order,
    aligned,
    day_words,
    ledger_rows,
    request_rows,
    sums_shown,
)
from relai_tui.ui.balance.table import bar_of


def summed(name: str, micro: int, count: int = 1, unknown: int = 0) -> SpendSum:
    return SpendSum(clean_line(name), name, micro, count, unknown, count * 10, count * 3)


SUMS = st.builds(
    summed,
    st.text(string.ascii_letters, min_size=1, max_size=8),
    st.integers(0, 10**12),
    st.integers(0, 10**6),
    st.integers(0, 9),
)


@given(st.lists(SUMS, max_size=20), st.sampled_from(SORTABLE), st.booleans())
def test_every_sum_is_a_row_and_no_bar_is_longer_than_the_dearest(
    sums: list[SpendSum], column: str, descending: bool
) -> None:
    shown = sums_shown(Listing.MODELS, sums, Order(column, descending))
    assert shown.total == len(sums)
    assert sorted(row.id for row in shown.rows.values()) == sorted(each.id for each in sums)
    assert all(0 <= row.share <= 1_000 for row in shown.rows.values())
    if any(each.micro for each in sums):
        assert max(row.share for row in shown.rows.values()) == 1_000


def test_sorting_by_a_column_and_turning_it_round() -> None:
    sums = [summed("b", 5, 9), summed("a", 7, 1), summed("c", 1, 4)]

    def ids(order: Order) -> list[str]:
        shown = sums_shown(Listing.MODELS, sums, order)
        return [shown.rows[place].id for place in range(3)]

    assert ids(Order()) == ["a", "b", "c"]
    assert ids(Order().by("cost")) == ["c", "b", "a"]
    assert ids(Order().by("name")) == ["a", "b", "c"]
    assert ids(Order().by("count")) == ["b", "c", "a"]


def test_what_is_not_known_is_a_dash_and_counted() -> None:
    shown = sums_shown(
        Listing.MODELS, [summed("x", 0, 3, unknown=3), summed("free", 0, 2), summed("y", 4, 2, 1)], Order()
    )
    by_id = {row.id: [text for text, _ in row.cells] for row in shown.rows.values()}
    assert by_id["x"][1].strip() == "—"
    assert by_id["free"][1].strip() == "$0.00"
    assert [column.id for column in shown.columns][3] == "unknown"
    assert (by_id["x"][3], by_id["y"][3], by_id["free"][3]) == ("3", "1", "")


def test_without_anything_unknown_there_is_no_column_for_it() -> None:
    assert "unknown" not in [column.id for column in sums_shown(Listing.MODELS, [summed("x", 1)], Order()).columns]


def test_requests_and_movements_tell_what_they_do_not_know() -> None:
    unknown = UsageRecord(clean_line("req_1"), 0.0, None, None, None, None, None, None)
    cells = [text for text, _ in request_rows(40, [unknown], UTC)[40].cells]
    assert cells == [" 1 Jan 00:00:00", "—", "—", "—", "—", "—", "—", "req_1"]
    found = LedgerRecord(clean_line("found_1"), 0.0, 5_000_000, None, None, found=True)
    told = LedgerRecord(clean_line("2"), 0.0, -1_234, clean_line("chat_request"), clean_line("req_1"))
    rows = ledger_rows(0, [found, told], UTC)
    assert [row.cells[1][0].strip() for row in rows.values()] == ["+$5.00", "-$0.001234"]
    assert "found between two readings" in rows[0].cells[2][0]
    assert rows[1].cells[2][0] == "chat request"


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=9))
def test_points_stand_below_one_another(micros: list[int]) -> None:
    figures = aligned([f"${micro // 1_000}.{abs(micro) % 1_000}" for micro in micros])
    width = max(map(len, figures))
    assert len({figure.rjust(width).index(".") for figure in figures}) == 1


@given(st.integers(0, 1_000), st.integers(1, 60))
def test_a_bar_fits_and_only_nothing_is_empty(share: int, width: int) -> None:
    bar = bar_of(share, width)
    assert len(bar) <= width
    assert bool(bar) is (share > 0)
    assert bar_of(1_000, width) == "━" * width


def test_days_in_words() -> None:
    assert day_words("2026-11-25") == "Wed 25 Nov"
    assert day_words("not a date") == "not a date"


@pytest.mark.parametrize("figure", ["$12.34", "-$0.0042", "—", "$1,234,567.89"])
def test_large_digits_are_three_rows_of_one_width(figure: str) -> None:
    rows = large(figure)
    assert len(rows) == HEIGHT
    assert len({len(row) for row in rows}) == 1
    assert len({large(digit) for digit in "0123456789"}) == 10
