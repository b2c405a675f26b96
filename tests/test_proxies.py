"""Proxy and certificate settings that cannot work: words in the shell, never a traceback."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

BAD = {
    "port": {"HTTPS_PROXY": "http://127.0.0.1:99999"},
    "scheme": {"HTTPS_PROXY": "gopher://127.0.0.1:1"},
    "socks": {"ALL_PROXY": "socks5://127.0.0.1:1"},
    "no host": {"HTTPS_PROXY": "http://"},
    "spaces": {"HTTPS_PROXY": "http://a b:80"},
    "bypass": {"HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": "[(:99999"},
    "certificates": {"SSL_CERT_FILE": "/dev/null/none.pem"},
}


async def run(home: Path, more: dict[str, str], *arguments: str) -> tuple[int | None, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    environ = kept | {"RELAI_TUI_HOME": str(home), "RELAI_API_KEY": "rk-eu-abcdefghijklmnopqrst"} | more
    environ["RELAI_BASE_URL"] = "https://relai.invalid/v1"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "relai_tui", *arguments, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environ,
    )  # fmt: skip
    _, err = await process.communicate()
    return process.returncode, err.decode()


@pytest.mark.parametrize("name", BAD)
async def test_bad_network_settings_are_told_in_words(name: str, tmp_path: Path) -> None:
    commands = [("balance",), ("keys", "list"), ("ask", "hi"), ("ask", "--no-stream", "hi")]
    ended = await asyncio.gather(*(run(tmp_path / str(n), BAD[name], *each) for n, each in enumerate(commands)))
    for command, (code, err) in zip(commands, ended, strict=True):
        assert code == 3, (command, err)
        assert "Traceback" not in err
        assert "SSL_CERT_FILE" in err or "PROXY" in err, (command, err)
