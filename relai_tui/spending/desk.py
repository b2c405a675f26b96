"""The money of an account: its history, spending, usage, ledger and auto-recharge; with no screen.

The Balance room and the command line get all they show from here. What the server tells is kept in the store, so that a
second look needs no network; where it tells nothing (edition 1), the answer is made from this machine's own turns and
readings, and says so.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from relai_tui.account import shown_prefix
from relai_tui.api.errors import NotOffered, UnreadableAnswer
from relai_tui.api.keys import is_shown_as
from relai_tui.balance.governor import RateGovernor
from relai_tui.spending.ledger import LedgerReader
from relai_tui.spending.standing import PACED_OVER, Standing, standing
from relai_tui.spending.usage_shelf import UsageShelf
from relai_tui.spending.usage_sync import UsageSync
from relai_tui.spending.values import LedgerSlice, Side, Source, Spending, UsageFilter, UsageSlice
from relai_tui.spending_records import By
from relai_tui.text import clean_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import tzinfo

    from relai_tui.account import Account
    from relai_tui.api.models import ApiKey, Balance
    from relai_tui.balance.receipts import ReceiptRow
    from relai_tui.spending_records import KeptReading, SpendSum
    from relai_tui.text import CleanText

USUAL_RPM = 60
"""Requests a minute of a key of which nothing else is known."""


class BalanceDesk:
    """The money of an account. `clock` is Unix time in seconds; times are told in `zone`, None for this machine's.

    The methods raise `StoreError` where the disk fails; those that ask the server also `RelaiError`, and
    `CredentialError` and `NoCredential` as connecting does.
    """

    def __init__(
        self,
        account: Account,
        *,
        clock: Callable[[], float] = time.time,
        zone: tzinfo | None = None,
    ) -> None:
        self.account, self.clock, self.zone = account, clock, zone
        self.auto_recharge: bool | None = None
        """As the server last said; None when it did not say, or does not have it (edition 1)."""
        self.usage_offered: bool | None = None
        """Whether the server tells of each request (edition 2); None before it was asked."""
        self._synced_from: float | None = None
        self._usual = RateGovernor(USUAL_RPM)
        self._ledger = LedgerReader(account, self.history, clock)

    @property
    def _name(self) -> CleanText:
        return self.account.profile.name

    # -- the balance

    async def balance_now(self) -> Balance:
        """Read the balance once, now, and keep it. Raises `NotOffered` on servers without one."""
        balance = await (await self.account.connect()).balance()
        self.auto_recharge = balance.auto_recharge
        if balance.credits_micro is not None:
            store = await self.account.store()
            await store.ledger.add_reading(
                self._name, self.account.region, balance.credits_micro, self.clock(), "balance"
            )
        return balance

    async def read(self, *, max_age: float = 0.0) -> KeptReading:
        """A reading not older than `max_age` seconds: a kept one, whoever of this machine made it, else a new one.

        Raises `UnreadableAnswer` when the server's answer holds no balance that is a figure.
        """
        store = await self.account.store()
        last = await store.ledger.last_reading(self._name)
        if last is not None and 0 <= self.clock() - last.as_of < max_age:
            return last
        balance = await self.balance_now()
        last = await store.ledger.last_reading(self._name)
        if balance.credits_micro is None or last is None:
            raise UnreadableAnswer("The server's answer holds no balance that is a figure. Try again later.")
        return last

    async def standing(self, trouble: str | None = None) -> Standing:
        """How the account stands by what is kept; asks no server. `trouble` says why nothing newer is known."""
        now = self.clock()
        readings = await self.history(now - PACED_OVER)
        if not readings:
            store = await self.account.store()
            last = await store.ledger.last_reading(self._name)
            readings = (last,) if last else ()
        why = clean_line(trouble, 600) if trouble else None
        region, rules = self.account.region, self.account.settings.alerts
        return await asyncio.to_thread(standing, self._name, region, readings, rules, now, why)

    async def set_auto_recharge(self, on: bool) -> bool:
        """Switch the automatic top-up (edition 2); what it is now. Raises `NotOffered` where there is none."""
        balance = await (await self.account.connect()).set_auto_recharge(on)
        self.auto_recharge = on if balance.auto_recharge is None else balance.auto_recharge
        return self.auto_recharge

    async def history(self, since: float) -> tuple[KeptReading, ...]:
        """The readings kept of this profile from that time on, oldest first."""
        store = await self.account.store()
        return await store.ledger.readings(self._name, since)

    async def sides(self) -> tuple[Side, ...]:
        """Every profile of this machine with its last reading, the one in use first. Asks no server."""
        from relai_tui.spending.sides import kept_sides

        return await kept_sides(self.account, self.clock())

    async def read_side(self, profile: str) -> Side:
        """As one of `sides`, after one live read of that profile with its own key, which a keyring may ask about."""
        from relai_tui.spending.sides import read_side

        if profile == self._name:
            await self.balance_now()
        else:
            await read_side(self.account, profile, self.clock)
        return next(side for side in await self.sides() if side.profile == profile)

    # -- what was spent

    async def sums(self, by: By, since: float, until: float | None = None) -> Spending:
        """What was spent from `since` until before `until` (None: up to now), by model, conversation, day or key.

        By model and day of the server's requests that are known here, where it tells of them; by conversation of this
        program's own turns. By key it asks the server (edition 2), and raises `NotOffered` elsewhere.
        """
        end = self.clock() if until is None else until
        if by is By.KEY:
            from relai_tui.spending.by_key import spent_by_key

            return await spent_by_key(await self.account.connect(), since, end)
        shelf = await self._shelf()
        if by is not By.CONVERSATION and self.usage_offered is not False and await shelf.any():
            complete = self._synced_from is not None and self._synced_from <= since
            return Spending(_in_order(await shelf.sums(by, since, end), by), Source.USAGE, complete)
        store = await self.account.store()
        turns = await store.ledger.sums(by, self._name, since, end)
        return Spending(_in_order(turns, by), Source.TURNS, complete=True)

    async def sync_usage(
        self,
        on_progress: Callable[[int, int | None], None],
        *,
        since: float = 0.0,
        key: str | None = None,
    ) -> int:
        """Read the requests since then that are not known yet from the server into the store; how many were new.

        `on_progress` is told how many are known and how many there are, None where the server does not say. Works in
        slices, so that the loop goes on; broken off, the next one goes on from there. Where usage is not offered it
        returns 0, and `usage_offered` is False. With a key's id, its requests alone, which are then known as its.
        """
        client = await self.account.connect()
        shelf = await self._shelf(key)
        try:
            synced = await UsageSync(client, shelf, on_progress, key=key, pause=self._pause).run(since, self.clock())
        except NotOffered:
            self.usage_offered = False
            return 0
        self.usage_offered = True
        if synced.complete and key is None:
            self._synced_from = since if self._synced_from is None else min(since, self._synced_from)
        return synced.new

    async def usage_page(self, wanted: UsageFilter, offset: int, limit: int) -> UsageSlice:
        """Requests that are known here, newest first. Reads only so many as are wanted; asks no server."""
        return await (await self._shelf(wanted.key)).page(wanted, offset, limit)

    async def ledger_page(self, offset: int, limit: int) -> LedgerSlice:
        """Movements of the credits, newest first: the server's (edition 2), or the rises found in the readings."""
        return await self._ledger.page(offset, limit)

    async def receipt(
        self, since: float, until: float | None = None, *, conversation: str | None = None
    ) -> tuple[ReceiptRow, ...]:
        """What a time cost, or a conversation within it: turns, requests and movements of the credits, joined.

        Of what is known here: `sync_usage` first. The ledger is the server's, where it has one and answers.
        """
        from relai_tui.spending.receipts import receipt

        end = self.clock() if until is None else until
        movements = () if conversation else await self._ledger.between(since, end)
        return await receipt(self.account, await self._shelf(), movements, since, end, conversation)

    async def began(self, conversation: str) -> float | None:
        """When the first answer of a conversation began that is known here; None when there is none."""
        store = await self.account.store()
        turns = await store.ledger.spent_turns(self._name, 0.0, self.clock(), conversation_id=conversation)
        return turns[0].at if turns else None

    def _pause(self) -> float:
        """Seconds a long read waits: it leaves a part of the key's minute to the chat."""
        shared = self.account.governor
        governor = self._usual if shared.limit is None else shared
        if governor.may_poll():
            governor.sent()
            return 0.0
        return max(1.0, governor.wait())

    async def _shelf(self, key: str | None = None) -> UsageShelf:
        return UsageShelf(await self.account.store(), self._name, key)

    # -- who else

    async def last_used_key(self) -> ApiKey | None:
        """The valid key that was used last beside the one in use here; None when no other was ever used.

        Where keys begin alike, so that it is not certain which one is in use here, none of them is told.
        """
        account = self.account
        keys = await (await account.connect()).keys()
        able = [key for key in keys if key.last_used_at is not None and key.revoked is not True]
        others = [key for key in able if not _is_ours(key, account)]
        return max(others, key=lambda key: key.last_used_at.timestamp() if key.last_used_at else 0.0, default=None)


def _in_order(sums: Sequence[SpendSum], by: By) -> tuple[SpendSum, ...]:
    """Days as they came, all else the dearest first."""
    if by is By.DAY:
        return tuple(sorted(sums, key=lambda part: part.id))
    return tuple(sorted(sums, key=lambda part: (-part.micro, part.name)))


def _is_ours(key: ApiKey, account: Account) -> bool:
    if account.credential is None:
        return False
    profile, secret = account.profile, account.credential.key
    if profile.key_id is not None and profile.key_prefix == shown_prefix(secret):
        return key.id == profile.key_id
    return is_shown_as(secret.get_secret_value(), key.prefix)
