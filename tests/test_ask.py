"""`relai-tui ask` in pipes and scripts, as another program sees it, against the real sandbox."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from relai_tui.conversation import Role, Turn, TurnState
from relai_tui.sandbox.faults import answer as answer_with
from relai_tui.sandbox.faults import cut
from relai_tui.sandbox.server import Sandbox
from relai_tui.store.database import Store


@dataclass
class Ended:
    code: int
    out: str
    err: str


@dataclass
class Shell:
    """Runs the program with a home of its own and the sandbox's key in the environment."""

    sandbox: Sandbox
    home: Path

    def environ(self, key: str | None) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        kept |= {"RELAI_TUI_HOME": str(self.home), "RELAI_BASE_URL": self.sandbox.base_url}
        return kept | ({"RELAI_API_KEY": key} if key else {})

    async def start(
        self, *arguments: str, key: str | None = "", stdin: int | None = asyncio.subprocess.DEVNULL
    ) -> asyncio.subprocess.Process:
        key = self.sandbox.keys[1] if key == "" else key
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "relai_tui", *arguments,
            stdin=stdin, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=self.environ(key),
        )  # fmt: skip

    async def run(self, *arguments: str, key: str | None = "", typed: str | None = None) -> Ended:
        stdin = asyncio.subprocess.PIPE if typed is not None else asyncio.subprocess.DEVNULL
        process = await self.start(*arguments, key=key, stdin=stdin)
        out, err = await process.communicate(typed.encode() if typed is not None else None)
        return Ended(process.returncode or 0, out.decode(), err.decode())

    async def kept(self) -> tuple[Turn, ...]:
        async with await Store.open(self.home / "data" / "relai.db") as store:
            latest = await store.conversations.latest()
            return (await store.conversations.page(latest.id))[0] if latest else ()


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[Shell]:
    async with Sandbox(tokens_per_second=0) as sandbox:
        yield Shell(sandbox, tmp_path / "home")


async def test_the_answer_comes_to_standard_output_and_is_kept(shell: Shell) -> None:
    ended = await shell.run("ask", "Say", "something", "short.")
    assert (ended.code, ended.err) == (0, "")
    assert "Say something short." in ended.out
    prompt, answer = await shell.kept()
    assert prompt.text == "Say something short."
    assert ended.out == answer.text + "\n" or ended.out == answer.text


async def test_a_pipe_is_part_of_the_prompt(shell: Shell) -> None:
    ended = await shell.run("ask", "review this", typed="+ added line\n- gone line\n")
    assert ended.code == 0
    assert (await shell.kept())[0].text == "review this\n\n+ added line\n- gone line"


async def test_a_conversation_goes_on(shell: Shell) -> None:
    await shell.run("ask", "first")
    await shell.run("ask", "-c", "second")
    assert [turn.text for turn in await shell.kept() if turn.role is Role.USER] == ["first", "second"]


async def test_the_whole_answer_at_once(shell: Shell) -> None:
    ended = await shell.run("ask", "--no-stream", "short")
    assert ended.code == 0
    assert ended.out.strip() == (await shell.kept())[1].text.strip()
    assert not shell.sandbox.requests.of("POST", "/chat/completions")[0].body.get("stream")


async def test_a_system_prompt_and_a_model_go_along(shell: Shell) -> None:
    await shell.run("ask", "--system", "Be brief.", "-m", "fast", "short")
    body = shell.sandbox.requests.of("POST", "/chat/completions")[0].body
    assert body["model"] == "fast"
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}


async def test_nothing_to_ask_is_a_usage_error(shell: Shell) -> None:
    assert (await shell.run("ask")).code == 2


async def test_an_interrupted_answer_leaves_what_came(shell: Shell) -> None:
    shell.sandbox.faults.add(cut(10))
    ended = await shell.run("ask", "markdown")
    assert ended.code == 3
    assert ended.out.strip()
    assert "interrupted" in ended.err
    assert (await shell.kept())[1].state is TurnState.INTERRUPTED


async def test_odd_ends_are_told(shell: Shell) -> None:
    filtered, empty = await asyncio.gather(shell.run("ask", "filtered"), shell.run("ask", "say nothing"))
    assert filtered.code == 3
    assert "content filter" in filtered.err
    assert (empty.code, empty.out) == (0, "")
    assert "The model answered with nothing" in empty.err


async def test_each_refusal_has_its_exit_code(shell: Shell) -> None:
    assert (await shell.run("ask", "-m", "no-such-model", "hi")).code == 4
    assert (await shell.run("ask", "hi", key="rk-eu-thiskeydoesnotexist0000")).code == 5
    shell.sandbox.account.set_credits(1)
    ended = await shell.run("ask", "hi")
    assert ended.code == 6
    assert len(ended.err.splitlines()) == 1
    shell.sandbox.faults.add(answer_with(429, {"error": {"code": "rate_limit_exceeded"}}, retry_after=900))
    assert (await shell.run("ask", "hi")).code == 7


async def test_without_a_key_it_says_where_to_put_one(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "relai_tui", "ask", "hi", stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE, env={"PATH": os.environ["PATH"], "RELAI_TUI_HOME": str(tmp_path)},
    )  # fmt: skip
    _, err = await process.communicate()
    assert process.returncode == 5
    assert b"RELAI_API_KEY" in err


async def test_ctrl_c_stops_and_keeps(shell: Shell) -> None:
    process = await shell.start("ask", "very long 4000 at 200/s")
    assert process.stdout
    came = await process.stdout.read(20)
    process.send_signal(signal.SIGINT)
    more, _ = await process.communicate()
    assert process.returncode == 130
    _, answer = await shell.kept()
    assert answer.state is TurnState.STOPPED
    assert (came + more).decode().strip() == answer.text.strip()


async def test_the_key_may_come_by_file_or_pipe_and_is_never_shown(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"  {shell.sandbox.keys[2]}\n")
    assert (await shell.run("ask", "--api-key-file", str(file), "hi", key=None)).code == 0
    assert (await shell.run("ask", "--api-key-stdin", "hi", key=None, typed=f"{shell.sandbox.keys[2]}\n")).code == 0
    bad = await shell.run("ask", "--api-key-stdin", "hi", key=None, typed="rk-eu-canary canary\n")
    assert bad.code == 5
    assert "canary" not in bad.out + bad.err


async def test_a_hostile_answer_cannot_reach_the_terminal(shell: Shell) -> None:
    ended = await shell.run("ask", "hostile")
    assert ended.code == 0
    assert not [c for c in ended.out if (ord(c) < 32 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0]
    assert "\u202e" in ended.out  # a pipe gets the data; a terminal gets its mark, see test_foreign_text.py


async def test_doctor_tells_all_but_the_secret(shell: Shell) -> None:
    ended = await shell.run("doctor")
    assert ended.code == 0
    assert "environment RELAI_API_KEY" in ended.out
    assert "answers" in ended.out
    assert shell.sandbox.keys[1] not in ended.out
    broken = await shell.run("doctor", "--json", key="rk-eu-thiskeydoesnotexist0000")
    assert broken.code == 1
    assert '"server"' in broken.out
