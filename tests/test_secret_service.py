"""Story of a key kept in a real Secret Service: GNOME's keyring on a session bus of its own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from relai_tui.sandbox.server import Sandbox, run_in_thread

NEEDED = ("dbus-run-session", "gnome-keyring-daemon")
pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, NEEDED)), reason="needs Debian's gnome-keyring and dbus: " + ", ".join(NEEDED)
)
STORY = """
set -eu
printf 'a password' | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1
relai() { "$PYTHON" -m relai_tui "$@"; }
printf '%s' "$KEY" | relai login --api-key-stdin
relai doctor || true
relai ask 'hello there' </dev/null
relai logout
relai ask 'hello again' </dev/null || echo "exit $?"
"""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with run_in_thread(tokens_per_second=0) as running:
        yield running


def test_a_key_is_kept_used_and_forgotten(sandbox: Sandbox, tmp_path: Path) -> None:
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "XDG_RUNTIME_DIR": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "share"),
        "LANG": "C.UTF-8",
        "RELAI_TUI_HOME": str(tmp_path / "home"),
        "RELAI_BASE_URL": sandbox.base_url,
        "PYTHON": sys.executable,
        "KEY": sandbox.keys[1],
    }
    tmp_path.chmod(0o700)
    told = subprocess.run(
        ["dbus-run-session", "--", "bash", "-c", STORY], env=environ, capture_output=True, text=True, timeout=50
    )
    assert "is in the keyring" in told.stdout, told.stderr
    assert len(sandbox.requests.of("POST", "/chat/completions")) == 1
    assert "exit 5" in told.stdout
    assert sandbox.keys[1] not in told.stdout + told.stderr
    assert not any(
        sandbox.keys[1].encode() in path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file()
    )
