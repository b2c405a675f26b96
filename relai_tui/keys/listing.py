"""The keys of an account as they are looked at: who uses them, which are unused or stale, sorted and filtered. Pure."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any

from relai_tui.moments import DAY
from relai_tui.text import NOTHING, CleanLine, CleanText, clean_line

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from relai_tui.api.models import ApiKey

STALE_DAYS = (30, 90)
"""Days without use after which a key counts as stale: the two thresholds that are offered."""
NEW = DAY
"""Seconds for which a key that was never used is called new, not unused."""


class Held(Enum):
    """How sure it is that a key is the one this session uses."""

    NO = 0
    PROBABLY = 1
    """Its prefix is that of our key, and so is another's."""
    YES = 2


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key and what is known of it on this machine."""

    key: ApiKey
    session: Held = Held.NO
    profiles: tuple[CleanText, ...] = ()
    """Profiles of this machine that use it."""

    @property
    def id(self) -> CleanText:
        """The server's id: the only identity a key has."""
        return self.key.id

    @property
    def revoked(self) -> bool:
        """Whether the server calls it revoked (edition 2 goes on to list such keys)."""
        return self.key.revoked is True

    @property
    def last_used(self) -> float | None:
        """Unix time in seconds; None is "no recorded use", which is not "never"."""
        return _unix(self.key.last_used_at)

    @property
    def created(self) -> float | None:
        """Unix time in seconds."""
        return _unix(self.key.created_at)

    def unused(self, now: float) -> bool:
        """No recorded use, and not created just now."""
        return not self.revoked and self.last_used is None and not self.is_new(now)

    def is_new(self, now: float) -> bool:
        """Created within a day, and not used yet."""
        return self.last_used is None and self.created is not None and now - self.created < NEW

    def stale(self, now: float, days: int) -> bool:
        """Neither used nor created for so many days."""
        latest = max((each for each in (self.last_used, self.created) if each is not None), default=None)
        return not self.revoked and latest is not None and now - latest >= days * DAY

    def state(self, now: float) -> CleanLine:
        """One or two words for the list."""
        if self.revoked:
            words = "revoked"
        elif self.session is Held.YES:
            words = "this session"
        elif self.session is Held.PROBABLY:
            words = "this session?"
        elif self.is_new(now):
            words = "new"
        elif self.last_used is None:
            words = "unused"
        elif self.stale(now, STALE_DAYS[1]):
            words = f"stale {STALE_DAYS[1]} d"
        elif self.stale(now, STALE_DAYS[0]):
            words = f"stale {STALE_DAYS[0]} d"
        else:
            words = "in use" if now - self.last_used < DAY else NOTHING
        return clean_line(words)


@dataclass(frozen=True, slots=True)
class Listing:
    """All keys of the account, and when that was so."""

    rows: tuple[KeyRow, ...]
    as_of: float
    """Unix time in seconds, on this machine's clock."""

    def row(self, key_id: str) -> KeyRow | None:
        """The row of an id."""
        return next((row for row in self.rows if row.id == key_id), None)

    def named(self, name: str) -> tuple[KeyRow, ...]:
        """The keys of that name which are not revoked."""
        wanted = name.strip().casefold()
        return tuple(row for row in self.rows if not row.revoked and row.key.name.casefold() == wanted)

    @property
    def has_scopes(self) -> bool:
        """Whether the server tells scopes (edition 2)."""
        return any(row.key.scope for row in self.rows)


class Chip(StrEnum):
    """What the list may be cut down to at one key press."""

    ALL = "all"
    UNUSED = "unused"
    STALE_30 = "stale 30 d"
    STALE_90 = "stale 90 d"
    SESSION = "this session"
    REVOKED = "revoked"

    def takes(self, row: KeyRow, now: float) -> bool:
        """Whether it leaves this row."""
        match self:
            case Chip.ALL:
                return True
            case Chip.UNUSED:
                return row.unused(now)
            case Chip.STALE_30:
                return row.stale(now, STALE_DAYS[0])
            case Chip.STALE_90:
                return row.stale(now, STALE_DAYS[1])
            case Chip.SESSION:
                return row.session is not Held.NO
            case Chip.REVOKED:
                return row.revoked


class Column(StrEnum):
    """What the list shows of a key, and sorts by."""

    NAME = "name"
    PREFIX = "prefix"
    REGION = "region"
    SCOPE = "scope"
    RPM = "rpm"
    CREATED = "created"
    LAST_USED = "last used"
    STATE = "state"


@dataclass(frozen=True, slots=True)
class View:
    """Which keys are shown, and in what order."""

    words: str = ""
    """What was typed as a filter; with `!` before it, what does not match is shown."""
    chip: Chip = Chip.ALL
    column: Column = Column.LAST_USED
    descending: bool = True

    def of(self, rows: Iterable[KeyRow], now: float) -> tuple[KeyRow, ...]:
        """The rows it leaves, in order. What is not known stands last, whichever way it is sorted."""
        chosen = [row for row in rows if self.chip.takes(row, now) and self.matches(row)]
        known = [(value, row) for row in chosen if (value := _value(row, self.column, now)) is not None]
        unknown = [row for row in chosen if _value(row, self.column, now) is None]
        # By id first: rows that are equal keep their places from one refresh to the next.
        known.sort(key=lambda each: each[1].id)
        known.sort(key=lambda each: each[0], reverse=self.descending)
        return (*(row for _, row in known), *sorted(unknown, key=lambda row: row.id))

    def matches(self, row: KeyRow) -> bool:
        """Every word typed is somewhere in the name, prefix, id, region, scope or profiles."""
        words = self.words.strip()
        inverted = words.startswith("!")
        wanted = _folded(words.removeprefix("!")).split()
        if not wanted:
            return True
        key = row.key
        text = _folded(" ".join((key.name, key.prefix or "", key.id, key.region or "", key.scope or "", *row.profiles)))
        return all(word in text for word in wanted) is not inverted

    def sorted_by(self, column: Column) -> View:
        """Sorted by this column; the other way round when it is already."""
        newest_first = column in (Column.CREATED, Column.LAST_USED, Column.RPM)
        descending = not self.descending if column is self.column else newest_first
        return replace(self, column=column, descending=descending)


def _value(row: KeyRow, column: Column, now: float) -> Any:
    """What a column is sorted by: comparable within the column; None is "not known"."""
    key = row.key
    match column:
        case Column.NAME:
            return key.name.casefold() or None
        case Column.PREFIX:
            return key.prefix
        case Column.REGION:
            return key.region
        case Column.SCOPE:
            return key.scope
        case Column.RPM:
            return key.rpm_limit
        case Column.CREATED:
            return row.created
        case Column.LAST_USED:
            return row.last_used
        case Column.STATE:
            return row.state(now) or None


def _unix(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment is not None else None


def _folded(text: str) -> str:
    """Without case and accents: `munchen` finds `München`."""
    split = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in split if not unicodedata.combining(character))
