"""The key that a command names: by its id, never by a guess."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from relai_tui.text import CleanLine, clean_line

if TYPE_CHECKING:
    from relai_tui.keys.listing import KeyRow, Listing

_MOST_GUESSES = 3


class NoSuchKey(Exception):
    """No key of the account has the id that was given. `str()` is one clean line, with the keys that may be meant."""

    def __init__(self, message: str) -> None:
        self.message: CleanLine = clean_line(message, 600)
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message


def given_id(target: str | None, action: str) -> str:
    """Return the id that was given. Raises `NoSuchKey` when there is none."""
    if target is None or not target.strip():
        raise NoSuchKey(f"which key? relai-tui keys {action} ID; relai-tui keys list shows the ids")
    return target.strip()


def row_of(listing: Listing, wanted: str) -> KeyRow:
    """Return the row of an id. Raises `NoSuchKey`, which names the keys with that name, or nearly that id."""
    row = listing.row(wanted)
    if row is not None:
        return row
    near = " or ".join(f"{clean_line(row.id)} ({clean_line(row.key.name)})" for row in _meant(listing, wanted))
    hint = f"did you mean {near}?" if near else "relai-tui keys list shows the ids."
    raise NoSuchKey(f"there is no key with the id “{clean_line(wanted, 60)}”; {hint} Nothing was changed.")


def _meant(listing: Listing, wanted: str) -> tuple[KeyRow, ...]:
    valid = [row for row in listing.rows if not row.revoked]
    folded = wanted.casefold()
    found = list(listing.named(wanted))
    found = found or [row for row in valid if row.id.casefold().startswith(folded)]
    found = found or [row for row in valid if row.key.prefix and row.key.prefix.rstrip(".…*") == wanted.rstrip(".…*")]
    if not found:
        by_word = {word.casefold(): row for row in valid for word in (row.key.name, row.id)}
        found = [by_word[word] for word in difflib.get_close_matches(folded, by_word, _MOST_GUESSES)]
    return tuple(dict.fromkeys(found))[:_MOST_GUESSES]
