"""A store on a real file, and turns to put into it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relai_tui.store.database import Store


class Clock:
    """Unix time in seconds that moves when told."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "relai" / "relai.db"


@pytest.fixture
async def store(path: Path, clock: Clock) -> AsyncIterator[Store]:
    async with await Store.open(path, clock=clock) as opened:
        yield opened
