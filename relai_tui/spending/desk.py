# ruff: noqa: ARG002 - until the store keeps usage
"""The money of an account: its history, spending, usage, ledger and auto-recharge; with no screen.

The Balance room and the command line get all they show from here. What the server tells is kept in the store, so that a
second look needs no network; where it tells nothing (edition 1), the answer is made from this machine's own turns and
readings, and says so.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from relai_tui.account import shown_prefix
from relai_tui.api.errors import NotOffered
from relai_tui.spending.values import LedgerSlice, Side, Source, Spending, UsageFilter, UsageSlice

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo

    from relai_tui.account import Account
    from relai_tui.api.models import ApiKey, Balance
    from relai_tui.spending_records import By, KeptReading


class BalanceDesk:
    """The money of an account. `clock` is Unix time in seconds; days are those of `zone`, None for this machine's.

    The methods raise `StoreError` where the disk fails; those that ask the server also `RelaiError`, and
    `CredentialError` and `NoCredential` as connecting does.
    """

    def __init__(self, account: Account, *, clock: Callable[[], float] = time.time, zone: tzinfo | None = None) -> None:
        self.account, self.clock, self.zone = account, clock, zone
        self.auto_recharge: bool | None = None
        """As the server last said; None when it did not say, or does not have it (edition 1)."""
        self.usage_offered: bool | None = None
        """Whether the server tells of each request (edition 2); None before it was asked."""

    # -- the balance

    async def balance_now(self) -> Balance:
        """Read the balance once, now. Raises `NotOffered` on servers without one."""
        balance = await (await self.account.connect()).balance()
        self.auto_recharge = balance.auto_recharge
        return balance

    async def set_auto_recharge(self, on: bool) -> bool:
        """Switch the automatic top-up (edition 2); what it is now. Raises `NotOffered` where there is none."""
        balance = await (await self.account.connect()).set_auto_recharge(on)
        self.auto_recharge = on if balance.auto_recharge is None else balance.auto_recharge
        return self.auto_recharge

    async def history(self, since: float) -> tuple[KeptReading, ...]:
        """The readings kept of this profile from that time on, oldest first."""
        store = await self.account.store()
        return await store.ledger.readings(self.account.profile.name, since)

    async def sides(self) -> tuple[Side, ...]:
        """Every profile of this machine with its last reading, the one in use first. Asks no server."""
        store = await self.account.store()
        in_use = self.account.profile.name
        sides = [
            Side(
                profile=profile.name,
                region=profile.region,
                last=await store.ledger.last_reading(profile.name),
                in_use=profile.name == in_use,
            )
            for profile in self.account.profiles()
        ]
        return tuple(sorted(sides, key=lambda side: not side.in_use))

    # -- what was spent

    async def sums(self, by: By, since: float, until: float | None = None) -> Spending:
        """What was spent from `since` until before `until` (None: up to now), by model, conversation, day or key.

        By key it asks the server (edition 2), and raises `NotOffered` elsewhere.
        """
        return Spending((), Source.TURNS, complete=True)

    async def sync_usage(self, on_progress: Callable[[int, int | None], None], *, key: str | None = None) -> int:
        """Read the requests that are not known yet from the server into the store; how many were new.

        `on_progress` is told how many are known and how many there are, None where the server does not say. Works in
        slices, so that the loop goes on. Where usage is not offered it returns 0, and `usage_offered` is False.
        """
        try:
            await (await self.account.connect()).usage(limit=1)
        except NotOffered:
            self.usage_offered = False
            return 0
        self.usage_offered = True
        return 0

    async def usage_page(self, wanted: UsageFilter, offset: int, limit: int) -> UsageSlice:
        """Requests that are known here, newest first. Reads only so many as are wanted; asks no server."""
        return UsageSlice((), 0)

    async def ledger_page(self, offset: int, limit: int) -> LedgerSlice:
        """Movements of the credits, newest first: the server's (edition 2), or the rises found in the readings."""
        return LedgerSlice((), 0, told=False)

    # -- who else

    async def last_used_key(self) -> ApiKey | None:
        """The key that was used last beside the one in use here; None when no other was ever used."""
        account = self.account
        keys = await (await account.connect()).keys()
        ours = shown_prefix(account.credential.key) if account.credential else None
        others = [key for key in keys if key.last_used_at is not None and not (ours and key.prefix == ours)]
        return max(others, key=lambda key: key.last_used_at.timestamp() if key.last_used_at else 0.0, default=None)
