"""The Balance room on figures that are given: for pictures, which must always be the same."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC
from types import SimpleNamespace
from typing import Any, cast

from textual.app import App

from relai_tui.api.errors import NotOffered
from relai_tui.balance.alerts import AlertLevel
from relai_tui.balance.burn import Forecast, Pace
from relai_tui.moments import DAY, HOUR
from relai_tui.spending.desk import BalanceDesk
from relai_tui.spending.recent import RecentReadings
from relai_tui.spending.standing import Standing
from relai_tui.spending.values import LedgerSlice, Side, Source, Spending, UsageFilter, UsageSlice
from relai_tui.spending_records import By, KeptReading, LedgerRecord, SpendSum, UsageRecord
from relai_tui.text import clean_line
from relai_tui.ui.balance.page import BalancePage
from relai_tui.ui.balance.purse import Purse
from relai_tui.ui.page import Page
from relai_tui.ui.theme import DEFAULT_THEME, THEMES

NOW = 1_780_000_000.0
"""Thursday 28 May 2026, 20:26:40 UTC."""
NAME, EU = clean_line("work"), clean_line("eu")
MODELS = (
    ("claude-sonnet-4.6", 8_604_112, 427),
    ("claude-opus-4.7", 2_418_031, 66),
    ("claude-haiku-4.5", 1_440_720, 216),
    ("gpt-5-mini", 391_925, 178),
    ("customer-support-assistant-for-the-northern-region", 147_433, 53),
    ("データ分析 🚀", 9_579, 120),
)


def reading(ago: float, micro: int, profile: str = NAME, region: str = EU) -> KeptReading:
    return KeptReading(clean_line(profile), clean_line(region), micro, NOW - ago, clean_line("balance"))


def history() -> tuple[KeptReading, ...]:
    """A month: by day it falls, by night nothing is read, twice it is topped up."""
    found, micro = [], 4_900_000
    for step in range(30 * 48, 0, -1):
        hour = (20.4 - step / 2) % 24
        if step in (900, 420):
            micro += 5_000_000
        if 8 <= hour <= 23:
            micro -= 11_000 + (step * 7919) % 9_000
            found.append(reading(step * HOUR / 2 - 600, micro))
    return tuple(found)


def burning(micro: int = 1_850_000, level: AlertLevel = AlertLevel.NONE, ago: float = 30.0) -> Standing:
    told = Forecast(
        Pace.BURNING, micro, NOW - ago, abs(micro) // 68, abs(micro) * 24 // 68, 21 * DAY,
        NOW + 40 * HOUR, NOW + 4 * DAY,
    )  # fmt: skip
    return Standing(NAME, EU, reading(ago, micro), told, level, NOW)


def thin(pace: Pace, micro: int = 4_200_000, window: float = 720.0) -> Standing:
    told = Forecast(pace, micro, NOW - 30, None, None if pace is Pace.GATHERING else 0, window, None, None)
    return Standing(NAME, EU, reading(30, micro), told, AlertLevel.NONE, NOW)


def unknown() -> Standing:
    told = Forecast(Pace.GATHERING, None, None, None, None, 0.0, None, None)
    return Standing(NAME, EU, None, told, AlertLevel.NONE, NOW, clean_line("the server's answer holds no balance"))


@dataclass
class Figures:
    """Stands in for the desk and the readings."""

    readings: tuple[KeptReading, ...] = field(default_factory=history)
    edition: int | None = 2
    read_only: bool = False
    auto_recharge: bool | None = False
    sides_known: tuple[Side, ...] = ()
    empty: bool = False
    stuck: bool = False
    """Nothing is ever answered."""
    syncing: tuple[int, int | None] | None = None
    usage_offered: bool | None = None
    zone: Any = UTC

    @property
    def account(self) -> Any:
        profile = SimpleNamespace(name=NAME)
        source = SimpleNamespace(label=clean_line("keyring"))
        return SimpleNamespace(
            profile=profile,
            profiles=lambda: self.sides_known,
            region=EU,
            credential=source,
            connected=False,
            edition=self.edition,
            read_only=self.read_only,
        )

    def clock(self) -> float:
        return NOW

    async def refresh(self) -> tuple[KeptReading, ...]:
        await self._wait()
        return self.readings

    async def _wait(self) -> None:
        if self.stuck:
            await asyncio.Event().wait()

    async def sides(self) -> tuple[Side, ...]:
        return self.sides_known

    async def balance_now(self) -> None:
        await self._wait()

    async def sums(self, by: By, since: float, until: float | None = None) -> Spending:
        del until
        await self._wait()
        source = Source.USAGE if self.edition == 2 else Source.TURNS
        if self.empty:
            return Spending((), source, complete=True)
        if by is By.DAY:
            days = [f"2026-05-{day:02}" for day in range(28 - int((NOW - since) // DAY) + 1, 29) if day > 0]
            sums = [self._sum(day, 210_000 + 7_919 * (n * 37 % 29), 14 + n * 5 % 31) for n, day in enumerate(days)]
        elif by is By.KEY:
            sums = [
                self._sum(name, 9_000_000 // (n + 1) ** 2, 400 // (n + 1))
                for n, name in enumerate(("Production", "Staging", ""))
            ]
        elif by is By.CONVERSATION:
            sums = [
                self._sum(name, 3_600 // (n + 1), 4) for n, name in enumerate(("Mutex or semaphore?", "[/] a reminder"))
            ]
        else:
            sums = [self._sum(*model) for model in MODELS]
        if self.edition == 1:
            sums = [replace(each, unknown=each.count // 9) for each in sums[:3]]
        return Spending(tuple(sums), source, complete=self.syncing is None)

    def _sum(self, name: str, micro: int, count: int) -> SpendSum:
        return SpendSum(clean_line(name), name, micro, count, 0, count * 3_041, count * 612)

    async def sync_usage(
        self, on_progress: Callable[[int, int | None], None], *, since: float = 0.0, key: str | None = None
    ) -> int:
        del since, key
        if self.syncing is not None:
            on_progress(*self.syncing)
            await asyncio.Event().wait()
        await self._wait()
        self.usage_offered = self.edition == 2
        return 0

    async def usage_page(self, wanted: UsageFilter, offset: int, limit: int) -> UsageSlice:
        del wanted
        await self._wait()
        total = 0 if self.empty else 99_321
        return UsageSlice(tuple(self._request(place) for place in range(offset, min(offset + limit, total))), total)

    def _request(self, place: int) -> UsageRecord:
        name, cost, _ = MODELS[place * 5 % len(MODELS)]
        known = place % 11 != 4
        return UsageRecord(
            clean_line(f"req_{place * 2654435761 % 2**48:012x}"),
            NOW - 260.0 * place - 11,
            clean_line(name),
            900 + place * 311 % 4_000,
            120 + place * 97 % 900,
            cost // 400 if known else None,
            800 + place * 613 % 9_000,
            clean_line("499" if place % 17 == 5 else "200"),
        )

    async def ledger_page(self, offset: int, limit: int) -> LedgerSlice:
        del offset, limit
        await self._wait()
        told = self.edition == 2
        rows = (
            (0.2, -7_710, "chat_request", "req_1f0c99aa2b31"),
            (3.1, 5_000_000, "top_up", "card •••• 4242"),
            (9.0, 120_000, "refund", None),
        )
        records = tuple(
            LedgerRecord(
                clean_line(f"row {ago}"),
                NOW - ago * DAY,
                delta,
                clean_line(reason) if told else None,
                clean_line(reference) if told and reference else None,
                found=not told,
            )
            for ago, delta, reason, reference in rows
            if told or delta > 0
        )
        records = () if self.empty else records
        return LedgerSlice(records, len(records), told)

    async def last_used_key(self) -> None:
        return None


class Scene(App[None]):
    """The room alone, in a theme."""

    CSS = """
    ToastRack { dock: top; align: right top; margin: 1 0 0 0; }
    """

    def __init__(self, figures: Figures, purse: Purse | None, theme: str = DEFAULT_THEME) -> None:
        super().__init__()
        for each in THEMES:
            self.register_theme(each)
        self.theme = theme
        self.room = BalancePage(cast(BalanceDesk, figures), cast(RecentReadings, figures), tuple, NOW)
        self.purse = purse
        self.room.told(purse)

    def on_mount(self) -> None:
        """Show it."""
        self.push_screen(self.room)

    def on_page_shown(self, event: Page.Shown) -> None:
        """The top bar as in every room."""
        event.page.show_credits(self.purse.credits(NOW) if self.purse else None)

    def action_show_room(self, name: str) -> None:
        """There is only one."""


def no_usage() -> NotOffered:
    return NotOffered("This server does not tell of usage.")
