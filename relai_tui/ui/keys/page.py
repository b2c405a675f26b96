"""The Keys room."""

from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from relai_tui.account import NoCredential
from relai_tui.api.deltas import Waiting
from relai_tui.api.errors import KeyRefused, NotOffered, RelaiError
from relai_tui.counts import counted
from relai_tui.credentials.errors import CredentialError
from relai_tui.keys.bulk import BulkRevocation
from relai_tui.keys.guards import NotAllowed, demand_for
from relai_tui.keys.listing import Chip, Column, Held, KeyRow, View
from relai_tui.keys.rotation import Rotation, left_behind
from relai_tui.store.errors import StoreError
from relai_tui.text import NOTHING, CleanLine, VisibleText, clean, clean_line, visible
from relai_tui.ui.clipboard import copy
from relai_tui.ui.dialogs import Confirm
from relai_tui.ui.keys.bindings import CHANGING, KEYS_BINDINGS
from relai_tui.ui.keys.create import CreateKey
from relai_tui.ui.keys.details import KeyDetails
from relai_tui.ui.keys.heading import Chips, ListStatus
from relai_tui.ui.keys.reveal import RevealSecret
from relai_tui.ui.keys.revoke import RevokeKey, RevokeSeveral
from relai_tui.ui.keys.rotate import RotateKey
from relai_tui.ui.keys.table import KeyTable, Shown
from relai_tui.ui.page import Identity, KeyHints, Page, TopBar
from relai_tui.ui.sign_in import SignInScreen
from relai_tui.ui.text_input import TextInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relai_tui.api.models import ApiKey
    from relai_tui.key_records import RotationRecord
    from relai_tui.keys.desk import Creation, KeyDesk, Revocation
    from relai_tui.keys.listing import Listing

REFRESH = 60.0
"""Seconds between two readings of the list while the room is shown."""
FRESH = 5.0
"""Seconds for which a list need not be read again on coming back."""
WIDE = 124
"""Columns from which the details stand beside the list, and are shown at first."""

_TROUBLE = (RelaiError, NotAllowed, NoCredential, CredentialError)


