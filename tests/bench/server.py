"""The mock server as a process of its own, so that its work is not counted as a client's."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parent.parent.parent
"""The checkout: the program under test is the one in it."""


class Server:
    """Runs from `with` to the end of it."""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.bench.mock_server"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._address = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    @property
    def base_url(self) -> str:
        """What a client is given."""
        return f"{self._address}/v1"

    def stamps(self, nonce: str) -> dict[str, Any] | None:
        """When the completion of that nonce was asked for, and when its first and last chunk were sent, in seconds."""
        with urllib.request.urlopen(f"{self._address}/stamps") as answer:
            records: list[dict[str, Any]] = json.load(answer)
        return next((record for record in reversed(records) if record["nonce"] == nonce), None)
