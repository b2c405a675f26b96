"""Runs the program as another process against a sandbox, with a home of its own and the sandbox's key."""

import asyncio
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from relai_tui.sandbox.server import Sandbox


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass
class Shell:
    """`run("balance", "--json")` as a person or a script would."""

    sandbox: Sandbox
    home: Path
    more: dict[str, str] = field(default_factory=dict)
    """Environment beyond the usual."""
    started: list[asyncio.subprocess.Process] = field(default_factory=list)

    @property
    def key(self) -> str:
        return next(iter(self.sandbox.keys.values()))

    @property
    def edition(self) -> int:
        return next(iter(self.sandbox.keys))

    def environ(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        kept |= {"RELAI_TUI_HOME": str(self.home), "RELAI_BASE_URL": self.sandbox.base_url}
        return kept | {"RELAI_API_KEY": self.key} | self.more

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "relai_tui", *arguments, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=self.environ(),
        )  # fmt: skip
        self.started.append(process)
        return process

    async def run(self, *arguments: str) -> Ended:
        process = await self.start(*arguments)
        out, err = await process.communicate()
        return Ended(process.returncode or 0, out.decode(), err.decode())

    async def end(self) -> None:
        """End what still runs, as where a story failed in the middle."""
        for process in self.started:
            if process.returncode is None:
                process.kill()
                await process.communicate()
