"""Points in time as the wire writes them: ISO 8601 in UTC, from seconds since the epoch."""

from datetime import UTC, datetime


def iso(seconds: float) -> str:
    """`2026-05-01T10:00:00Z`, or with milliseconds where there are some."""
    moment = datetime.fromtimestamp(round(seconds, 3), UTC)
    precision = "milliseconds" if moment.microsecond else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


def from_iso(text: str) -> float:
    """Seconds since the epoch; a time without a zone is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def day(seconds: float) -> str:
    """`2026-05-01`: the UTC day."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


def month(seconds: float) -> str:
    """`2026-05`: the UTC month."""
    return day(seconds)[:7]
