"""The two programs that are measured, and the folders they find: a fresh copy of a warmed one for each run."""

import asyncio
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from relai_tui.conversation import Conversation, Role, Turn, TurnState, new_id
from relai_tui.settings import Paths
from relai_tui.store.database import Store
from relai_tui.text import clean, clean_line
from tests.bench.documents import markdown_tokens
from tests.bench.server import ROOT

END_OF_HISTORY = "ZZHISTORYZZ"
"""The last words of a seeded conversation."""
TITLE = "A long conversation"
KEY = "rk-eu-bench0000000000000000"


@dataclass(frozen=True, slots=True)
class Client:
    """A program."""

    name: str
    command: tuple[str, ...]


def _own_command() -> tuple[str, ...]:
    program = Path(sys.executable).with_name("relai-tui")
    return (str(program),) if program.exists() else (sys.executable, "-m", "relai_tui")


BARE = Client("bare", (sys.executable, "-P", str(Path(__file__).with_name("bare.py"))))
OURS = Client("relai-tui", _own_command())


def environ_of(base_url: str, home: Path) -> dict[str, str]:
    """What both programs find in their environment. The code is that of the checkout the bench is in."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "HOME": str(home),
        "BENCH_SERVER": base_url,
        "RELAI_TUI_HOME": str(home / "relai"),
        "RELAI_API_KEY": KEY,
        "RELAI_BASE_URL": base_url,
    }


class Homes:
    """Folders by client and length of its history, each made and warmed once, then copied for each run."""

    def __init__(self, folder: Path, warm_up: Callable[[Client, Path], None]) -> None:
        self._folder, self._warm_up = folder, warm_up
        self._runs = 0

    def fresh(self, client: Client, turns: int = 0) -> Path:
        """A folder in which the client was started before, with one conversation of so many turns."""
        model = self._folder / f"{client.name}-{turns}"
        if not model.exists():
            model.mkdir()
            self._warm_up(client, model)
            if turns:  # last, to be the newest
                asyncio.run(_seed(Paths.find(environ_of("", model)).database, turns))
        self._runs += 1
        shutil.rmtree(self._folder / f"run-{self._runs - 1}", ignore_errors=True)
        run = self._folder / f"run-{self._runs}"
        shutil.copytree(model, run)
        return run


async def _seed(database: Path, turns: int) -> None:
    """A conversation of that many turns; each answer is a Markdown document of 110 tokens."""
    async with await Store.open(database) as store:
        conversation = await store.conversations.create(model=clean_line("mock-model"), title=clean_line(TITLE))
        parent = None
        for number in range(turns):
            turn = _turn(conversation, parent, number, last=number == turns - 1)
            await store.conversations.add_turn(turn)
            parent = turn.id


def _turn(conversation: Conversation, parent: str | None, number: int, *, last: bool) -> Turn:
    asked = number % 2 == 0
    text = f"Question {number}?" if asked else "".join(markdown_tokens(110, f"m{number}"))
    return Turn(
        id=new_id(),
        conversation_id=conversation.id,
        parent_id=parent,
        role=Role.USER if asked else Role.ASSISTANT,
        text=clean(f"{text}\n\n{END_OF_HISTORY}" if last else text),
        state=TurnState.COMPLETE,
        created_at=1_800_000_000.0 + number,
    )
