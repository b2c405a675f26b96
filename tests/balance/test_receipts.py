"""Receipts: what was spent, once each, with sums that are the sums of their parts."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from relai_tui.balance.receipts import RowKind, as_csv, as_markdown, receipt_rows, totals
from relai_tui.conversation import CostBasis
from relai_tui.spending_records import LedgerRecord, SpentTurn, UsageRecord
from relai_tui.text import clean_line

AT = 1_764_061_200.0  # 2025-11-25 09:00 UTC


def turn(name: str, at: float, cost: int | None, *, title: str = "Invoices", out: int = 10) -> SpentTurn:
    basis = CostBasis.UNKNOWN if cost is None else CostBasis.MEASURED
    words, work, model = clean_line(title), clean_line("work"), clean_line("sonnet")
    return SpentTurn(name, "c", words, work, model, None, AT + at, 5.0, 100, out, cost, basis)


def event(name: str, at: float, cost: int | None, *, out: int = 10) -> UsageRecord:
    return UsageRecord(clean_line(name), AT + at, clean_line("sonnet"), 100, out, cost, 900, clean_line("200"))


def moved(name: str, at: float, delta: int | None, reason: str, reference: str | None = None) -> LedgerRecord:
    told = clean_line(reference) if reference else None
    return LedgerRecord(clean_line(name), AT + at, delta, clean_line(reason), told)


def test_an_answer_its_request_and_its_charge_are_one_row() -> None:
    rows = receipt_rows(
        [turn("a", 0, 400), turn("b", 700, None, out=99)],
        [event("req_1", 4, 420), event("req_2", 300, 77, out=55)],
        [
            moved("1", -60, 5_000_000, "top_up", "card 4242"),
            moved("2", 4, -420, "usage", "req_1"),
            moved("3", 300, -77, "usage", "req_2"),
        ],
    )
    assert [(row.kind, row.cost_micro, row.basis) for row in rows] == [
        (RowKind.MOVEMENT, None, CostBasis.UNKNOWN),
        (RowKind.ANSWER, 420, CostBasis.EXACT),
        (RowKind.REQUEST, 77, CostBasis.EXACT),
        (RowKind.ANSWER, None, CostBasis.UNKNOWN),
    ]
    assert (totals(rows).spent_micro, totals(rows).unknown, totals(rows).moved_micro) == (497, 1, 5_000_000)
    markdown = as_markdown(rows)
    assert "| 2025-11-25 09:00 | Invoices | sonnet | 100 | 10 | $0.00042 | exact |" in markdown
    assert "**Spent: $0.000497** and 1 of unknown cost" in markdown
    assert "Movements of the credits beside that: +$5.00" in markdown


def test_an_empty_receipt_says_so() -> None:
    assert as_markdown(()) == "Nothing was spent in that time, as far as is known.\n"
    assert as_csv(()).count("\r\n") == 1


def test_no_title_runs_as_a_formula_or_breaks_the_table() -> None:
    rows = receipt_rows([turn("a", 0, 400, title='=HYPERLINK("http://x")'), turn("b", 9, 4, title="a | b")], [], [])
    cells = list(csv.DictReader(io.StringIO(as_csv(rows))))
    assert cells[0]["what"] == '\'=HYPERLINK("http://x")'
    assert (cells[0]["cost_micro"], cells[0]["cost_dollars"], cells[0]["time"]) == (
        "400",
        "0.000400",
        "2025-11-25T09:00:00Z",
    )
    assert "a \\| b" in as_markdown(rows)


def test_a_title_is_only_text_in_markdown_too() -> None:
    title = "<img src=x> ![a](http://evil.example/b) **bold** snake_case _slanted_"
    shown = as_markdown(receipt_rows([turn("a", 0, 400, title=title)], [], []))
    assert r"\<img src=x\> !\[a\](http://evil.example/b) \*\*bold\*\* snake_case \_slanted\_" in shown


@given(
    st.lists(st.tuples(st.floats(0, 900), st.none() | st.integers(0, 10**9), st.integers(1, 3)), max_size=8),
    st.lists(st.tuples(st.floats(0, 900), st.none() | st.integers(0, 10**9), st.integers(1, 3)), max_size=8),
)
def test_the_sum_of_a_receipt_is_the_sum_of_its_rows(
    asked: list[tuple[float, int | None, int]], told: list[tuple[float, int | None, int]]
) -> None:
    turns = [turn(str(n), at, cost, out=out) for n, (at, cost, out) in enumerate(asked)]
    events = [event(str(n), at, cost, out=out) for n, (at, cost, out) in enumerate(told)]
    rows = receipt_rows(turns, events, [])
    sums = totals(rows)
    cells = list(csv.DictReader(io.StringIO(as_csv(rows))))
    assert sums.spent_micro == sum(int(cell["cost_micro"]) for cell in cells if cell["cost_micro"])
    assert sums.unknown == sum(not cell["cost_micro"] for cell in cells)
    assert sum(row.kind is RowKind.ANSWER for row in rows) == len(turns)
    assert len(turns) <= len(rows) <= len(turns) + len(events)
