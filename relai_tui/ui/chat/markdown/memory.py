"""Work remembered: what was drawn once for the same source is not drawn again the next frame."""

from collections.abc import Callable, Hashable
from typing import TypeVar, cast

T = TypeVar("T")


class Memory:
    """A bounded memory of made things; when full it forgets everything, which costs one frame."""

    def __init__(self, limit: int = 6_000) -> None:
        self._limit = limit
        self._made: dict[Hashable, object] = {}

    def recall(self, key: Hashable, make: Callable[[], T]) -> T:
        """What was made for `key` before, or what `make` makes now. One key always stands for one type."""
        found = self._made.get(key)
        if found is None:
            if len(self._made) >= self._limit:
                self._made.clear()
            found = self._made[key] = make()
        return cast(T, found)
