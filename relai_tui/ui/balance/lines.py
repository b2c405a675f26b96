"""The lines between the parts of the room: what can be chosen, what is the case, what goes on."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from relai_tui.moments import DAY, HOUR, age
from relai_tui.money import dollars

if TYPE_CHECKING:
    from relai_tui.api.models import ApiKey
    from relai_tui.balance.attribution import Unexplained
    from relai_tui.text import CleanLine


class Period(StrEnum):
    """How far back the room looks. The values are what the chips say."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    @property
    def seconds(self) -> float:
        """Its length."""
        return {"hour": HOUR, "day": DAY, "week": 7 * DAY, "month": 30 * DAY}[self.value]

    @property
    def words(self) -> str:
        """As in "spent in the last …"."""
        return {"hour": "hour", "day": "24 h", "week": "7 days", "month": "30 days"}[self.value]


@dataclass(frozen=True, slots=True)
class Chip:
    """One of several that can be chosen."""

    id: str
    key: str
    """The key that chooses it."""
    short: str
    long: str


class Choice(Widget):
    """One line: chips, of which one is chosen, by its key or a click; at the right what is to be said of it."""

    DEFAULT_CSS = """
    Choice { height: 1; padding: 0 1; }
    """

    chips: reactive[tuple[Chip, ...]] = reactive(())
    chosen: reactive[str] = reactive("")
    aside: reactive[Content] = reactive(Content(""))
    """What stands at the right, where there is room."""

    class Chosen(Message):
        """A click on a chip."""

        def __init__(self, choice: "Choice", chip: str) -> None:
            super().__init__()
            self.choice, self.chip = choice, chip

        @property
        def control(self) -> "Choice":
            """The line that was clicked."""
            return self.choice

    def render(self) -> Content:
        """The line."""
        line = Content("")
        for chip, label in self._labels():
            if chip.id == self.chosen:
                line += Content.styled(label, "bold $text-primary on $primary 25%")
            else:
                before, key, after = label.partition(chip.key)
                line += Content.assemble(before, (key, "$text-primary"), (after, "$foreground 60%"))
            line += " "
        room = self.content_size.width - line.cell_length - 1
        aside = self.aside.truncate(max(0, room), ellipsis=True) if room > 8 else Content("")
        return line + " " * (room + 1 - aside.cell_length) + aside

    def _labels(self) -> list[tuple[Chip, str]]:
        """As long as there is room for beside what is said at the right."""
        least = min(self.aside.cell_length, 24) if self.aside else 0
        width = self.content_size.width
        for form, left in ((" {0.key} {0.long} ", least), (" {0.key} {0.short} ", 0)):
            labels = [(chip, form.format(chip)) for chip in self.chips]
            if sum(cell_len(label) + 1 for _, label in labels) + left <= width:
                return labels
        return [(chip, f"{chip.key} {chip.short}") for chip in self.chips]

    def on_click(self, event: events.Click) -> None:
        """Choose it."""
        at = self.content_region.x - self.region.x
        for chip, label in self._labels():
            width = cell_len(label)
            if at <= event.x < at + width:
                self.post_message(self.Chosen(self, chip.id))
            at += width + 1


class Banner(Widget):
    """One line across the room while something is the matter; nothing otherwise."""

    DEFAULT_CSS = """
    Banner { height: 1; padding: 0 1; display: none; background: $warning 20%; }
    Banner.-shown { display: block; }
    """

    words: reactive[Content] = reactive(Content(""))

    def watch_words(self, words: Content) -> None:
        """Shown only with something to say."""
        self.set_class(bool(words), "-shown")

    def render(self) -> Content:
        """The line."""
        return self.words.truncate(self.content_size.width, ellipsis=True)


