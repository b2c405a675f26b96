"""A shell with a sandbox of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relai_tui.sandbox.server import Sandbox
from tests.commands_shell import Shell


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[Shell]:
    async with Sandbox(edition=1, tokens_per_second=0) as sandbox:
        running = Shell(sandbox, tmp_path / "home")
        yield running
        await running.end()
