"""The account behind the sandbox: credits, ledger, usage, keys and end users, all in memory.

Money is integer micro-dollars. `credits_micro` is always the sum of the ledger's rows: nothing changes one without the
other. The methods may be called from any thread (the demo's server runs in its own).
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from relai_tui.sandbox.instants import day, iso, month
from relai_tui.sandbox.keys import DEFAULT_RPM, Key, new_id, new_secret
from relai_tui.sandbox.models import Model
from relai_tui.sandbox.users import EndUser, Settings

MICRO = 1_000_000
"""Micro-dollars in a dollar."""
MINIMUM_OUTPUT_TOKENS = 16
"""A request must be able to pay its prompt and this many tokens of answer, or it is refused with 402."""


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One movement of the credits."""

    id: int
    delta_micro: int
    reason: str
    reference: str | None
    created_at: float

    def listed(self) -> dict[str, Any]:
        """The row as `GET /billing/ledger` shows it."""
        return {
            "id": self.id,
            "delta_micro": self.delta_micro,
            "reason": self.reason,
            "reference": self.reference,
            "created_at": iso(self.created_at),
        }


@dataclass(frozen=True, slots=True)
class UsageEvent:
    """One chat request that was charged."""

    request_id: str
    timestamp: float
    model: str
    tokens_in: int
    tokens_out: int
    cost_micro: int
    latency_ms: int
    status: int
    """200, or 499 when the client went away before the end."""
    key_id: str
    user: str | None

    def listed(self) -> dict[str, Any]:
        """The event as `GET /usage` shows it."""
        return {
            "request_id": self.request_id,
            "timestamp": iso(self.timestamp),
            "model": self.model,
            "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out,
            "cost_micro": self.cost_micro,
            "latency_ms": self.latency_ms,
            "status": self.status,
        }


