"""How text looks, as small numbers: lines of a long conversation are kept as flat tuples of text and number.

A look is a list of names, not of colours, so a change of theme touches no line: names are resolved when painted.
A look may also say what is copied in place of the text it stands on: nothing for padding, the typed mark for a bullet.
"""

from typing import NamedTuple

from relai_tui.text import clean, visible_parts

STYLES: dict[str, str] = {
    "text": "",
    "em": "italic",
    "strong": "bold",
    "s": "strike",
    "code_inline": "$text-warning on $surface",
    "link": "underline $text-primary",
    "picked": "bold reverse",
    "unseen": "$foreground 55%",
    "target": "$foreground 60%",
    "image": "italic $text-secondary",
    "h1": "bold underline $text-primary",
    "h2": "bold $text-primary",
    "h3": "bold $text-accent",
    "h4": "bold",
    "h5": "bold italic",
    "h6": "italic",
    "mark": "$text-accent",
    "bar": "$foreground 40%",
    "rule": "$foreground 35%",
    "head": "bold $text-primary",
    "dim": "$foreground 55%",
    "thought": "italic $foreground 60%",
    "model": "bold $foreground 70%",
    "warning": "$text-warning",
    "error": "$text-error",
    "user": "on $surface",
    "user_bar": "bold $text-accent on $surface",
    "cursor": "bold $text-accent",
    "chip": "bold $background on $accent",
    "code": "on $surface",
    "edge": "$foreground 25% on $surface",
    "language": "italic $foreground 50% on $surface",
    "Token.Keyword": "bold $text-accent",
    "Token.Name.Function": "$text-primary",
    "Token.Name.Class": "bold $text-primary",
    "Token.Name.Builtin": "$text-secondary",
    "Token.Name.Decorator": "$text-warning",
    "Token.Name.Tag": "$text-primary",
    "Token.Name.Attribute": "$text-secondary",
    "Token.Literal.String": "$text-success",
    "Token.Literal.Number": "$text-warning",
    "Token.Comment": "italic $foreground 50%",
    "Token.Operator.Word": "bold $text-accent",
    "Token.Generic.Inserted": "$text-success",
    "Token.Generic.Deleted": "$text-error",
    "Token.Generic.Heading": "bold",
}
"""What each name means, in Textual's style language; theme variables only."""


class Look(NamedTuple):
    """What is known of one number."""

    names: tuple[str, ...]
    """Names of `STYLES`; the later ones win."""
    link: str = ""
    """Where a click leads; empty for nowhere."""
    copied: str | None = None
    """What is copied instead of the text; None for the text itself, `SKIPPED` for nothing of the whole line."""


SKIPPED = "\0"
"""Copied as: the line is not there."""
TEXT = 0
"""The look of plain text."""
WRAPPED = 1
"""Of no text: this line continues the one above, a space was left out between them."""
CUT = 2
"""Of no text: this line continues the one above, in the middle of a word."""
CODE = 3
"""Of no text: a block of code begins with this line."""


class Looks:
    """The numbers given so far. A number once given keeps its meaning."""

    def __init__(self) -> None:
        self._numbers: dict[Look, int] = {}
        self._looks: list[Look] = []
        self._sums: dict[tuple[int, str], int] = {}
        for marker in ("text", "wrapped", "cut", "code block"):
            self._number(Look((marker,), copied=None if marker == "text" else ""))

    def __getitem__(self, number: int) -> Look:
        return self._looks[number]

    def __len__(self) -> int:
        return len(self._looks)

    def _number(self, look: Look) -> int:
        number = self._numbers.get(look)
        if number is None:
            number = self._numbers[look] = len(self._looks)
            self._looks.append(look)
        return number

    def named(self, *names: str, copied: str | None = None) -> int:
        """The look of these names."""
        return self._number(Look(names, copied=copied))

    def plus(self, number: int, name: str) -> int:
        """A look with one more name."""
        found = self._sums.get((number, name))
        if found is None:
            look = self._looks[number]
            names = look.names if name in look.names else (*look.names, name)
            found = self._sums[number, name] = self._number(look._replace(names=names))
        return found

    def linked(self, number: int, target: str) -> int:
        """A look that leads somewhere."""
        return self._number(self._looks[number]._replace(link=target))

    def runs_of(self, text: str, number: int) -> list[tuple[str, int]]:
        """Return foreign text as runs to draw; marks of what cannot be seen are copied as what they stand for."""
        if text.isascii() and text.isprintable():
            return [(text, number)] if text else []
        return [
            (drawn, number if data is None else self.copied_as(self.plus(number, "unseen"), data))
            for drawn, data in visible_parts(clean(text))
        ]

    def copied_as(self, number: int, copied: str) -> int:
        """A look whose text is copied as something else."""
        return self._number(self._looks[number]._replace(copied=copied))
