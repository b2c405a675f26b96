"""A sandbox over a real socket, a clock that the tests turn, and a client that speaks with a key of either edition."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from relai_tui.sandbox.server import Sandbox

Speak = Callable[..., httpx.AsyncClient]


class Clock:
    """Seconds since the epoch, standing still until moved."""

    def __init__(self, now: float = 1_780_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def sandbox(clock: Clock) -> AsyncIterator[Sandbox]:
    async with Sandbox(tokens_per_second=0, clock=clock) as running:
        yield running


@pytest.fixture
async def speak(sandbox: Sandbox) -> AsyncIterator[Speak]:
    """`speak(2)`: a client with the key of edition 2; `speak(key="…")`: with that key; `speak(None)`: with none."""
    async with AsyncExitStack() as stack:

        def client(
            edition: int | None = 2, *, key: str | None = None, server: Sandbox = sandbox, control: bool = False
        ) -> httpx.AsyncClient:
            secret = key or (server.keys[edition] if edition else None)
            headers = {"Authorization": f"Bearer {secret}"} if secret else {}
            headers |= {"X-Sandbox-Token": server.control_token} if control else {}
            made = httpx.AsyncClient(
                base_url=server.base_url, headers=headers, trust_env=False, timeout=20, verify=False
            )
            stack.push_async_callback(made.aclose)
            return made

        yield client


def chat(prompt: str, **more: Any) -> dict[str, Any]:
    """The body of a chat request."""
    return {"model": "smart", "messages": [{"role": "user", "content": prompt}], **more}