class Account:
    """All that the sandbox remembers.

    `clock` gives seconds since the epoch. With a `seed` the minted keys and ids are always the same (the demo's
    screenshots); without one they are fresh.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        region: str = "eu",
        credits_micro: int = 4_500_000,
        seed: int | None = None,
    ) -> None:
        self.clock = clock
        self.region = region
        self.auto_recharge = False
        self.provisioned = True
        """False makes every request fail with 401 account_not_provisioned."""
        self.settings = Settings()
        self.keys: list[Key] = []
        self.ledger: list[LedgerRow] = []
        """Oldest first."""
        self.usage: list[UsageEvent] = []
        """Oldest first."""
        self.users: dict[str, EndUser] = {}
        self.chance = Random(seed)
        self._credits_micro = 0
        self._spent: Counter[tuple[str, str]] = Counter()
        self._by_secret: dict[str, Key] = {}
        self._lock = threading.RLock()
        if credits_micro:
            self.book(credits_micro, "top_up", "opening credit")

    @property
    def credits_micro(self) -> int:
        """The balance in micro-dollars; may fall a little below zero by answers that cost more than was left."""
        return self._credits_micro

    def set_credits(self, micro: int) -> None:
        """Bring the balance to this many micro-dollars, by a ledger row of the difference."""
        with self._lock:
            self.book(micro - self._credits_micro, "adjustment")

    def top_up(self, micro: int, reference: str | None = None) -> None:
        """Add credits (micro-dollars)."""
        self.book(micro, "top_up", reference)

    def book(self, delta_micro: int, reason: str, reference: str | None = None, at: float | None = None) -> None:
        """Write a ledger row and change the credits by it. `at` is seconds since the epoch, now by default."""
        with self._lock:
            when = self.clock() if at is None else at
            self.ledger.append(LedgerRow(len(self.ledger) + 1, delta_micro, reason, reference, when))
            self._credits_micro += delta_micro

    def charge(
        self,
        model: Model,
        tokens_in: int,
        tokens_out: int,
        *,
        key: Key,
        request_id: str,
        user: str | None = None,
        latency_ms: int = 0,
        status: int = 200,
        at: float | None = None,
    ) -> UsageEvent:
        """Take what a request cost from the credits and record it; `at` is its time, now by default."""
        when = self.clock() if at is None else at
        cost = model.cost_micro(tokens_in, tokens_out)
        event = UsageEvent(request_id, when, model.id, tokens_in, tokens_out, cost, latency_ms, status, key.id, user)
        with self._lock:
            self.usage.append(event)
            self.book(-cost, "usage", request_id, when)
            if user is not None:
                self._spent[user, day(when)] += cost
                self._spent[user, month(when)] += cost
        return event

    def spent_micro(self, user: str, *, monthly: bool) -> int:
        """Micro-dollars an end user spent in this UTC month or day."""
        now = self.clock()
        return self._spent[user, month(now) if monthly else day(now)]

    def mint(
        self,
        name: str,
        *,
        edition: int = 2,
        region: str | None = None,
        scope: str = "regional",
        rpm_limit: int = DEFAULT_RPM,
        created_at: float | None = None,
        last_used_at: float | None = None,
    ) -> Key:
        """A new key; `key.secret` is its full text. Times are seconds since the epoch."""
        home = region or self.region
        with self._lock:
            key = Key(
                id=new_id(self.chance, edition=edition),
                name=name,
                secret=new_secret(self.chance, edition=edition, region=home, scope=scope),
                edition=edition,
                region=home,
                scope=scope if edition > 1 else "regional",
                rpm_limit=rpm_limit,
                created_at=self.clock() if created_at is None else created_at,
                last_used_at=last_used_at,
            )
            self.keys.append(key)
            self._by_secret[key.secret] = key
            return key

    def revoke(self, key_id: str, *, edition: int | None = None) -> Key | None:
        """Revoke a key of this edition (any by default). None when there is none, or it was revoked before."""
        with self._lock:
            key = self.find(key_id)
            if key is None or key.revoked_at is not None or edition not in {None, key.edition}:
                return None
            key.revoked_at = self.clock()
            return key

    def find(self, key_id: str) -> Key | None:
        """The key with this id."""
        return next((key for key in self.keys if key.id == key_id), None)

    def by_secret(self, secret: str) -> Key | None:
        """The key with this full text, revoked or not."""
        return self._by_secret.get(secret)

    def listed_keys(self, *, edition: int) -> list[dict[str, Any]]:
        """`GET /keys`: the keys of one edition; edition 1 leaves the revoked out, edition 2 marks them."""
        return [
            key.listed(edition=edition)
            for key in list(self.keys)
            if key.edition == edition and (edition > 1 or key.revoked_at is None)
        ]

    def new_token(self) -> str:
        """A fresh part of an id, such as that of a request."""
        with self._lock:
            return f"{self.chance.getrandbits(96):024x}"

    def end_user(self, external_id: str) -> EndUser:
        """The end user of this id; made with the organisation's quotas when it is new."""
        with self._lock:
            if external_id not in self.users:
                self.users[external_id] = EndUser(
                    id=new_id(self.chance, edition=2),
                    external_id=external_id,
                    created_at=self.clock(),
                    monthly_quota_dollars=self.settings.default_user_monthly_quota_dollars,
                    daily_quota_dollars=self.settings.default_user_daily_quota_dollars,
                )
            return self.users[external_id]

    def listed_user(self, user: EndUser) -> dict[str, Any]:
        """`GET /users/{external_id}`."""
        monthly, daily = (self.spent_micro(user.external_id, monthly=period) for period in (True, False))
        return user.listed(monthly, daily)

    def balance(self, *, edition: int) -> dict[str, Any]:
        """`GET /balance`."""
        answer: dict[str, Any] = {"credits_micro": self.credits_micro, "credits_dollars": self.credits_micro / MICRO}
        return answer if edition == 1 else answer | {"auto_recharge": self.auto_recharge}
