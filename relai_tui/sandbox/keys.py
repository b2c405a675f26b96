"""API keys of both editions: how they are written, minted, shown and limited."""

import re
from collections import deque
from dataclasses import dataclass, field
from random import Random
from typing import Any

from relai_tui.sandbox.instants import iso

REGIONS = ("eu", "us")
MINUTE = 60.0
"""Seconds of the window of a key's rate limit."""
MAXIMUM_RPM = 1000
DEFAULT_RPM = 60

_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_HEX = "0123456789abcdef"
_WELL_FORMED = re.compile(
    r"rk-(?:eu|us)-[A-Za-z0-9]{8,128}|relai_sk_(?:gbl_)?(?:eu|us)_(?:live|test)_[A-Z2-7]{26}", re.ASCII
)
_SHOWN_EDITION_1, _SHOWN_REGIONAL, _SHOWN_GLOBAL = 9, 18, 22


def well_formed(secret: str) -> bool:
    """Whether the text has the shape of a key of either edition."""
    return _WELL_FORMED.fullmatch(secret) is not None


def shown_prefix(secret: str) -> str:
    """The start of a key that may be shown: 9 characters in edition 1; 18, or 22 for a global key, in edition 2."""
    if not secret.startswith("relai_sk_"):
        return secret[:_SHOWN_EDITION_1]
    return secret[: _SHOWN_GLOBAL if secret.startswith("relai_sk_gbl_") else _SHOWN_REGIONAL]


@dataclass(slots=True)
class Key:
    """One API key of the account. Times are seconds since the epoch."""

    id: str
    name: str
    secret: str = field(repr=False)
    edition: int
    region: str
    scope: str
    rpm_limit: int
    created_at: float
    last_used_at: float | None = None
    revoked_at: float | None = None
    recent: deque[float] = field(default_factory=deque, repr=False)
    """When the requests of the last minute came."""

    @property
    def prefix(self) -> str:
        """What may be shown of the secret."""
        return shown_prefix(self.secret)

    def admit(self, now: float) -> int:
        """Count a request at `now`. Returns 0, or the whole seconds to wait when the limit is reached."""
        while self.recent and self.recent[0] <= now - MINUTE:
            self.recent.popleft()
        if len(self.recent) >= self.rpm_limit:
            return max(1, -int(-(self.recent[0] + MINUTE - now) // 1))
        self.recent.append(now)
        self.last_used_at = now
        return 0

    def listed(self, *, edition: int) -> dict[str, Any]:
        """The key as `GET /keys` shows it."""
        shown: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "prefix": self.prefix,
            "region": self.region,
            "rpm_limit": self.rpm_limit,
            "created_at": iso(self.created_at),
            "last_used_at": None if self.last_used_at is None else iso(self.last_used_at),
        }
        if edition > 1:
            shown |= {"scope": self.scope, "revoked": self.revoked_at is not None}
        return shown

    def created(self, *, edition: int) -> dict[str, Any]:
        """The answer of `POST /keys`: the one time that the secret is told."""
        if edition == 1:
            return self.listed(edition=1) | {"key": self.secret}
        return {
            "id": self.id,
            "name": self.name,
            "key": self.secret,
            "prefix": self.prefix,
            "region": self.region,
            "scope": self.scope,
            "created_at": iso(self.created_at),
        }


def new_secret(chance: Random, *, edition: int, region: str, scope: str) -> str:
    """A fresh full key: `rk-eu-…`, `relai_sk_eu_live_…` or `relai_sk_gbl_eu_live_…`."""
    if edition == 1:
        return f"rk-{region}-" + _some(chance, _LETTERS, 40)
    home = f"gbl_{region}" if scope == "global" else region
    return f"relai_sk_{home}_live_" + _some(chance, _BASE32, 26)


def new_id(chance: Random, *, edition: int) -> str:
    """A fresh id: `key_…` in edition 1, a UUID in edition 2."""
    if edition == 1:
        return "key_" + _some(chance, _HEX, 12)
    parts = [_some(chance, _HEX, length) for length in (8, 4, 3, 3, 12)]
    return f"{parts[0]}-{parts[1]}-4{parts[2]}-a{parts[3]}-{parts[4]}"


def _some(chance: Random, alphabet: str, length: int) -> str:
    return "".join(chance.choices(alphabet, k=length))
