"""The profiles of this machine side by side, such as EU beside US."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from relai_tui.account import Account
from relai_tui.spending.standing import PACED_OVER, standing
from relai_tui.spending.values import Side

if TYPE_CHECKING:
    from collections.abc import Callable


async def kept_sides(account: Account, now: float) -> tuple[Side, ...]:
    """Every profile as its kept readings tell it, the one in use first. Asks no server."""
    store = await account.store()
    in_use = account.profile.name
    found = []
    for profile in account.profiles():
        readings = await store.ledger.readings(profile.name, now - PACED_OVER)
        if not readings and (last := await store.ledger.last_reading(profile.name)) is not None:
            readings = (last,)
        region = account.region if profile.name == in_use else profile.region
        told = await asyncio.to_thread(standing, profile.name, region, readings, account.settings.alerts, now)
        found.append(Side(profile.name, told.region, told.last, told.forecast, in_use=profile.name == in_use))
    return tuple(sorted(found, key=lambda side: not side.in_use))


async def read_side(account: Account, name: str, clock: Callable[[], float]) -> None:
    """Read the balance of another profile once, with that profile's own key, and keep it with its readings.

    A key of the environment belongs to the profile in use and is not used for another. Raises `RelaiError`,
    `CredentialError`, `NoCredential`, and `StoreError`.
    """
    profile = next(each for each in account.profiles() if each.name == name)
    other = Account(account.settings, profile, account.keyring, {})
    try:
        balance = await (await other.connect()).balance()
    finally:
        await other.close()
    if balance.credits_micro is not None:
        store = await account.store()
        await store.ledger.add_reading(profile.name, other.region, balance.credits_micro, clock(), "balance")
