"""The balance over time, drawn with plotext. Loaded when it is first shown, in a thread: it takes a while."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from threading import Lock

from rich.text import Text
from textual.color import Color
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual_plotext import PlotextPlot

from relai_tui.balance.series import Series
from relai_tui.moments import DAY, HOUR
from relai_tui.money import dollars

_STEPS = (1, 2, 5)
_HOURS = (1 / 12, 1 / 6, 1 / 4, 1 / 2, 1, 2, 3, 4, 6, 12)
_DAYS = (1, 2, 3, 5, 7, 10, 14, 28, 56, 91, 182)


class BalancePlot(PlotextPlot):
    """A line of the balance: time to scale, blank where nothing was read, top-ups marked."""

    DEFAULT_CSS = """
    BalancePlot { width: 1fr; height: 1fr; background: $background; }
    """

    class Resized(Message):
        """It has another size, and is to be drawn anew."""

    def __init__(self, zone: tzinfo | None = None) -> None:
        """`zone` is whose times are shown; None is this machine's."""
        super().__init__()
        self._zone = zone
        self._series: Series | None = None
        self._lines: list[Strip] = []
        self._drawn_for = Size(0, 0)
        self._building = Lock()

    async def show(self, series: Series) -> None:
        """Draw this instead. It is built in a thread: that takes as long as several frames."""
        self._series = series
        width, height = self._drawn_for = self.size
        if width < 12 or height < 3:
            return
        self._lines = await asyncio.to_thread(self._built, series, width, height, self._colours())
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """A line of the plot as it was built last."""
        if self.size != self._drawn_for:
            self._drawn_for = self.size  # asked for once
            self.post_message(self.Resized())
        base = self.rich_style
        line = self._lines[y] if y < len(self._lines) else Strip([])
        return line.adjust_cell_length(self.size.width, base).apply_style(base)

    def _built(self, series: Series, width: int, height: int, ink: dict[str, tuple[int, int, int]]) -> list[Strip]:
        with self._building:
            plot = self.plt
            plot.clear_figure()
            plot.plotsize(width, height)
            plot._set_size(width, height)  # noqa: SLF001 - as textual-plotext itself must do
            plot.canvas_color(ink["ground"])
            plot.axes_color(ink["ground"])
            plot.ticks_color(ink["faint"])
            plot.xaxes(False, False)
            plot.yaxes(False, False)
            plot.xlim(series.start, series.end)
            known = [micro for _, micro in series.points if micro is not None]
            low, high, step = scale(min(known, default=0), max(known, default=1_000_000), max(2, (height - 1) // 3))
            plot.ylim(low, high)
            ticks = list(range(low, high + 1, step))
            plot.yticks([float(tick) for tick in ticks], [f"{dollars(tick)} " for tick in ticks])
            at, labels = zip(*time_ticks(series.start, series.end, max(2, (width - 8) // 14), self._zone), strict=True)
            plot.xticks(list(at), list(labels))
            self._draw_lines(series, low, ink)
            drawn = Text.from_ansi(plot.build())
            return [Strip(line.render(self.app.console)) for line in drawn.split("\n")]

    def _draw_lines(self, series: Series, low: int, ink: dict[str, tuple[int, int, int]]) -> None:
        for run in runs(series):
            times, micros = [at for at, _ in run], [micro for _, micro in run]
            if len(run) == 1:
                self.plt.scatter(times, micros, marker="•", color=ink["line"])
            else:
                if low == 0:  # an area stands for an amount only when it stands on nothing
                    self.plt.plot(times, micros, marker="braille", color=ink["area"], fillx=True)
                self.plt.plot(times, micros, marker="braille", color=ink["line"])
        for at, _ in series.top_ups:
            self.plt.text("▲", at, low, color=ink["top_up"], alignment="center")

    def _colours(self) -> dict[str, tuple[int, int, int]]:
        ground = self.background_colors[1]
        ink = Color.parse(self.app.theme_variables["foreground"])
        line = Color.parse(self.app.theme_variables["primary"])
        top_up = Color.parse(self.app.theme_variables["success"])
        return {
            "ground": ground.rgb,
            "faint": ground.blend(ink, 0.5).rgb,
            "line": line.rgb,
            "area": ground.blend(line, 0.35).rgb,
            "top_up": top_up.rgb,
        }


def runs(series: Series) -> Iterator[list[tuple[float, int]]]:
    """The points between the gaps."""
    run: list[tuple[float, int]] = []
    for at, micro in series.points:
        if micro is None:
            if run:
                yield run
            run = []
        else:
            run.append((at, micro))
    if run:
        yield run


def scale(least: int, most: int, lines: int) -> tuple[int, int, int]:
    """Where an axis begins and ends, and the step between its round ticks: micro-dollars, at most so many steps.

    It begins at nothing where that costs little, so that a low balance looks low.
    """
    spread = max(most - least, abs(most) // 20, 10_000)
    low = (most + least - spread) // 2
    if least >= 0:
        low = 0 if least * 5 < most * 3 else max(0, low)
    wanted = max(1, (max(most, low + spread) - low) // lines)
    size = 1
    while size * 10 <= wanted:
        size *= 10
    steps = [each * size for each in (*_STEPS, 10)]
    place = next(place for place, each in enumerate(steps) if each >= wanted)
    high = max(most, low + spread) + spread // 20
    if place and low // steps[place] * steps[place] + steps[place] > high:
        place -= 1  # rather a tick too many than none above the lowest
    low = low // steps[place] * steps[place]
    return low, max(high, low + spread), steps[place]


def time_ticks(start: float, end: float, most: int, zone: tzinfo | None) -> list[tuple[float, str]]:
    """Round moments of the local clock between two Unix times, at most so many, and how each is written."""
    span, first = end - start, datetime.fromtimestamp(start, zone)
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
    hours = next((each for each in _HOURS if span / HOUR / each <= most), None)
    found: list[tuple[float, str]] = []
    if hours is not None and span <= 3 * DAY:
        for number in range(int((first - midnight).total_seconds() // (hours * HOUR)), 4 * 24 * 12 * 2):
            moment = midnight + timedelta(hours=hours * number)
            if moment.timestamp() > end:
                break
            words = f"{moment:%a} {moment.day}" if (moment.hour, moment.minute) == (0, 0) else f"{moment:%H:%M}"
            found.append((moment.timestamp(), words))
    else:
        days = next((each for each in _DAYS if span / DAY / each <= most), 365)
        moment = midnight
        while moment.timestamp() <= end:
            words = f"{moment:%a} {moment.day}" if span <= 10 * DAY else f"{moment.day} {moment:%b}"
            found.append((moment.timestamp(), words))
            moment += timedelta(days=days)
    inside = [(at, words) for at, words in found if start <= at <= end]
    return inside or [(start, f"{first:%H:%M}")]
