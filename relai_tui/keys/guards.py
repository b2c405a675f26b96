"""What must be said, and typed, before a key is created or revoked. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from relai_tui.counts import counted
from relai_tui.keys.listing import Held
from relai_tui.moments import DAY, age
from relai_tui.text import CleanLine, clean_line, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relai_tui.keys.listing import KeyRow, Listing

LONGEST_NAME = 64
LOWEST_RPM, HIGHEST_RPM, DEFAULT_RPM = 1, 1_000, 60
"""Requests a minute."""

LAG = "A revoked key may go on working elsewhere for some minutes."
"""Servers keep keys in caches; others took two to fifteen minutes, one a day."""


class NotAllowed(Exception):
    """A guard says no. `str()` is one clean line: why, and the way on."""

    def __init__(self, message: str) -> None:
        self.message: CleanLine = clean_line(message, 600)
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class Demand:
    """What revoking asks for first."""

    reasons: tuple[CleanLine, ...]
    """Why care is needed; empty when a plain yes is enough."""
    accepted: tuple[CleanLine, ...] = ()
    """What may be typed to confirm; empty when nothing need be."""
    ends_session: bool = False
    """The key is, or may be, the one this session uses."""

    @property
    def typed(self) -> CleanLine | None:
        """What the user is asked to type."""
        return self.accepted[0] if self.accepted else None

    def met_by(self, text: str | None) -> bool:
        """Whether that confirms it."""
        return not self.accepted or (text is not None and clean_line(text) in self.accepted)


def demand_for(row: KeyRow, now: float) -> Demand:
    """What revoking this key asks for. Its name is to be typed, or its id (some names cannot be typed)."""
    reasons = []
    if row.session is Held.YES:
        reasons.append("this session uses it")
    elif row.session is Held.PROBABLY:
        reasons.append("this session may be using it (its prefix is that of our key)")
    if row.profiles:
        reasons.append(f"the profile {' and '.join(f'“{name}”' for name in row.profiles)} of this machine uses it")
    if row.last_used is not None and now - row.last_used < DAY:
        used = age(row.last_used, now)
        reasons.append(f"it was used {used}{'' if used == 'just now' else ' ago'}")
    names = tuple(dict.fromkeys(clean_line(each) for each in (row.key.name, row.id) if each))
    if not _can_be_typed(visible(row.key.name)):
        names = names[::-1]
    return Demand(tuple(map(clean_line, reasons)), names if reasons else (), ends_session=row.session is not Held.NO)


def demand_for_several(rows: Sequence[KeyRow]) -> Demand:
    """What revoking several asks for: `revoke 5`. Raises `NotAllowed` where the key in use is among them."""
    if not rows:
        raise NotAllowed("No key is marked. Space marks one.")
    if any(row.session is not Held.NO for row in rows):
        raise NotAllowed("The key this session uses is among them: revoke it alone, or rotate it.")
    count = len(rows)
    return Demand((clean_line(f"{counted(count, 'key')} at once"),), (clean_line(f"revoke {count}"),))


def name_trouble(name: str) -> CleanLine | None:
    """Why a key cannot be called so; None when it can."""
    bare = name.strip()
    if not bare:
        return clean_line("A key needs a name.")
    if len(bare) > LONGEST_NAME:
        return clean_line(f"A name has at most {LONGEST_NAME} characters; this has {len(bare)}.")
    if clean_line(bare) != bare:
        return clean_line("The name holds characters that cannot be seen. Type it anew.")
    return None


def name_warning(name: str, listing: Listing | None) -> CleanLine | None:
    """What to consider of a name that is allowed."""
    taken = len(listing.named(name)) if listing and name.strip() else 0
    if not taken:
        return None
    has = "A key has" if taken == 1 else f"{counted(taken, 'key')} have"
    return clean_line(f"{has} this name already; they can be told apart only by prefix and date.")


def read_rpm(text: str) -> int | CleanLine:
    """A rate limit in requests a minute, or why it is none."""
    bare = text.strip()
    if bare.isascii() and bare.isdecimal() and len(bare) < 9 and LOWEST_RPM <= int(bare) <= HIGHEST_RPM:
        return int(bare)
    return clean_line(f"The limit is a whole number of requests a minute, {LOWEST_RPM} to {HIGHEST_RPM:,}.")


def _can_be_typed(name: str) -> bool:
    """Short, and free of the marks that stand for what cannot be seen or typed."""
    return 0 < len(name) <= LONGEST_NAME and not any(
        mark in name for mark in ("‹", "\ufffd", *map(chr, range(0x2400, 0x2422)))
    )
