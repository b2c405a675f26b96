"""Rows in columns."""

from rich.cells import cell_len

from relai_tui.commands.table import in_columns


def test_columns_line_up_also_with_wide_characters() -> None:
    shown = in_columns([("NAME", "COST"), ("日本語", "$1.00"), ("plain", "$12.00")], numbers=frozenset({1}))
    assert {cell_len(line) for line in shown.splitlines()} == {14}
    assert shown.splitlines()[0] == "NAME      COST"


def test_nothing_is_nothing() -> None:
    assert in_columns([]) == ""