class RoomStatus(Widget):
    """One line: what is read just now and how far that got, what failed, how fresh the figures are."""

    DEFAULT_CSS = """
    RoomStatus { height: 1; padding: 0 1; color: $foreground 60%; }
    """

    progress: reactive[tuple[int, int | None] | None] = reactive(None)
    """How many requests are read, of how many, while they are."""
    trouble: reactive["CleanLine | None"] = reactive(None)
    """What could not be read."""
    notice: reactive["CleanLine | None"] = reactive(None)
    """What was done, such as where a receipt is now."""
    narrowed: reactive[str] = reactive("")
    """What the requests are filtered by, where there is no room for it beside them."""
    read_at: reactive[float | None] = reactive(None)
    """When the requests were last read through: Unix time in seconds."""
    recharge: reactive[bool | None] = reactive(None)
    """Whether the server tops up by itself; None where it does not have that."""
    read_only: reactive[bool] = reactive(False)

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock

    def on_mount(self) -> None:
        """The age moves on by itself, slowly."""
        self.set_interval(20.0, self.refresh)

    def render(self) -> Content:
        """The line."""
        right = self._right()
        room = self.content_size.width - right.cell_length - 1
        left = self._left().truncate(max(1, room), ellipsis=True)
        return left + " " * (room + 1 - left.cell_length) + right

    def _right(self) -> Content:
        parts = []
        if self.recharge is not None:
            style = "$text-success" if self.recharge else "$foreground 60%"
            parts.append(Content.styled(f"auto-recharge {'on' if self.recharge else 'off'}", style))
        if self.read_only:
            parts.append(Content.styled("read-only", "bold $text-warning"))
        return Content(" · ").join(parts)

    def _left(self) -> Content:
        if self.progress is not None:
            done, total = self.progress
            if not total:
                return Content(f"reading requests … {done:,}" if done else "reading requests …")
            whole = min(20, done * 20 // total)
            return Content.assemble(
                "reading requests ",
                ("━" * whole, "$primary"),
                ("━" * (20 - whole), "$foreground 20%"),
                f" {done:,} of {total:,}",
            )
        if self.trouble is not None:
            return Content.assemble((self.trouble, "$text-error"), ("  R tries again", "$foreground 50%"))
        if self.narrowed:
            return Content.styled(f"{self.narrowed} · Esc clears", "$text-accent")
        if self.notice is not None:
            return Content.styled(self.notice, "$text-accent")
        if self.read_at is None:
            return Content("")
        old = age(self.read_at, self._clock())
        return Content(f"requests read {old if old == 'just now' else f'{old} ago'}")


def spent_words(micro: int, count: int | None, unknown: int, *, here: bool) -> Content:
    """A sum: `$1.23 for 412 requests`, and how many of them have no known cost; `here` it is of our own answers."""
    known = micro or not unknown
    parts: list[tuple[str, str]] = [(dollars(micro) if known else "—", "bold")]
    if count is not None:
        what = f"{'answer' if here else 'request'}{'' if count == 1 else 's'}{' here' if here else ''}"
        parts.append((f" for {count:,} {what}", "$foreground 60%"))
    if unknown:
        parts.append((f" · {unknown:,} unpriced", "$text-warning"))
    return Content.assemble(*parts)


def top_up_words(times: int) -> Content:
    """What the marks below the plot are; nothing where there are none."""
    if not times:
        return Content("")
    return Content.assemble(("▲ ", "$text-success"), (f"{times:,} top-up{'s' * (times > 1)}", "$foreground 60%"))


def others_words(found: "Unexplained", key: "ApiKey | None", now: float, zone: tzinfo | None) -> Content:
    """What went that this machine did not spend, and where to look."""
    since = datetime.fromtimestamp(found.since, zone)
    parts: list[tuple[str, str]] = [
        ("⚠ Someone else is spending: ", "bold $text-warning"),
        (dollars(found.micro), "bold"),
        (f" since {since:%H:%M} that this machine did not", ""),
    ]
    if key is not None:
        used = key.last_used_at.timestamp() if key.last_used_at else None
        old = age(used, now)
        parts.append(
            (f" · last used: “{key.name or key.prefix or key.id}”, {old if old == 'just now' else old + ' ago'}", "")
        )
    parts.append((" · F6 Keys", "bold $text-primary"))
    parts.append((" · Esc hides", "$foreground 60%"))
    return Content.assemble(*parts)
