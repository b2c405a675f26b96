"""Rows in columns, for a terminal."""

from collections.abc import Sequence

from rich.cells import cell_len


def in_columns(rows: Sequence[Sequence[str]], *, numbers: frozenset[int] = frozenset()) -> str:
    """Lines of the rows in columns as wide as their widest cell; the columns in `numbers` end together at the right."""
    if not rows:
        return ""
    widths = [max(cell_len(row[column]) for row in rows) for column in range(len(rows[0]))]

    def cell(text: str, column: int) -> str:
        space = " " * (widths[column] - cell_len(text))
        return space + text if column in numbers else text + space

    return "\n".join("  ".join(cell(text, column) for column, text in enumerate(row)).rstrip() for row in rows)
