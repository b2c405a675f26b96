"""A desk on a sandbox, in both editions."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from relai_tui.sandbox.server import Sandbox
from relai_tui.spending.desk import BalanceDesk
from tests.key_stories import MemoryKeyring, account_on, keyring_in_memory


@pytest.fixture(autouse=True)
def memory() -> Iterator[MemoryKeyring]:
    with keyring_in_memory() as backend:
        yield backend


@pytest.fixture(params=[1, 2], ids=["edition 1", "edition 2"])
async def sandbox(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    async with Sandbox(edition=request.param, tokens_per_second=0) as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
async def desk(sandbox: Sandbox, home: Path) -> AsyncIterator[BalanceDesk]:
    account = account_on(sandbox, home, next(iter(sandbox.keys.values())))
    yield BalanceDesk(account)
    await account.close()
