"""`relai-tui login` and `logout`: a key is tried, kept and forgotten, and shown to nobody."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from relai_tui.account import Account
from relai_tui.api.keys import read_key
from relai_tui.commands.sign import login, logout
from relai_tui.credentials.os_keyring import Keyring
from relai_tui.credentials.sources import Credential, KeySource
from relai_tui.sandbox.server import Sandbox, run_in_thread
from relai_tui.settings import Paths, load
from relai_tui.text import clean_line
from tests.keyrings import MemoryKeyring, installed


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with run_in_thread(tokens_per_second=0) as running:
        yield running


@pytest.fixture
def kept() -> Iterator[dict[tuple[str, str], str]]:
    backend = MemoryKeyring()
    with installed(backend):
        yield backend.kept


def account(sandbox: Sandbox, home: Path, key: str | None, *, environ: dict[str, str] | None = None) -> Account:
    settings = load(Paths.find({"RELAI_TUI_HOME": str(home)}))
    given = Credential(read_key(key), KeySource.STDIN, clean_line("standard input")) if key else None
    keyring = Keyring(read_key, environ=environ or {}, trusted=(MemoryKeyring,))
    return Account(settings, settings.profile(), keyring, environ or {}, base_url=sandbox.base_url, given=given)


def test_a_key_is_tried_kept_and_forgotten(
    sandbox: Sandbox, tmp_path: Path, kept: dict[tuple[str, str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    key = sandbox.keys[2]
    assert login(account(sandbox, tmp_path, key)) == 0
    assert list(kept.values()) == [key]
    said = capsys.readouterr().out
    assert "profile “default” for EU" in said
    assert key not in said + (tmp_path / "config" / "config.toml").read_text()
    assert load(Paths.find({"RELAI_TUI_HOME": str(tmp_path)})).profile().base_url == sandbox.base_url
    assert logout(account(sandbox, tmp_path, None)) == 0
    assert "valid until it is revoked" in capsys.readouterr().out
    assert not kept
    assert logout(account(sandbox, tmp_path, None)) == 0
    assert "There was no key" in capsys.readouterr().out


def test_a_key_the_server_refuses_is_not_kept(
    sandbox: Sandbox, tmp_path: Path, kept: dict[tuple[str, str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert login(account(sandbox, tmp_path, "rk-eu-canarycanarycanary000")) == 5
    assert not kept
    assert "canary" not in capsys.readouterr().err
    assert not (tmp_path / "config" / "config.toml").exists()


def test_without_a_keyring_it_says_what_else_there_is(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert login(account(sandbox, tmp_path, sandbox.keys[1], environ={"CI": "true"})) == 5
    words = capsys.readouterr().err
    assert "The key works" in words
    assert "RELAI_API_KEY" in words


def test_a_key_in_the_environment_that_goes_before_the_keyring_is_told(
    sandbox: Sandbox, tmp_path: Path, kept: dict[tuple[str, str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    key = sandbox.keys[1]
    assert login(account(sandbox, tmp_path, key, environ={"RELAI_API_KEY": key})) == 0
    assert "RELAI_API_KEY is set and goes before the keyring" in capsys.readouterr().out