class KeysPage(Page):
    """The account's keys: seen, created, rotated and revoked."""

    HELP = (
        "The API keys of the account. Nothing here spends credits. What is revoked is revoked for good;\n"
        "a key that seems to be in use is revoked only when its name is typed."
    )
    BINDINGS: ClassVar = KEYS_BINDINGS
    DEFAULT_CSS = """
    KeysPage {
        layout: vertical; background: $background;
        & #filter { display: none; border: none; height: 1; padding: 0 1; background: $panel; margin: 0 1; }
        &.-filtering #filter { display: block; }
        & Chips { margin: 1 0 0 0; }
        & Horizontal { height: 1fr; margin-top: 1; }
        & KeyDetails { display: none; width: 52; }
        &.-details KeyDetails { display: block; }
        &.-narrow Horizontal { layout: vertical; }
        &.-narrow KeyDetails { width: 100%; height: 55%; max-height: 16; dock: bottom; padding: 0 2; }
    }
    """

    class KeyChanged(Message):
        """This session uses another key, or none any more."""

    class NoKeysHere(Message):
        """This server has no keys to manage."""

    def __init__(self, desk: "KeyDesk", answering: Callable[[], tuple[CleanLine, ...]]) -> None:
        """`answering` tells the titles of the conversations that are being answered."""
        super().__init__()
        self._desk, self._answering = desk, answering
        self._view = View()
        self._marked: frozenset[str] = frozenset()
        self._holding = 0
        self._offered: set[str] = set()
        self._wanted: str | None = None
        self._bar, self._chips, self._table, self._details = TopBar(), Chips(), KeyTable(), KeyDetails()
        self._status = ListStatus(desk.clock)

    def compose(self) -> ComposeResult:
        """The parts of the room."""
        yield self._bar
        yield self._chips
        yield TextInput(placeholder="Filter by name, prefix, id, region, profile; ! inverts", id="filter")
        with Horizontal():
            yield self._table
            yield self._details
        yield self._status
        yield KeyHints()

    def on_mount(self) -> None:
        """A skeleton at once; the list when it comes."""
        self._table.focus()
        self._status.extra = clean_line("read-only ") if self._desk.account.read_only else None
        self.set_class(self.app.size.width >= WIDE, "-details")
        self._arrange()
        self._details.show(None, 0.0)
        self.set_interval(REFRESH, self._refresh_by_itself)

    def on_resize(self) -> None:
        """Details beside the list, or below it."""
        self._arrange()

    def _arrange(self) -> None:
        self.set_class(self.app.size.width < WIDE, "-narrow")

    # -- what keeps one here

    @property
    def reason_to_stay(self) -> CleanLine | None:
        """Why the program must not be left now; None when it may."""
        open_ = self.app.screen_stack
        rotating = any(isinstance(screen, RotateKey) and screen.holds_secret for screen in open_)
        asking = any(isinstance(screen, CreateKey) and not screen.sent for screen in open_)
        if (self._holding and not asking) or rotating or self._desk.busy:
            return clean_line("A new secret is told only once: store it first, then leave.")
        return None

    @contextmanager
    def _held(self) -> "Iterator[None]":
        """While a secret is on its way, or on the screen."""
        self._holding += 1
        try:
            yield
        finally:
            self._holding -= 1

    # -- the list

    def on_screen_resume(self) -> None:
        """Shown (again)."""
        listing = self._desk.listing
        self._show_identity()
        self._show()
        if listing is None or self._desk.clock() - listing.as_of > FRESH:
            self._refresh()

    def _refresh_by_itself(self) -> None:
        if self.is_current:  # neither while another room is shown nor under a dialog
            self._refresh()

    @work(group="list", exclusive=True, exit_on_error=False)
    async def _refresh(self) -> None:
        await self._read_list()
        if self.is_current:
            await self._take_up()

    async def _read_list(self) -> bool:
        """Read the list and show it; False where that failed, which is said."""
        status = self._status
        status.loading_list = True
        try:
            await self._desk.refresh(self._waits)
        except NotOffered:
            status.trouble = clean_line("This server has no API keys to manage.")
            self.post_message(self.NoKeysHere())
        except _TROUBLE as error:
            status.trouble = clean_line(str(error))
        else:
            status.trouble = None
        status.loading_list, status.waiting = False, None
        self._show_identity()
        self._show()
        return status.trouble is None

    def _waits(self, waiting: Waiting) -> None:
        self._status.waiting = (self._desk.clock() + waiting.seconds, waiting.because)

    def _show(self) -> None:
        """The list as it is known, through the filter. Not under a dialog: what it is about must not move."""
        listing, now, view = self._desk.listing, self._desk.clock(), self._view
        if not self.is_current and listing is not None and self._chips.counts:
            return
        rows = view.of(listing.rows, now) if listing else None
        if listing is not None:
            self._marked &= {row.id for row in listing.rows if not row.revoked}
            counts = ((chip, sum(chip.takes(row, now) for row in listing.rows)) for chip in Chip)
            self._chips.counts = tuple((chip, n) for chip, n in counts if n or chip in (Chip.ALL, view.chip))
            self._status.as_of = listing.as_of
        elif self._status.trouble:
            rows = ()
        self._chips.chosen = view.chip
        nothing = "Nothing matches. Esc clears the filter." if listing and listing.rows else "No keys can be shown."
        self._table.show(
            Shown(rows, now, self._marked, view.column, view.descending, bool(listing and listing.has_scopes), nothing)
        )
        self._bar.title = self._title(listing, rows)
        self._detail(self._table.highlighted)

    def _title(self, listing: "Listing | None", rows: tuple[KeyRow, ...] | None) -> CleanLine:
        if listing is None:
            return clean_line("API keys")
        count = len(listing.rows)
        words = counted(count, "API key")
        if rows is not None and len(rows) != count:
            words = f"{len(rows):,} of {words}"
        if not self._marked:
            return clean_line(words)
        hidden = len(self._marked) - len(self._marked & {row.id for row in rows or ()})
        return clean_line(f"{words} · {len(self._marked)} marked{f', {hidden} hidden' if hidden else ''}")

    def _show_identity(self) -> None:
        account = self._desk.account
        source = account.credential.label if account.credential else None
        self._bar.identity = Identity(account.profile.name, account.region, source)

    @on(KeyTable.Highlighted)
    def _highlighted(self, event: KeyTable.Highlighted) -> None:
        event.stop()
        self._detail(event.row)

    @work(group="details", exclusive=True, exit_on_error=False)
    async def _detail(self, row: KeyRow | None) -> None:
        now = self._desk.clock()
        self._details.show(row, now)
        if row is None:
            return
        try:
            events = await self._desk.events(row.id, 20)
        except StoreError:
            return
        if events:
            self._details.show(row, now, events)

    # -- looking for something

    def action_filter(self) -> None:
        """Type to filter."""
        self.add_class("-filtering")
        self.query_one("#filter").focus()

    @on(Input.Changed, "#filter")
    def _filtered(self, event: Input.Changed) -> None:
        event.stop()
        self._look_at(words=event.value)

    @on(Input.Submitted, "#filter")
    def _filter_done(self, event: Input.Submitted) -> None:
        event.stop()
        self._table.focus()

    def action_clear(self) -> None:
        """Out of the filter, then without the filter, then without the marks."""
        if self._view.words or self._view.chip is not Chip.ALL or self.has_class("-filtering"):
            self.remove_class("-filtering")
            self.query_one("#filter", Input).value = ""
            self._look_at(words="", chip=Chip.ALL)
        elif self._marked:
            self._marked = frozenset()
            self._show()
        self._table.focus()

    def action_chip(self, name: str) -> None:
        """Cut the list down, or show it whole again."""
        chip = Chip(name)
        self._look_at(chip=Chip.ALL if chip is self._view.chip else chip)

    @on(Chips.Chosen)
    def _chip_chosen(self, event: Chips.Chosen) -> None:
        event.stop()
        self.action_chip(event.chip.value)

    def action_sort(self, forward: int) -> None:
        """Sort by the next column, or turn the order round."""
        column = self._view.column
        if forward:
            columns = list(Column)
            column = columns[(columns.index(column) + 1) % len(columns)]
        self._sort(column)

    @on(KeyTable.SortWanted)
    def _sort_wanted(self, event: KeyTable.SortWanted) -> None:
        event.stop()
        self._sort(event.column)

    def _sort(self, column: Column) -> None:
        self._view = self._view.sorted_by(column)
        self._show()

    def _look_at(self, *, words: str | None = None, chip: Chip | None = None) -> None:
        view = self._view
        self._view = View(
            view.words if words is None else words, view.chip if chip is None else chip, view.column, view.descending
        )
        self._show()

    @on(KeyTable.Opened)
    def _opened(self, event: KeyTable.Opened) -> None:
        event.stop()
        self.action_details()

    def action_details(self) -> None:
        """Show or hide the details."""
        self.toggle_class("-details")

    @work(group="copy", exclusive=True, exit_on_error=False)
    async def action_copy(self, what: Literal["prefix", "id"]) -> None:
        """Copy what may be seen of the key."""
        row = self._table.highlighted
        text = (row.id if what == "id" else row.key.prefix) if row else None
        if text:
            self.notify(f"{what}: {await copy(self.app, clean(text))}", markup=False, timeout=3)

    def action_refresh(self) -> None:
        """Read the list now; where there is no key, ask for one."""
        if self._desk.account.connected or not self._status.trouble:
            self._refresh()
        else:
            self._sign_in(self._status.trouble)

    # -- marks

    def action_mark(self) -> None:
        """Mark the key, and go to the next."""
        row = self._table.highlighted
        if row is None:
            return
        if row.session is not Held.NO or row.revoked:
            which = "The key this session uses is" if row.session is not Held.NO else "A revoked key is"
            self.notify(f"{which} not revoked with others.", markup=False)
        else:
            self._marked ^= {row.id}
        self._show()
        self._table.action_move(1)

    def action_invert(self) -> None:
        """Mark what is shown and not marked, and the other way round; never our own key."""
        listing = self._desk.listing
        shown = self._view.of(listing.rows, self._desk.clock()) if listing else ()
        may = frozenset(row.id for row in shown if row.session is Held.NO and not row.revoked)
        self._marked = (self._marked - may) | (may - self._marked)
        self._show()

    # -- creating

    @work(group="change", exit_on_error=False)
    async def action_create(self) -> None:
        """Create a key: ask, send once, show the secret."""
        name, limit = NOTHING, 60
        while True:
            with self._held():
                creation = await self.app.push_screen_wait(CreateKey(self._desk, name=name, rpm_limit=limit))
                if creation is None:
                    return
                if creation.secret is not None:
                    switched = await self.app.push_screen_wait(RevealSecret(self._desk, creation, creation.secret))
                    if switched:
                        self.post_message(self.KeyChanged())
                    break
            name = creation.name
            if not await self._after_loss(creation):
                break
        self._go_to(creation.key.id if creation.key else None)

    async def _after_loss(self, creation: "Creation") -> bool:
        """A key may exist whose secret nobody has. Whether to try again."""
        if creation.trouble is not None and creation.compared and not creation.suspects:
            detail = visible(f"{creation.trouble}\nThe list was read again: no key was created.")
            return await self._asked("No key was created", detail, "Try again")
        if not creation.suspects and creation.key is None:
            detail = visible(
                f"{creation.trouble or 'The answer told neither the key nor its secret.'}\n"
                "The list could not be compared. Look whether there is a new key, and revoke it."
            )
            await self._asked("A key may have been created", detail, "Look at the list", cancel="Close")
            return False
        lost = creation.suspects or ((creation.key,) if creation.key else ())
        names = "\n".join(f"{key.name} · {key.prefix or '—'} · {key.id}" for key in lost)
        why = creation.trouble or "The answer held no secret."
        if len(lost) > 1:
            detail = visible(f"{why}\nOne of these is the new one:\n{names}\nRevoke the right one in the list.")
            await self._asked("A key was created, but its secret is lost", detail, "Look at the list", cancel="Close")
            return False
        detail = visible(f"{why}\n{names}\nNobody can use this key. Revoke it, and try again?")
        if not await self._asked("A key was created, but its secret is lost", detail, "Revoke it, try again"):
            return False
        row = KeyRow(lost[0])
        with self._telling():
            await self._desk.revoke(row, row.id)
            return True
        return False

    async def _asked(self, question: str, detail: VisibleText, yes: str, cancel: str = "Cancel") -> bool:
        return await self.app.push_screen_wait(Confirm(clean_line(question), detail, yes, cancel))

    # -- revoking

    def action_revoke(self) -> None:
        """Revoke the key under the cursor, or the marked ones."""
        if self._marked_in_sight():
            self._revoke_marked()
        elif (row := self._table.highlighted) is not None:
            self._revoke(row)

    def revoke_one_of(self, keys: "tuple[ApiKey, ...]") -> None:
        """Open the dialog for a key, as soon as the list is there; of several, show those that begin alike."""
        if len(keys) == 1:
            self._revoke_wanted(keys[0].id)
        else:
            self._view = View(words=keys[0].prefix or "")
            self.notify("Several keys begin like it. Choose the one to revoke, and press x.", markup=False, timeout=10)
            self._show()

    def _revoke_wanted(self, key_id: str) -> None:
        listing = self._desk.listing
        row = listing.row(key_id) if listing else None
        if row is not None and self.is_current:
            self._wanted = None
            self._go_to(key_id)
            self._revoke(row)
        else:
            self._wanted = key_id

    @work(group="change", exit_on_error=False)
    async def _revoke(self, row: KeyRow) -> None:
        if row.revoked:
            self.notify("This key is revoked already.", markup=False)
            return
        now = self._desk.clock()
        answer = await self.app.push_screen_wait(RevokeKey(row, demand_for(row, now), now, self._answering()))
        if answer is None:
            return
        if answer.rotate:
            await self._rotate(Rotation.plan(self._desk, row))
            return
        with self._telling():
            revocation = await self._desk.revoke(row, answer.typed)
            await self._after_revocation(revocation)

    async def _after_revocation(self, revocation: "Revocation") -> None:
        name = revocation.row.key.name or revocation.row.id
        words = "was gone already" if revocation.was_gone else "is revoked"
        self.notify(f"“{name}” {words}.", markup=False)
        if revocation.secret is not None:
            self._verify(revocation)
        if revocation.ended_session:
            self.post_message(self.KeyChanged())
            await self._ask_for_key(clean_line(f"“{name}” is revoked; it was the key of this session."))
        else:
            self._refresh()

    @work(group="verify", exit_on_error=False)
    async def _verify(self, revocation: "Revocation") -> None:
        """Try the old key until it is refused."""
        status, name = self._status, revocation.row.key.name or revocation.row.id
        assert revocation.secret is not None

        def tell(attempt: int) -> None:
            status.notice = clean_line(f"trying whether “{name}” is refused now (try {attempt}) …")

        refused = await self._desk.wait_until_refused(revocation.secret, tell)
        words = "the server refuses it now" if refused else "the server still accepts it; it may take some minutes"
        status.notice = clean_line(f"“{name}” is revoked: {words}.")

    def _marked_in_sight(self) -> tuple[KeyRow, ...]:
        """The marked keys that the filter shows: an action never reaches what is not seen."""
        listing = self._desk.listing
        rows = self._view.of(listing.rows, self._desk.clock()) if listing else ()
        return tuple(row for row in rows if row.id in self._marked and not row.revoked)

    @work(group="change", exit_on_error=False)
    async def _revoke_marked(self) -> None:
        rows = self._marked_in_sight()
        with self._telling():
            revocation = BulkRevocation(self._desk, rows)
            await self.app.push_screen_wait(RevokeSeveral(revocation, self._desk.clock()))
            hidden = self._marked - {row.id for row in rows}
            self._marked = hidden | {each.row.id for each in revocation.left}
            self._refresh()

    # -- rotating

    @work(group="change", exit_on_error=False)
    async def action_rotate(self) -> None:
        """Rotate the key under the cursor, or go on with its rotation."""
        row = self._table.highlighted
        if row is None:
            return
        for record in await left_behind(self._desk):
            if row.id in (record.old_id, record.new_id):
                await self._resume(record)
                return
        if row.revoked:
            self.notify("This key is revoked already.", markup=False)
            return
        await self._rotate(Rotation.plan(self._desk, row))

    def action_limit(self) -> None:
        """The API cannot change a limit: a successor can have another."""
        self.notify("A limit cannot be changed; a successor with another one can replace the key.", markup=False)
        self.action_rotate()

    async def _resume(self, record: "RotationRecord") -> None:
        with self._telling():
            await self._rotate(await Rotation.resume(self._desk, record))

    async def _rotate(self, rotation: Rotation) -> None:
        self._offered.add(rotation.record.id)
        if await self.app.push_screen_wait(RotateKey(rotation)):
            self.post_message(self.KeyChanged())
        if rotation.unsaved:
            self.notify(f"How far it got is not kept: {rotation.unsaved}", markup=False, severity="warning")
        self._refresh()

    async def _take_up(self) -> None:
        """After the list was read: what was asked for meanwhile, and what was left at an earlier visit."""
        if self._wanted is not None:
            self._revoke_wanted(self._wanted)
            return
        if self._desk.account.read_only or self._status.trouble:
            return
        for record in await left_behind(self._desk):
            if record.id not in self._offered and self.is_current:
                self._offered.add(record.id)
                self._offer(record)
                return

    @work(group="change", exit_on_error=False)
    async def _offer(self, record: "RotationRecord") -> None:
        detail = visible(
            f"It got to the step “{record.step.value}”. Both keys are as they were then.\n"
            "It can also be taken up later: t on either key."
        )
        if await self._asked(f"Go on with the rotation of “{record.name}”?", detail, "Go on", cancel="Later"):
            await self._resume(record)

    # -- without a key

    @work(group="change", exit_on_error=False)
    async def _sign_in(self, why: CleanLine) -> None:
        await self._ask_for_key(why)

    async def _ask_for_key(self, why: CleanLine) -> None:
        if await self.app.push_screen_wait(SignInScreen(self._desk.account, why)) is not None:
            self.post_message(self.KeyChanged())
        self._refresh()

    # -- the rest

    def _go_to(self, key_id: str | None) -> None:
        """Show the list anew, with the cursor on this key."""

        async def go() -> None:
            await self._read_list()
            if key_id and not self._table.place_on(key_id):
                self._look_at(words="", chip=Chip.ALL)
                self._table.place_on(key_id)

        self.run_worker(go(), group="list", exclusive=True, exit_on_error=False)

    @contextmanager
    def _telling(self) -> "Iterator[None]":
        """Tell trouble as one toast; after a 401 the list will say the rest."""
        try:
            yield
        except _TROUBLE as error:
            severity: Literal["warning", "error"] = "warning" if isinstance(error, NotAllowed) else "error"
            self.notify(str(error), severity=severity, markup=False, timeout=10)
            if isinstance(error, KeyRefused):
                self._refresh()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without --read-only only; and letters belong to the filter while one types there."""
        if action in CHANGING and self._desk.account.read_only:
            return False
        return super().check_action(action, parameters)
