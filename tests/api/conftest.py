from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pydantic import SecretStr

from relai_tui.api.client import Client
from tests.api.raw_server import KEY, RawServer

Connect = Callable[..., Client]


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
async def server() -> AsyncIterator[RawServer]:
    async with RawServer() as running:
        yield running


@pytest.fixture
def waits() -> list[float]:
    """The seconds the client wanted to sleep; none of them passes."""
    return []


@pytest.fixture
async def connect(server: RawServer, waits: list[float]) -> AsyncIterator[Connect]:
    """Makes clients of the raw server, with a canary for a key, that never really sleep."""
    made: list[Client] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    def make(base_url: str | None = None, key: str | None = KEY, **options: Any) -> Client:
        secret = SecretStr(key) if key is not None else None
        settings: dict[str, Any] = {"sleep": sleep, "chance": lambda: 0.0, "now": lambda: 1_800_000_000.0} | options
        made.append(Client(base_url or server.base_url, secret, **settings))
        return made[-1]

    yield make
    for client in made:
        await client.aclose()
