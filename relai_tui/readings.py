"""A balance as it was kept: a value only. The store keeps it, the balance page draws it."""

from dataclasses import dataclass

from relai_tui.text import CleanLine


@dataclass(frozen=True, slots=True)
class KeptReading:
    """The balance of a profile at a moment, on the wall clock."""

    profile: CleanLine
    region: CleanLine | None
    """None on servers without regions."""
    micro: int
    """Micro-dollars."""
    as_of: float
    """Unix time in seconds."""
    source: CleanLine
    """Where it was read: such as `balance` or `402`."""
