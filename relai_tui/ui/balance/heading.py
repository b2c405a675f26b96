"""The head of the room: the balance in large digits, how fast it goes, how long it lasts; other profiles beside it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from relai_tui.balance.alerts import AlertLevel
from relai_tui.balance.burn import Pace, forecast_words
from relai_tui.moments import age
from relai_tui.money import dollars, dollars_left
from relai_tui.ui.balance.digits import HEIGHT, large

if TYPE_CHECKING:
    from relai_tui.balance.burn import Forecast
    from relai_tui.spending.standing import Standing
    from relai_tui.spending.values import Side
    from relai_tui.text import CleanLine

_TONES = {AlertLevel.NONE: "$text-success", AlertLevel.LOW: "$text-warning", AlertLevel.CRITICAL: "$text-error"}
_LEAST_FACTS = 34
"""Columns that the words beside the figure need."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the head of the room says."""

    standing: "Standing | None" = None
    """None while the history is not read yet: a skeleton is drawn."""
    offered: bool = True
    """False where the server has no balance."""
    trouble: "CleanLine | None" = None
    """Why there is no new figure."""


class Heading(Widget):
    """The balance, large, and beside it the pace and the runway with how they were got."""

    DEFAULT_CSS = """
    Heading { height: 5; padding: 1 2; }
    Heading.-low { height: 4; padding: 1 2 0 2; }
    """

    facts: reactive[Facts] = reactive(Facts())

    def __init__(self, clock: Callable[[], float], zone: tzinfo | None = None) -> None:
        super().__init__()
        self._clock, self._zone = clock, zone

    def on_mount(self) -> None:
        """The age moves on by itself, slowly."""
        self.set_interval(20.0, self.refresh)

    def render(self) -> Content:
        """Three rows."""
        facts, width = self.facts, self.content_size.width
        if not facts.offered:
            return Content.assemble(
                ("No balance here", "bold"),
                "\n",
                (facts.trouble or "This server tells none.", "$text-warning"),
                "\n",
                ("What this machine's answers took is listed below.", "$foreground 60%"),
            )
        standing = facts.standing
        if standing is None:
            rows = ("░░░ ░░░ ░░░   ░░░ ░░░", "░░░ ░░░ ░░░   ░░░ ░░░", "░░░ ░░░ ░░░ ░ ░░░ ░░░")
            return Content("\n").join(Content.styled(row, "$foreground 20%") for row in rows)
        figure, tone = self._figure(standing)
        digits = large(figure)
        words = self._words(facts, standing)
        if max(map(cell_len, digits)) + 4 + _LEAST_FACTS > width:
            head = Content.styled(figure, f"bold {tone}")
            return Content("\n").join((head + "  " + words[0], *words[1:])).truncate(width * HEIGHT)
        column = max(map(cell_len, digits))
        room = width - column - 4
        return Content("\n").join(
            Content.assemble((row.ljust(column), tone), "    ", line.truncate(room, ellipsis=True))
            for row, line in zip(digits, words, strict=True)
        )

    def _figure(self, standing: "Standing") -> tuple[str, str]:
        micro = standing.micro
        if micro is None:
            return "—", "$foreground 50%"
        tone = "$text-error" if micro <= 0 else _TONES[standing.level]
        return dollars_left(micro), f"{tone} 45%" if self._stale(standing) else tone

    def _stale(self, standing: "Standing") -> bool:
        return standing.at(self._clock()).stale

    def _words(self, facts: Facts, standing: "Standing") -> tuple[Content, Content, Content]:
        """How long, how fast, how fresh."""
        now = self._clock()
        if standing.last is None:
            why = facts.trouble or "nothing was read yet"
            return Content("The balance is not known"), Content.styled(why, "$text-warning"), Content("")
        old = age(standing.last.as_of, now)
        if self._stale(standing):
            first = Content.styled(f"⚠ read {old} ago; what follows from it is left out", "$text-warning")
            tone = "$text-error" if facts.trouble else "$foreground 60%"
            return first, Content.styled(facts.trouble or "no newer figure came", tone), Content("")
        words, basis = told_words(standing.forecast, now, self._zone)
        tone = {AlertLevel.LOW: "$text-warning", AlertLevel.CRITICAL: "$text-error"}.get(standing.level, "")
        fresh = "read just now" if old == "just now" else f"read {old} ago"
        third = Content.styled(f"{basis}  ·  {fresh}" if basis else fresh, "$foreground 60%")
        if facts.trouble:
            third = Content.styled(f"{fresh} · {facts.trouble}", "$text-warning")
        return Content.styled(words, f"bold {tone}".strip()), self._pace(standing), third

    def _pace(self, standing: "Standing") -> Content:
        told = standing.forecast
        if told.pace is Pace.GATHERING:
            return Content.styled("pace and runway follow when more is known", "$foreground 60%")
        if told.rate is None:
            return Content("")
        micro, unit = told.rate
        return Content.assemble((dollars(rounded(micro)), "bold"), (f" {unit}", "$foreground 60%"))


