"""What a server told of single requests and movements of the credits, as it is kept. Pure.

What comes without an id gets one made of what it is, so that reading it twice keeps it once.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from relai_tui.spending_records import LedgerRecord, UsageRecord
from relai_tui.text import CleanText, clean_name

if TYPE_CHECKING:
    from relai_tui.api.models import LedgerEntry, UsageEvent


def usage_record(event: UsageEvent, key: str | None = None) -> UsageRecord | None:
    """What is kept of a request, which `key` made where that is known; None for one without a time."""
    if event.timestamp is None:
        return None
    at = event.timestamp.timestamp()
    return UsageRecord(
        request_id=event.request_id
        or _made_of(at, event.model, event.tokens_in, event.tokens_out, event.cost_micro, event.latency_ms),
        at=at,
        model=event.model,
        tokens_in=event.tokens_in,
        tokens_out=event.tokens_out,
        cost_micro=event.cost_micro,
        latency_ms=event.latency_ms,
        status=event.status,
        key_id=clean_name(key) if key else None,
    )


def ledger_record(entry: LedgerEntry) -> LedgerRecord | None:
    """What is kept of a movement; None for one without a time."""
    if entry.created_at is None:
        return None
    at = entry.created_at.timestamp()
    return LedgerRecord(
        id=entry.id or _made_of(at, entry.delta_micro, entry.reason, entry.reference),
        at=at,
        delta_micro=entry.delta_micro,
        reason=entry.reason,
        reference=entry.reference,
    )


def _made_of(*parts: object) -> CleanText:
    said = "|".join(map(str, parts))
    return CleanText(f"made_{hashlib.sha256(said.encode()).hexdigest()[:24]}")
