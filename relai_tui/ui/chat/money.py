"""Money in the chat: limits and the key's rate before a prompt is sent, sums and warnings after."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from relai_tui.api.errors import RelaiError
from relai_tui.counts import counted
from relai_tui.money import dollars
from relai_tui.store.errors import StoreError
from relai_tui.text import clean_line, visible
from relai_tui.ui.chat.status import Status
from relai_tui.ui.page import TopBar

if TYPE_CHECKING:
    from textual.app import App

    from relai_tui.account import Account
    from relai_tui.balance.alerts import Alert
    from relai_tui.balance.limits import Breach
    from relai_tui.balance.watch import Reading
    from relai_tui.spending.purser import Purser
    from relai_tui.ui.dialogs import Confirm

METER_FROM = 2
"""The meter shows from this part of the minute's requests on: a half."""
METER_EVERY = 5.0
"""Seconds between two looks at a meter that is shown."""


class ChatMoney:
    """What the chat room does about money; it tells by the top bar and the status line. `clock` is monotonic."""

    def __init__(self, account: "Account", bar: TopBar, status: Status, clock: Callable[[], float]) -> None:
        self._account, self._bar, self._status, self._clock = account, bar, status, clock
        self._made: Purser | None = None
        self._metering = self._asked_limit = self._has_sent = self._is_warm = False

    @property
    def purser(self) -> "Purser":
        """Made with the first use: the start need not wait for it."""
        if self._made is None:
            from relai_tui.spending.purser import Purser

            self._made = Purser(self._account)
        return self._made

    async def warm(self) -> None:
        """Import what the first prompt needs, in a thread."""

        def load() -> None:
            import relai_tui.spending.purser  # noqa: F401 - for its own sake

        await asyncio.to_thread(load)
        self._is_warm = True

    # -- before a prompt is sent

    async def allows(self, app: "App[Any]", conversation_id: str | None) -> bool:
        """Whether the user's own limits let another prompt be sent; a hard one is asked about, each time."""
        try:
            found = await self.purser.breaches(conversation_id)
        except StoreError as error:
            self._status.notice = clean_line(f"your limits could not be looked at: {error}")
            return True
        soft = [breach for breach in found if not breach.hard]
        if soft:
            self._status.notice = clean_line(f"over your soft limit: {soft[0].words}")
        hard = tuple(breach for breach in found if breach.hard)
        return not hard or await app.push_screen_wait(_limit_asked(hard))

    async def rate_allows(self) -> None:
        """Wait until the key's rate lets another request leave, with a countdown. Cancel it to give up."""
        governor = self._account.governor
        try:
            while (wait := governor.wait()) > 0:
                full = governor.limit is not None and governor.used() >= governor.limit
                because = (
                    f"{governor.used()} of {counted(governor.limit or 0, 'request')} of this minute"
                    f" {'is' if governor.limit == 1 else 'are'} used"
                    if full
                    else "the server asked to wait"
                )
                self._status.holding = (self._clock() + wait, clean_line(because))
                await asyncio.sleep(wait)
        finally:
            self._status.holding = None

    def sent(self) -> None:
        """A prompt leaves now."""
        self._has_sent = True
        self._account.governor.sent()
        self.show_meter()

    def show_meter(self) -> None:
        """`43/60 this minute`, from half of it on; looked at again while it is shown."""
        governor = self._account.governor
        used, limit = governor.used(), governor.limit
        shown = limit is not None and used * METER_FROM >= limit and used > 0
        self._status.rate = clean_line(f"{used}/{limit} this minute") if shown else None
        if shown and not self._metering:
            self._metering = True
            self._status.set_timer(METER_EVERY, self._meter_again)

    def _meter_again(self) -> None:
        self._metering = False
        self.show_meter()

    # -- after

    async def show_spent(self, conversation_id: str | None) -> None:
        """The conversation's sum, and how many more answers like these the balance pays for.

        Not while what it needs is still being loaded: a conversation opened at the start need not wait for it.
        """
        if not self._is_warm:
            return
        with suppress(StoreError):
            self._bar.spent = await self.purser.summary(conversation_id)

    async def take_reading(self, app: "App[None]", reading: "Reading", running: int) -> None:
        """Warn of low credits once, and tell when somebody else spends."""
        if self._has_sent and not self._asked_limit:  # before the first prompt there is nothing to hold back
            self._asked_limit = True
            await self._learn_limit()
        if reading.micro is None:
            return
        with suppress(StoreError):
            if (alert := await self.purser.alert()) is not None:
                self._warn(app, alert)
            if (fell := await self.purser.stranger(running)) is not None:
                await self._tell_stranger(fell.micro)

    def _warn(self, app: "App[None]", alert: "Alert") -> None:
        from relai_tui.spending_records import AlertLevel
        from relai_tui.ui.desktop import notify_desktop

        severe = alert.level is AlertLevel.CRITICAL
        app.notify(alert.words, severity="error" if severe else "warning", markup=False, timeout=8)
        rules = self._account.settings.alerts
        if rules.bell:
            app.bell()
        if rules.desktop:
            notify_desktop(app, alert.words)

    async def _tell_stranger(self, micro: int) -> None:
        from relai_tui.spending.desk import BalanceDesk

        said = f"{dollars(micro)} was spent, but not from here"
        with suppress(RelaiError):
            if (key := await BalanceDesk(self._account).last_used_key()) is not None:
                said += f"; “{clean_line(key.name, 24) or key.id}” was used last"
        self._status.notice = clean_line(f"{said} · F6 keys · Esc hides")

    async def _learn_limit(self) -> None:
        """Ask once for the requests a minute of the key in use."""
        from relai_tui.spending.purser import own_limit

        if self._account.edition is None:
            return
        with suppress(RelaiError):
            client = await self._account.connect()
            self._account.governor.sent()
            self._account.governor.limit = own_limit(await client.keys(), self._account)


def _limit_asked(hard: "tuple[Breach, ...]") -> "Confirm":
    """The question about a hard limit, with the figures."""
    from relai_tui.ui.dialogs import Confirm

    detail = "\n".join(f"{breach.words}." for breach in hard)
    return Confirm(
        clean_line("This is over your hard limit" + ("s." if len(hard) > 1 else ".")),
        visible(f"{detail}\n\nSending raises it for this once; config.toml holds your limits."),
        "Send this once",
    )
