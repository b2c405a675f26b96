"""Runs the program as another process against a sandbox, with a home of its own and the sandbox's key."""

import asyncio
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from relai_tui.conversation import Turn
from relai_tui.sandbox.server import Sandbox
from relai_tui.store.database import Store


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

    async def start(
        self, *arguments: str | bytes, redirect: str = "", stdin: int = asyncio.subprocess.DEVNULL
    ) -> asyncio.subprocess.Process:
        """Start it; `redirect` is what a shell would be told, such as `>&-` or `| head -1`."""
        program: tuple[str | bytes, ...] = (sys.executable, "-m", "relai_tui", *arguments)
        if redirect:
            program = ("/bin/sh", "-c", f'"$@" {redirect}', "sh", *program)
        process = await asyncio.create_subprocess_exec(
            *program, stdin=stdin, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=self.environ()
        )
        self.started.append(process)
        return process

    async def run(self, *arguments: str | bytes, redirect: str = "", typed: bytes | None = None) -> Ended:
        """Run it to its end; `typed` is what comes by standard input."""
        stdin = asyncio.subprocess.DEVNULL if typed is None else asyncio.subprocess.PIPE
        process = await self.start(*arguments, redirect=redirect, stdin=stdin)
        out, err = await process.communicate(typed)
        return Ended(process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace"))

    async def kept(self) -> tuple[Turn, ...]:
        """The turns of the last conversation on disk."""
        async with await Store.open(self.home / "data" / "relai.db") as store:
            latest = await store.conversations.latest()
            return (await store.conversations.page(latest.id))[0] if latest else ()

    def asked(self) -> int:
        """How often a chat was asked for, and so paid."""
        return len(self.sandbox.requests.of("POST", "/chat/completions"))

    async def end(self) -> None:
        """End what still runs, as where a story failed in the middle."""
        for process in self.started:
            if process.returncode is None:
                process.kill()
                await process.communicate()
