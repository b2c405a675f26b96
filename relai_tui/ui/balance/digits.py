"""Large digits: three rows high, drawn in half blocks from the characters of a figure."""

_DOTS = {
    "0": "### #.# #.# #.# ###",
    "1": ".#. ##. .#. .#. ###",
    "2": "### ..# ### #.. ###",
    "3": "### ..# .## ..# ###",
    "4": "#.# #.# ### ..# ..#",
    "5": "### #.. ### ..# ###",
    "6": "### #.. ### #.# ###",
    "7": "### ..# ..# .#. .#.",
    "8": "### #.# ### #.# ###",
    "9": "### #.# ### ..# ###",
    ".": ". . . . #",
    ",": ". . . # #",
    "-": "... ... ### ... ...",
    "—": ".... .... #### .... ....",
}
HEIGHT = 3
"""Rows."""


def large(figure: str) -> tuple[str, str, str]:
    """The figure in three rows; a character without a large form is left out."""
    rows = ["", "", ""]
    for letter in figure:
        if letter == "$":  # raised, as on a price tag
            rows = [row + (" " if row else "") + mark for row, mark in zip(rows, "$  ", strict=True)]
            continue
        dots = _DOTS.get(letter)
        if dots is None:
            continue
        lines = [*dots.split(" "), "." * len(dots.split(" ")[0])]
        for row in range(HEIGHT):
            upper, lower = lines[2 * row], lines[2 * row + 1]
            cells = (_block(up == "#", down == "#") for up, down in zip(upper, lower, strict=True))
            rows[row] += ("" if not rows[row] else " ") + "".join(cells)
    return rows[0], rows[1], rows[2]


def _block(upper: bool, lower: bool) -> str:
    return "█" if upper and lower else "▀" if upper else "▄" if lower else " "
