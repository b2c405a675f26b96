"""The Balance room."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.message import Message
from textual.widgets import Input

from relai_tui.account import NoCredential
from relai_tui.api.errors import NotOffered, RelaiError
from relai_tui.credentials.errors import CredentialError
from relai_tui.spending.others import spent_by_others
from relai_tui.spending.values import Source
from relai_tui.store.errors import StoreError
from relai_tui.text import CleanLine, clean_line, visible
from relai_tui.ui.balance.bindings import BALANCE_BINDINGS, CHANGING
from relai_tui.ui.balance.export import ExportReceipt, What
from relai_tui.ui.balance.heading import Facts, Heading, Sides
from relai_tui.ui.balance.lines import (
    Banner,
    Chip,
    Choice,
    Period,
    RoomStatus,
    others_words,
    spent_words,
    top_up_words,
)
from relai_tui.ui.balance.listings import SORTABLE, Listing, Order, skeleton
from relai_tui.ui.balance.purse import Purse
from relai_tui.ui.balance.records import Narrow, Records, not_told
from relai_tui.ui.balance.table import MoneyTable, Shown
from relai_tui.ui.dialogs import Confirm
from relai_tui.ui.page import Identity, KeyHints, Page, TopBar
from relai_tui.ui.text_input import TextInput

if TYPE_CHECKING:
    from relai_tui.balance.attribution import Unexplained
    from relai_tui.balance.series import Series
    from relai_tui.spending.desk import BalanceDesk
    from relai_tui.spending.recent import RecentReadings
    from relai_tui.ui.balance.plot import BalancePlot

SYNC_AGAIN = 60.0
"""Seconds after which requests are read anew on coming back."""
WIDE = 96
"""Columns from which sums are told with what they are of."""
LOW = 30
"""Rows below which the room is drawn closer."""
_TROUBLE = (RelaiError, NoCredential, CredentialError, StoreError)
_PERIODS = tuple(Chip(each.value, str(key), each.value, each.value) for key, each in enumerate(Period, 1))
_LISTINGS = (
    Chip(Listing.MODELS.value, "m", "models", "models"),
    Chip(Listing.CONVERSATIONS.value, "c", "chats", "conversations"),
    Chip(Listing.DAYS.value, "d", "days", "days"),
    Chip(Listing.KEYS.value, "k", "keys", "keys"),
    Chip(Listing.LEDGER.value, "l", "ledger", "ledger"),
    Chip(Listing.REQUESTS.value, "u", "requests", "requests"),
)
_ONLY_TOLD = frozenset({Listing.KEYS.value, Listing.REQUESTS.value})
"""What only a server with a usage API tells."""


class BalancePage(Page):
    """What is left, how long it lasts, and where it went."""

    HELP = (
        "The account's credits. Nothing here spends any. The runway is a range, and says what it was got from.\n"
        "Keys 1 to 4 choose how far back plot and lists look; a letter or ←→ chooses the list."
    )
    BINDINGS: ClassVar = BALANCE_BINDINGS
    DEFAULT_CSS = """
    BalancePage {
        layout: vertical; background: $background;
        & #periods { margin: 0 1; padding: 0; }
        & #lists { margin: 1 1 0 1; padding: 0; }
        & #plot { height: 2fr; min-height: 5; max-height: 18; margin: 0 1; }
        & MoneyTable { height: 3fr; min-height: 4; margin: 0 1; }
        & #filter { display: none; border: none; height: 1; padding: 0 1; background: $panel; margin: 0 1; }
        &.-filtering #filter { display: block; }
        &.-without-plot #plot, &.-without-balance #plot { display: none; }
        &.-low #lists { margin: 0 1; }
    }
    """

    def __init__(
        self,
        desk: "BalanceDesk",
        recent: "RecentReadings",
        answering: Callable[[], tuple[CleanLine, ...]],
        since: float,
    ) -> None:
        """`answering` tells what is being answered; spending by others is told of from `since` on (Unix time)."""
        super().__init__()
        self._answering, self._since = answering, since
        self._desk, self._recent = desk, recent
        self._records = Records(desk)
        self._period, self._listing = Period.WEEK, Listing.MODELS
        self._orders = dict.fromkeys(Listing, Order()) | {Listing.DAYS: Order("name")}
        self._narrow = Narrow()
        self._purse: Purse | None = None
        self._synced_at: float | None = None
        self._unexplained: Unexplained | None = None
        self._waved: int | None = None
        """Micro-dollars of spending by others that the user has seen and put aside."""
        clock = desk.clock
        self._bar, self._heading, self._sides = TopBar(), Heading(clock, desk.zone), Sides(clock, desk.zone)
        self._banner, self._table, self._status = Banner(), MoneyTable(), RoomStatus(clock)
        self._periods, self._lists = Choice(id="periods"), Choice(id="lists")
        self._plot: BalancePlot | None = None

    def compose(self) -> ComposeResult:
        """The parts of the room."""
        yield self._bar
        yield self._banner
        yield self._heading
        yield self._sides
        yield self._periods
        yield Container(id="plot")
        yield self._lists
        yield TextInput(placeholder="Filter requests by model; * stands for anything", id="filter")
        yield self._table
        yield self._status
        yield KeyHints()

    def on_mount(self) -> None:
        """Skeletons at once; figures as they come."""
        self._table.focus()
        self._bar.title = clean_line("Balance")
        self._periods.chips, self._periods.chosen = _PERIODS, self._period.value
        self._show_lists()
        self._table.show(skeleton(self._listing))
        self._arrange()
        self._show_purse()
        self.app.theme_changed_signal.subscribe(self, lambda _: self._draw_plot())

    def on_resize(self) -> None:
        """Closer where there is little room."""
        self._arrange()

    def on_balance_plot_resized(self, event: Message) -> None:
        """Other columns fit: one point a column."""
        event.stop()
        self._draw_plot()

    def _arrange(self) -> None:
        low = self.app.size.height < LOW
        for widget in (self, self._heading, self._sides):
            widget.set_class(low, "-low")

    # -- coming and going

    def on_screen_resume(self) -> None:
        """Shown (again): the balance is read more often, and what is new is read."""
        self._show_identity()
        self._attend(True)
        self._read()
        if self._synced_at is None or self._desk.clock() - self._synced_at > SYNC_AGAIN:
            self._sync()

    def on_screen_suspend(self) -> None:
        """Another room is shown."""
        self._attend(False)

    def _attend(self, here: bool) -> None:
        if self._desk.account.connected:
            self._desk.account.watch.attentive = here

    def _show_identity(self) -> None:
        account = self._desk.account
        source = account.credential.label if account.credential else None
        self._bar.identity = Identity(account.profile.name, account.region, source)

    # -- the balance

    def use(self, desk: "BalanceDesk", recent: "RecentReadings") -> None:
        """Another key is in use: what is known of the account begins anew."""
        self._desk, self._recent, self._records = desk, recent, Records(desk)
        self._narrow, self._synced_at, self._unexplained, self._waved = Narrow(), None, None, None
        self._banner.words, self._sides.sides = Content(""), ()

    def told(self, purse: Purse | None) -> None:
        """The balance was read, or could not be; None while it was not read yet."""
        self._purse = purse
        if self.is_mounted:
            self._show_purse()
            if self.is_current:
                self._attend(True)
                self._draw_plot()
                self._compare()
                self._look_for_others()

    def _show_purse(self) -> None:
        purse = self._purse
        if purse is None:
            self._heading.facts = Facts()
        else:
            trouble = purse.trouble or (purse.standing.trouble if purse.standing else None)
            self._heading.facts = Facts(purse.standing, purse.offered, trouble)
        self.set_class(purse is not None and not purse.offered, "-without-balance")
        self._status.recharge, self._status.read_only = self._desk.auto_recharge, self._desk.account.read_only

    @work(group="read", exclusive=True, exit_on_error=False)
    async def _read(self) -> None:
        """All that is shown, what is seen first first."""
        self._draw_plot()
        self._fill()
        self._compare()
        self._look_for_others()
        with self._noting():
            if self._desk.account.edition == 2 and self._desk.auto_recharge is None:
                await self._desk.balance_now()
        self._show_purse()
        self.refresh_bindings()

    @work(group="sides", exclusive=True, exit_on_error=False)
    async def _compare(self) -> None:
        """The other profiles beside this one."""
        with self._noting():
            if len(self._desk.account.profiles()) > 1:
                self._sides.sides = await self._desk.sides()

    @work(group="sides", exclusive=True, exit_on_error=False)
    async def _read_sides(self) -> None:
        for side in self._sides.sides:
            if not side.in_use:
                with self._noting(clean_line(side.profile)):
                    await self._desk.read_side(side.profile)
        self._compare()

    @contextmanager
    def _noting(self, whose: CleanLine | None = None) -> Iterator[None]:
        """Tell trouble in the status line; the next that goes well takes it away."""
        try:
            yield
        except NotOffered:
            pass
        except _TROUBLE as error:
            self._status.trouble = clean_line(f"{whose}: {error}" if whose else str(error))

    # -- someone else is spending

    @work(group="others", exclusive=True, exit_on_error=False)
    async def _look_for_others(self) -> None:
        """Tell of what went that this machine did not spend, and which other key was used last."""
        with self._noting():
            running = len(self._answering())
            found = await spent_by_others(self._desk.account, self._recent.readings, self._since, running)
            if found is None or (self._waved is not None and found.micro <= self._waved):
                return
            if self._banner.words and found == self._unexplained:
                return
            self._unexplained = found
            key = await self._desk.last_used_key()
            self._banner.words = others_words(found, key, self._desk.clock(), self._desk.zone)

    # -- the plot

    @work(group="plot", exclusive=True, exit_on_error=False)
    async def _draw_plot(self) -> None:
        frame = self.query_one("#plot", Container)
        with self._noting():
            readings = await self._recent.refresh()
            now, columns = self._desk.clock(), max(16, frame.size.width - 8)
            start = now - self._period.seconds

            def prepare() -> "tuple[Callable[[], BalancePlot], Series]":
                from relai_tui.balance.series import series
                from relai_tui.ui.balance.plot import BalancePlot  # takes a tenth of a second: not before it is shown

                return lambda: BalancePlot(self._desk.zone), series(readings, start, now, columns)

            make, drawn = await asyncio.to_thread(prepare)
            if self._plot is None:
                self._plot = make()
                await frame.mount(self._plot)
            await self._plot.show(drawn)
            self._periods.aside = top_up_words(len(drawn.top_ups))

    def action_plot(self) -> None:
        """Show or hide the plot."""
        self.toggle_class("-without-plot")

    def action_period(self, name: str) -> None:
        """Look so far back."""
        self._period = Period(name)
        self._periods.chosen = name
        self._draw_plot()
        self._fill(anew=True)

    # -- the lists

    def _show_lists(self) -> None:
        told = self._tells_requests
        self._lists.chips = tuple(chip for chip in _LISTINGS if told or chip.id not in _ONLY_TOLD)
        self._lists.chosen = self._listing.value

    @property
    def _tells_requests(self) -> bool:
        """Whether the server has, or may have, a usage API."""
        return self._desk.usage_offered is not False and self._desk.account.edition != 1

    @work(group="list", exclusive=True, exit_on_error=False)
    async def _fill(self, *, anew: bool = False) -> None:
        """The list as it is known now."""
        listing, records = self._listing, self._records
        if anew:
            self._table.show(skeleton(listing), anew=True)
        try:
            shown = await records.first(listing, self._period, self._orders[listing], self._narrow)
        except NotOffered as error:
            shown = not_told(error)
        except _TROUBLE as error:
            shown = Shown(total=0, nothing=f"It cannot be read: {clean_line(str(error))}")
        self._table.show(shown, anew=anew)
        self._show_lists()
        self._lists.aside = self._aside(shown)

    def _aside(self, shown: Shown) -> Content:
        self._status.narrowed = ""
        if self._listing is Listing.LEDGER:
            note = "" if self._records.told else "found in the readings of this machine"
            return Content.styled(note, "$foreground 60%")
        if self._listing is Listing.REQUESTS:
            count = f"{shown.total or 0:,} request{'' if shown.total == 1 else 's'}"
            wide, filtered = self.app.size.width >= WIDE, self._narrow.words
            self._status.narrowed = "" if wide else filtered
            narrowed = f" · {filtered} · Esc clears" if filtered and wide else ""
            return Content.assemble((count, "bold"), (narrowed, "$text-accent"))
        spending = self._records.spending
        if spending is None:
            return Content("")
        here = spending.source is Source.TURNS
        wide = self.app.size.width >= WIDE
        words = spent_words(spending.micro, spending.count if wide else None, spending.unknown, here=here)
        return words if spending.complete else words + Content.styled(" so far", "$foreground 60%")

    @on(MoneyTable.Wanted)
    def _rows_wanted(self, event: MoneyTable.Wanted) -> None:
        event.stop()
        self._page_in(event.first, event.count)

    @work(group="list", exclusive=True, exit_on_error=False)
    async def _page_in(self, first: int, count: int) -> None:
        with self._noting():
            self._table.show(await self._records.more(first, count))

    def action_list(self, name: str) -> None:
        """List this."""
        if name in _ONLY_TOLD and not self._tells_requests:
            self.notify("This server does not tell of single requests.", markup=False)
            return
        self._narrow = Narrow()
        self._go_to(Listing(name))

    def action_next(self, by: int) -> None:
        """The list beside it."""
        names = [chip.id for chip in self._lists.chips]
        self.action_list(names[(names.index(self._listing.value) + by) % len(names)])

    def _go_to(self, listing: Listing) -> None:
        self._listing = listing
        self._show_lists()
        self._fill(anew=True)
        self.refresh_bindings()

    @on(Choice.Chosen, "#periods")
    def _period_chosen(self, event: Choice.Chosen) -> None:
        event.stop()
        self.action_period(event.chip)

    @on(Choice.Chosen, "#lists")
    def _list_chosen(self, event: Choice.Chosen) -> None:
        event.stop()
        self.action_list(event.chip)

    def action_sort(self, forward: int) -> None:
        """Sort by the next column, or turn the order round."""
        column = self._orders[self._listing].column
        if forward:
            column = SORTABLE[(SORTABLE.index(column) + 1) % len(SORTABLE)]
            if column == "unknown" and not (self._records.spending and self._records.spending.unknown):
                column = SORTABLE[SORTABLE.index(column) + 1]
        self._sort(column)

    @on(MoneyTable.SortWanted)
    def _sort_wanted(self, event: MoneyTable.SortWanted) -> None:
        event.stop()
        if self._listing.by is not None:
            self._sort(event.column)

    def _sort(self, column: str) -> None:
        self._orders[self._listing] = self._orders[self._listing].by(column)
        self._fill()

    # -- single requests

    @on(MoneyTable.Opened)
    def _opened(self, event: MoneyTable.Opened) -> None:
        event.stop()
        self.action_open()

    def action_open(self) -> None:
        """The requests behind the row."""
        row = self._table.highlighted
        if row is None or self._listing.by is None:
            return
        if self._listing is Listing.CONVERSATIONS:
            self.notify("The server does not know conversations; e exports this one's receipt.", markup=False)
        elif not self._tells_requests:
            self.notify("This server does not tell of single requests.", markup=False)
        elif self._listing is Listing.MODELS:
            self._narrow_to(Narrow(model=row.id))
        elif self._listing is Listing.DAYS:
            self._narrow_to(Narrow(day=row.id))
        else:
            self._narrow_to(Narrow(key=row.id, key_name=row.cells[0][0]))
            self._sync(key=row.id)

    def _narrow_to(self, narrow: Narrow) -> None:
        self._narrow = narrow
        self._go_to(Listing.REQUESTS)

    def action_filter(self) -> None:
        """Type to filter the requests by model."""
        if not self._tells_requests:
            self.notify("This server does not tell of single requests.", markup=False)
            return
        self.add_class("-filtering")
        self.query_one("#filter").focus()

    @on(Input.Changed, "#filter")
    def _filtered(self, event: Input.Changed) -> None:
        event.stop()
        if self.has_class("-filtering"):
            self._narrow_to(replace(self._narrow, model=event.value.strip()))

    @on(Input.Submitted, "#filter")
    def _filter_done(self, event: Input.Submitted) -> None:
        event.stop()
        self.remove_class("-filtering")
        self._table.focus()

    def action_clear(self) -> None:
        """Out of the filter, and without it; then without the banner."""
        if self._unexplained is not None and self._narrow == Narrow() and not self.has_class("-filtering"):
            self._waved, self._unexplained = self._unexplained.micro, None
            self._banner.words = Content("")
        self.remove_class("-filtering")
        self.query_one("#filter", Input).value = ""
        self._table.focus()
        if self._narrow != Narrow():
            self._narrow = Narrow()
            self._fill(anew=True)

    @work(group="sync", exclusive=True, exit_on_error=False)
    async def _sync(self, key: str | None = None) -> None:
        """Read the requests that are new, and show them."""
        status, table_at = self._status, [self._desk.clock()]

        def tell(done: int, total: int | None) -> None:
            status.progress = (done, total)
            if self._desk.clock() - table_at[0] > 2.0:
                table_at[0] = self._desk.clock()
                self._fill()

        status.progress, status.trouble = (0, None), None
        try:
            await self._desk.sync_usage(tell, key=key)
        except _TROUBLE as error:
            status.trouble = clean_line(str(error))
        else:
            self._synced_at = status.read_at = self._desk.clock() if self._desk.usage_offered else None
            self._synced_at = self._desk.clock()
        finally:
            status.progress = None
        if not self._tells_requests and self._listing.value in _ONLY_TOLD:
            self._listing = Listing.MODELS
        self._fill()

    # -- what can be done

    def action_refresh(self) -> None:
        """Read all anew, also the other profiles."""
        self._status.trouble = self._status.notice = None
        if self._desk.account.connected:
            self._desk.account.watch.read_soon()
        self._records.forget()
        self._read_sides()
        self._sync()

    @work(group="change", exit_on_error=False)
    async def action_export(self) -> None:
        """Write a receipt: of the conversation under the cursor, else of the time shown."""
        what, row = What(self._period), self._table.highlighted
        if self._listing is Listing.CONVERSATIONS and row is not None:
            what = What(self._period, row.id, row.cells[0][0])
        written = await self.app.push_screen_wait(ExportReceipt(self._desk, what, Path.cwd()))
        if written is not None:
            self._status.notice = written

    @work(group="change", exit_on_error=False)
    async def action_recharge(self) -> None:
        """Switch the automatic top-up, after a question."""
        on_now = self._desk.auto_recharge
        if on_now is None:
            self.notify("This server has no auto-recharge to switch.", markup=False)
            return
        question = "Switch auto-recharge off?" if on_now else "Switch auto-recharge on?"
        detail = (
            "The credits are then no longer topped up by themselves. When they are gone, requests are refused."
            if on_now
            else "The server then tops the credits up by itself when they run low, and charges the account's card."
        )
        yes = "Switch it off" if on_now else "Switch it on"
        if not await self.app.push_screen_wait(Confirm(clean_line(question), visible(detail), yes)):
            return
        try:
            now_on = await self._desk.set_auto_recharge(not on_now)
        except _TROUBLE as error:
            self.notify(str(error), severity="error", markup=False, timeout=10)
            return
        self.notify(f"Auto-recharge is {'on' if now_on else 'off'}.", markup=False)
        self._show_purse()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What the server has and --read-only allows."""
        if action in CHANGING and (self._desk.account.read_only or self._desk.auto_recharge is None):
            return False
        if action in ("open", "filter") and not self._tells_requests:
            return False
        if action in ("open", "sort") and self._listing.by is None:
            return False
        return super().check_action(action, parameters)
