"""A lived-in account for the demo: keys, a month of usage, top-ups; the same each time for the same clock."""

from random import Random
from typing import NamedTuple

from relai_tui.sandbox.account import MICRO, Account
from relai_tui.sandbox.instants import day
from relai_tui.sandbox.keys import Key
from relai_tui.sandbox.models import BY_ID

DAY = 86_400.0
_SEED = 20_260_501
_DAYS = 30
_LATEST = 600.0
"""Seconds before now that the history ends."""


class _Sample(NamedTuple):
    name: str
    rpm_limit: int
    age_days: float
    unused_days: float | None
    """None: never used."""
    revoked: bool = False
    share: int = 0
    """Its part of the usage."""


_KEYS = (
    _Sample("Production", 600, 210, 0.01, share=55),
    _Sample("Staging", 120, 205, 0.2, share=18),
    _Sample("Ada's laptop", 60, 96, 0.6, share=14),
    _Sample("CI: nightly evaluation", 300, 61, 0.4, share=9),
    _Sample("Old importer", 60, 300, 120),
    _Sample("Contractor (spring)", 60, 150, 45, revoked=True),
    _Sample("Prepared for the launch", 1000, 3, None),
    _Sample("データ分析 🚀 équipe München", 90, 40, 2.5, share=4),
    _Sample("customer-support-assistant-for-the-northern-region, read by the weekly report job as well", 60, 75, 9),
)
_MODELS = (
    ("claude-sonnet-4.6", 40),
    ("claude-haiku-4.5", 22),
    ("gpt-5-mini", 14),
    ("deepseek-v3.2", 12),
    ("claude-opus-4.7", 7),
    ("gemini-3-flash", 5),
)
_USERS = (None, None, None, "user_ada", "user_grace")


def seed_demo(account: Account) -> None:
    """Fill an account as if in use for a month. The keys come in both editions, so that either sees them.

    With `Account(credits_micro=0, seed=…)` and a fixed clock everything in it is always the same.
    """
    chance = Random(_SEED)
    now = account.clock()
    account.auto_recharge = False
    account.settings.default_user_monthly_quota_dollars = 25.0
    ada, grace = account.end_user("user_ada"), account.end_user("user_grace")
    ada.monthly_quota_dollars, ada.daily_quota_dollars = 40.0, 5.0
    ada.created_at, grace.created_at = now - 28 * DAY, now - 12 * DAY
    account.book(5 * MICRO, "top_up", "card •••• 4242", now - _DAYS * DAY)
    for number, sample in enumerate(_KEYS):
        for edition in (1, 2):
            key = account.mint(
                sample.name,
                edition=edition,
                scope="global" if number == 0 else "regional",
                rpm_limit=sample.rpm_limit,
                created_at=now - sample.age_days * DAY,
                last_used_at=None if sample.unused_days is None else now - sample.unused_days * DAY,
            )
            if sample.revoked:
                key.revoked_at = now - 40 * DAY
    _use(account, chance, now)


def _use(account: Account, chance: Random, now: float) -> None:
    seeded = [key for key in account.keys if key.edition > 1][-len(_KEYS) :]
    moments = sorted(_moments(chance, now))
    for at in moments:
        if account.credits_micro < MICRO:
            account.book(5 * MICRO, "top_up", f"invoice {day(at)}", at - 1)
        _one(account, chance, at, _weighted_key(chance, seeded))


def _moments(chance: Random, now: float) -> list[float]:
    """More by day than by night, fewer on each seventh and sixth day, rising a little over the month."""
    found = []
    for back in range(_DAYS):
        quiet = back % 7 in {5, 6}
        for _ in range(chance.randint(8, 14) if quiet else chance.randint(38, 62) - back // 2):
            hour = min(max(chance.gauss(14, 3.5), 0), 23.9)
            found.append(now - back * DAY - (24 - hour) * 3600)
    return [at for at in found if now - _DAYS * DAY < at < now - _LATEST]


def _weighted_key(chance: Random, keys: list[Key]) -> Key:
    return chance.choices(keys, [sample.share for sample in _KEYS])[0]


def _one(account: Account, chance: Random, at: float, key: Key) -> None:
    name = chance.choices([name for name, _ in _MODELS], [weight for _, weight in _MODELS])[0]
    tokens_in = int(chance.lognormvariate(7.6, 1.0))
    tokens_out = int(chance.lognormvariate(6.3, 0.8))
    account.charge(
        BY_ID[name],
        tokens_in,
        tokens_out,
        key=key,
        request_id=f"req_{chance.getrandbits(96):024x}",
        user=chance.choice(_USERS),
        latency_ms=400 + tokens_out * chance.randint(8, 14),
        status=499 if chance.random() < 0.02 else 200,
        at=at,
    )
