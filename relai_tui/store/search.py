"""What is typed into the search, as SQL. Nothing typed is syntax: quotes, stars and operators are only text.

Each word must be found, the last letters of a word may be missing (it is searched while it is typed). Words are looked
up in the full-text index; where the index cannot tell (there is none, the words are of a script it does not split, or
hold punctuation), the text itself is looked through.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from relai_tui.text import clean

if TYPE_CHECKING:
    import sqlite3

EXCERPT_LENGTH = 120
"""Characters of an excerpt."""

_SEPARATOR = "\x1f"  # cleaned text cannot hold it


@cache
def _unsplit() -> re.Pattern[str]:
    """A character of a script written without spaces: the index would take a whole sentence for one word."""
    return re.compile(
        "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u2e80-\ud7ff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
    )


@dataclass(frozen=True, slots=True)
class Search:
    """Some words, ready to ask with."""

    words: tuple[str, ...]

    @classmethod
    def typed(cls, text: str) -> Search:
        """The search for what was typed; false when there is nothing to look for."""
        return cls(tuple(dict.fromkeys(clean(text).split())))

    def __bool__(self) -> bool:
        return bool(self.words)

    @property
    def match(self) -> str:
        """The words as an FTS5 query; empty when the index has nothing to say about any of them."""
        indexed = (word for word in self.words if any(map(str.isalnum, word)) and not _unsplit().search(word))
        return " ".join('"' + word.replace('"', '""') + '"*' for word in indexed)

    @property
    def whole(self) -> str:
        """All words as one parameter for the functions `holds_all` and `excerpt_of`."""
        return _SEPARATOR.join(self.words)

    @property
    def unindexed(self) -> str:
        """As `whole`, of the words that the index cannot find exactly."""
        return _SEPARATOR.join(word for word in self.words if not word.isalnum() or _unsplit().search(word))

    def found_in_turns(self, *, indexed: bool) -> tuple[str, tuple[str, ...]]:
        """A query for `number` and `conversation_id` of the turns that hold all words, and its parameters."""
        through = "SELECT number, conversation_id FROM turn WHERE {} holds_all(text, ?)"
        if not indexed:
            return through.format(""), (self.whole,)
        by_index = "SELECT number, conversation_id FROM turn WHERE number IN (SELECT rowid FROM turn_search(?))"
        parameters: tuple[str, ...] = (self.match,)
        if self.unindexed:
            by_index += " AND holds_all(text, ?)"
            parameters += (self.unindexed,)
        not_yet = through.format("indexed = 0 AND state <> 'streaming' AND")
        return f"{by_index} UNION ALL {not_yet}", (*parameters, self.whole)


def register_functions(db: sqlite3.Connection) -> None:
    """Give the connection the functions that look through text: `holds_all` and `excerpt_of`."""
    db.create_function("holds_all", 2, _holds_all, deterministic=True)
    db.create_function("excerpt_of", 2, _excerpt_of, deterministic=True)


def _holds_all(text: object, words: str) -> bool:
    folded = str(text or "").casefold()
    return all(word.casefold() in folded for word in words.split(_SEPARATOR))


def _excerpt_of(text: object, words: str) -> str:
    whole = str(text or "")
    folded = whole.casefold()
    places = [place for word in words.split(_SEPARATOR) if (place := folded.find(word.casefold())) >= 0]
    # Folding may change lengths a little ("ß" becomes "ss"): the place is near enough for an excerpt.
    start = max(0, min(places, default=0) - EXCERPT_LENGTH // 3)
    if start:
        start = whole.find(" ", start, start + 20) + 1 or start
    piece = whole[start : start + EXCERPT_LENGTH]
    return ("…" if start else "") + piece + ("…" if start + EXCERPT_LENGTH < len(whole) else "")
