"""What the desk hands out: values only, frozen. Money is micro-dollars, times are Unix time in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relai_tui.balance.burn import Forecast
    from relai_tui.spending_records import KeptReading, LedgerRecord, SpendSum, UsageRecord
    from relai_tui.text import CleanLine, CleanText


class Source(StrEnum):
    """Where figures of spending come from."""

    USAGE = "usage"
    """The server's own account of every request of the organisation (edition 2)."""
    TURNS = "turns"
    """This program's own answers on this machine: what others spend is not in it."""


@dataclass(frozen=True, slots=True)
class Spending:
    """What was spent, in parts, the dearest first; days in their order."""

    sums: tuple[SpendSum, ...]
    source: Source
    complete: bool
    """False while requests of that time are not read yet, or where the server did not tell of all of them."""

    @property
    def micro(self) -> int:
        """The sum of the parts: of the costs that are known."""
        return sum(part.micro for part in self.sums)

    @property
    def count(self) -> int:
        """Answers or requests, those of unknown cost included."""
        return sum(part.count for part in self.sums)

    @property
    def unknown(self) -> int:
        """How many of them have no known cost."""
        return sum(part.unknown for part in self.sums)


@dataclass(frozen=True, slots=True)
class UsageFilter:
    """Which requests are wanted. None is any."""

    since: float | None = None
    until: float | None = None
    model: str | None = None
    """A model's id; `*` stands for anything."""
    key: str | None = None
    """A key's id. Known only of requests that were synced for that key: `sync_usage(…, key=…)`."""


@dataclass(frozen=True, slots=True)
class UsageSlice:
    """Some requests, newest first, and how many there are in all."""

    records: tuple[UsageRecord, ...]
    total: int


@dataclass(frozen=True, slots=True)
class LedgerSlice:
    """Some movements of the credits, newest first, and how many there are in all."""

    records: tuple[LedgerRecord, ...]
    total: int
    told: bool
    """True for the server's own ledger (edition 2), False for rises that were found in the readings."""
    trouble: CleanLine | None = None
    """Why the rows are those kept from before; None when they are the server's of now, or when it has no ledger."""


@dataclass(frozen=True, slots=True)
class Side:
    """One profile beside the others, such as EU beside US. From what is kept; nothing is asked for it."""

    profile: CleanText
    region: CleanText | None
    last: KeptReading | None
    """The newest reading of this profile on this machine; None when there is none yet."""
    forecast: Forecast
    """How long it lasts, by the readings kept."""
    in_use: bool
    """Whether it is the profile of this session."""
