"""What is known of the balance at a moment, for the top bars and the room alike."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from relai_tui.balance.alerts import AlertLevel
from relai_tui.moments import age
from relai_tui.store.errors import StoreError
from relai_tui.text import CleanLine, clean_line
from relai_tui.ui.page import Credits

if TYPE_CHECKING:
    from relai_tui.spending.recent import RecentReadings
    from relai_tui.spending.standing import Standing
    from relai_tui.spending_records import KeptReading


@dataclass(frozen=True, slots=True)
class Purse:
    """The balance as it stands."""

    standing: "Standing | None" = None
    """None before the first reading, and where the server has no balance."""
    trend: int = 0
    """-1 where it fell in the last hour, 1 where it rose."""
    offered: bool = True
    """False where the server has no balance."""
    trouble: CleanLine | None = None
    """Why nothing can be read here."""

    def credits(self, now: float) -> Credits | None:
        """As the top bar shows it at that Unix time; None where nothing is to be shown."""
        if self.standing is None or not self.offered:
            return None
        told = self.standing.at(now)
        if told.last is None:
            return Credits(None, clean_line("not known"))
        old = age(told.last.as_of, now)
        note = clean_line("now") if old == "just now" else old
        urgency = int(AlertLevel.NONE if told.stale else told.level)
        return Credits(told.last.micro, note, told.stale, self.trend, urgency)


async def look_into(recent: "RecentReadings", fresh: "KeptReading | None", trouble: CleanLine | None) -> Purse:
    """Take stock: of what is kept, and of the reading that was just made, which may be kept nowhere."""
    try:
        standing, trend = await recent.standing(fresh, trouble)
    except StoreError as error:
        standing, trend = await recent.without_store(fresh, trouble or clean_line(str(error)))
    return Purse(standing, trend)
