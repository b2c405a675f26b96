"""Link definitions: a store that only grows, and the keys under which drawings that depend on it are remembered.

Thousands of definitions must not make each block dearer, so nothing here copies or compares all of them.
"""

from collections import ChainMap
from collections.abc import Hashable, Iterator, Mapping, MutableMapping
from itertools import count
from typing import Any

_versions = count(1)


class Definitions(dict[str, dict[str, Any]]):
    """Definitions by label, as markdown-it keeps them."""

    def __init__(self, known: "Definitions | None" = None) -> None:
        super().__init__(known or {})
        self.version: int = known.version if known is not None else 0
        """A number for this content; 0 for none. No other content ever has it."""

    @classmethod
    def of(cls, entries: Mapping[str, dict[str, Any]]) -> "Definitions":
        """Return the entries as definitions."""
        made = cls()
        for label, entry in entries.items():
            made.add(label, entry)
        return made

    def add(self, label: str, entry: dict[str, Any]) -> None:
        """Take a definition. The first one of a label holds."""
        if label not in self:
            self[label] = entry
            self.version = next(_versions)


class Parsed:
    """Definitions known before a passage was parsed, and those that are in it."""

    def __init__(self, known: Definitions) -> None:
        self.fresh: dict[str, dict[str, Any]] = {}
        """Those of the passage, which holds no earlier one of their label."""
        self.all: MutableMapping[str, dict[str, Any]] = ChainMap(self.fresh, known)
        self.environment: dict[str, Any] = {"references": self.all}
        """For markdown-it."""
        self._known = known
        self._key: Hashable | None = None

    def starts(self) -> Iterator[int]:
        """Return the row each definition of the passage starts on, also those that do not hold."""
        for entry in (*self.fresh.values(), *self.environment.get("duplicate_refs", ())):
            yield entry["map"][0]

    def key(self, text: str) -> Hashable:
        """Return what the drawing of a text depends on, besides the text. Call it once all is parsed."""
        if "[" not in text:
            return None
        if self._key is None:
            fresh = tuple((label, entry["href"]) for label, entry in self.fresh.items())
            self._key = (self._known.version, fresh)
        return self._key


NO_DEFINITIONS = Parsed(Definitions())
"""For text that stands alone."""
