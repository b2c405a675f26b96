"""What the chat must know of money: what was spent, whether a limit stands in the way, what is to be warned of."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from relai_tui.api.keys import is_shown_as
from relai_tui.balance.alerts import Alert, next_alert
from relai_tui.balance.attribution import Unexplained
from relai_tui.balance.burn import forecast
from relai_tui.balance.estimate import expected_cost, more_like_this
from relai_tui.balance.limits import Breach, Spent, check, day_start, month_start
from relai_tui.balance.ways import CHEAP, Way, ways_on
from relai_tui.money import dollars
from relai_tui.spending.others import spent_by_others
from relai_tui.text import CleanLine, clean_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo

    from relai_tui.account import Account
    from relai_tui.api.models import ApiKey
    from relai_tui.conversation import Conversation
    from relai_tui.spending_records import AlertState, KeptReading

_PACED_OVER = 22 * 86_400.0
"""Seconds of readings an alert's runway is made from."""
_LOOKED_BACK = 1_200.0
"""Seconds of readings in which a fall is looked for that nobody here explains."""


class Purser:
    """The money of the chat. `clock` is Unix time in seconds; the methods raise `StoreError`, and send nothing."""

    def __init__(self, account: Account, *, clock: Callable[[], float] = time.time, zone: tzinfo | None = None) -> None:
        self._account, self._clock, self._zone = account, clock, zone
        self._told_until = clock()
        """Up to when falls that nobody here explains were told."""

    async def spent(self, conversation_id: str | None) -> Spent:
        """What the conversation, this day and this month cost so far."""
        ledger, profile = (await self._account.store()).ledger, self._account.profile.name
        now = self._clock()
        here, unknown = await ledger.conversation_cost(conversation_id) if conversation_id else (0, 0)
        day, _ = await ledger.spent(profile, day_start(now, self._zone))
        month, unknown_of_month = await ledger.spent(profile, month_start(now, self._zone))
        return Spent(here, day, month, max(unknown, unknown_of_month))

    async def breaches(self, conversation_id: str | None) -> tuple[Breach, ...]:
        """The limits of the user's own that stand in the way of another answer, hard ones first."""
        limits = self._account.settings.limits
        if limits == type(limits)():
            return ()
        return check(limits, await self.spent(conversation_id), await self._expected(conversation_id))

    async def _expected(self, conversation_id: str | None) -> int | None:
        store = await self._account.store()
        return expected_cost(await store.ledger.known_costs(conversation_id)) if conversation_id else None

    async def summary(self, conversation_id: str | None) -> CleanLine | None:
        """`$0.0123 here · about 380 more like this`: the conversation's sum, and how far the balance goes."""
        if conversation_id is None:
            return None
        ledger = (await self._account.store()).ledger
        micro, unknown = await ledger.conversation_sum(conversation_id)
        costs = await ledger.known_costs(conversation_id)
        if not micro and not unknown and not costs:
            return None
        said = f"{dollars(micro)} here" if micro or not unknown else "— here"
        if micro and unknown:
            said += f" + {unknown} unknown"
        last = self._account.watch.last if self._account.connected else None
        more = more_like_this(last.micro if last else None, costs)
        return clean_line(said if more is None else f"{said} · about {more:,} more like this")

    async def ways(self, conversation: Conversation) -> tuple[Way, ...]:
        """What can be done about a prompt the credits do not cover."""
        store = await self._account.store()
        branch = await store.conversations.branch(conversation.id, leaf=conversation.leaf_id)
        return ways_on(
            model=conversation.model,
            aliases=self._account.aliases,
            lengths=[len(turn.text) for turn in branch if turn.text],
            costs=await store.ledger.known_costs(conversation.id),
            cheap_costs=await store.ledger.costs_of(CHEAP),
        )

    # -- with each reading

    async def alert(self) -> Alert | None:
        """What is to be told of the newest reading; once for all windows of this machine."""
        account, now = self._account, self._clock()
        ledger, profile = (await account.store()).ledger, account.profile.name
        readings = await ledger.readings(profile, now - _PACED_OVER)
        if not readings:
            return None
        told = await asyncio.to_thread(forecast, readings, now)  # three weeks of readings take their time
        rules, alerts = account.settings.alerts, list[Alert]()

        def change(state: AlertState) -> AlertState:
            after, alert = next_alert(state, readings[-1], told, rules, now)
            if alert is not None:
                alerts.append(alert)
            return after

        ours = await ledger.change_alert(profile, change)
        return alerts[0] if ours and alerts else None

    async def stranger(self, running: int) -> Unexplained | None:
        """What fell since this was asked last that no answer of this machine explains."""
        readings = await self._recent()
        found = await spent_by_others(self._account, readings, self._told_until, running)
        if readings and not running:
            self._told_until = readings[-1].as_of
        return found

    async def _recent(self) -> tuple[KeptReading, ...]:
        store = await self._account.store()
        since = min(self._told_until, self._clock() - _LOOKED_BACK)
        return await store.ledger.readings(self._account.profile.name, since)


def own_limit(keys: tuple[ApiKey, ...], account: Account) -> int | None:
    """The requests a minute of the key in use, by the list of keys; the lowest, where several begin alike."""
    if account.credential is None:
        return None
    ours = account.credential.key.get_secret_value()
    limits = [
        key.rpm_limit for key in keys if key.rpm_limit and key.revoked is not True and is_shown_as(ours, key.prefix)
    ]
    known = [key.rpm_limit for key in keys if key.id == account.profile.key_id and key.rpm_limit]
    return min(known or limits, default=None)
