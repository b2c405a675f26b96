"""A stylesheet that parses a rule once."""

from textual.css.stylesheet import Stylesheet


class OnceParsed(Stylesheet):
    """Keeps what it parsed for as long as the theme is the same.

    Textual's parses everything anew, twice, at the first visit of each room: 25 ms of a key's echo.
    """

    def set_variables(self, variables: dict[str, str]) -> None:
        """Take the theme's colours; what was parsed with others is forgotten."""
        if variables != self._variables:
            super().set_variables(variables)

    def reparse(self) -> None:
        """Parse what is new. What cannot be parsed raises, and the rules stay as they were."""
        self.parse()