def rounded(micro: int) -> int:
    """Micro-dollars to two figures: a pace is no sum, and is not known more closely."""
    size: int = 10 ** max(0, len(str(abs(micro))) - 2)
    return (abs(micro) + size // 2) // size * size * (-1 if micro < 0 else 1)


def told_words(told: "Forecast", now: float, zone: tzinfo | None) -> tuple[str, str]:
    """A forecast in two: when the credits are gone, and what that was got from; the second may be nothing."""
    words, at, basis = forecast_words(told, now, zone).partition(", at the pace")
    return words[:1].upper() + words[1:], f"{at}{basis}".lstrip(", ")


class Sides(Widget):
    """Every profile of this machine side by side, such as EU beside US; nothing where there is only one."""

    DEFAULT_CSS = """
    Sides { height: 3; padding: 0 1; display: none; margin-bottom: 1; }
    Sides.-several { display: block; }
    Sides.-low { height: 2; margin-bottom: 0; }
    """

    sides: reactive["tuple[Side, ...]"] = reactive(())

    def __init__(self, clock: Callable[[], float], zone: tzinfo | None = None) -> None:
        super().__init__()
        self._clock, self._zone = clock, zone

    def watch_sides(self, sides: "tuple[Side, ...]") -> None:
        """Shown only where there is something to compare."""
        self.set_class(len(sides) > 1, "-several")

    def render(self) -> Content:
        """Cards of equal width, as many as fit."""
        width = self.content_size.width
        many = max(1, min(len(self.sides), width // 30))
        size = width // many
        cards = [self._card(side, size - 2) for side in self.sides[:many]]
        return Content("\n").join(
            Content("  ").join(card[row] for card in cards) for row in range(min(self.content_size.height, 3))
        )

    def _card(self, side: "Side", width: int) -> tuple[Content, Content, Content]:
        edge = Content.styled("▌ " if side.in_use else "│ ", "$primary" if side.in_use else "$foreground 30%")
        name = Content.assemble(
            (side.region.upper() if side.region else "—", "bold $text-secondary"),
            (f"  {side.profile}", "" if side.in_use else "$foreground 70%"),
        )
        if side.last is None:
            money, words = Content.styled("—", "$foreground 50%"), "never read on this machine"
        else:
            tone = "$text-error" if side.last.micro <= 0 else "$foreground"
            money = Content.styled(dollars_left(side.last.micro), f"bold {tone}")
            words, _ = told_words(side.forecast, self._clock(), self._zone)
        old = age(side.last.as_of, self._clock()) if side.last else ""
        read = "" if not old else "read just now" if old == "just now" else f"read {old} ago"
        rows = (
            Content.assemble(edge, name, "  ", money),
            edge + Content.styled(words, "$foreground 60%"),
            edge + Content.styled(read, "$foreground 45%"),
        )
        return tuple(_fitted(row, width) for row in rows)  # type: ignore[return-value]  # three in, three out


def _fitted(line: Content, width: int) -> Content:
    cut = line.truncate(width, ellipsis=True)
    return cut + " " * (width - cut.cell_length)
