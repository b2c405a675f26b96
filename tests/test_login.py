"""`relai-tui login` and `logout`: a key is tried, kept and forgotten, and shown to nobody."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from relai_tui.account import Account
from relai_tui.api.keys import read_key
from relai_tui.commands.doctor import doctor
from relai_tui.commands.sign import login, logout
from relai_tui.credentials.os_keyring import Keyring
from relai_tui.credentials.sources import Credential, KeySource
from relai_tui.sandbox.server import Sandbox, run_in_thread
from relai_tui.settings import Paths, load
from relai_tui.text import clean_line
from tests.keyrings import ForgetfulKeyring, HangingKeyring, MemoryKeyring, installed


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with run_in_thread(tokens_per_second=0) as running:
        yield running


@pytest.fixture
def kept() -> Iterator[dict[tuple[str, str], str]]:
    backend = MemoryKeyring()
    with installed(backend):
        yield backend.kept


def account(
    sandbox: Sandbox, home: Path, key: str | None, *, environ: dict[str, str] | None = None, limit: float = 5.0
) -> Account:
    settings = load(Paths.find({"RELAI_TUI_HOME": str(home)}))
    given = Credential(read_key(key), KeySource.STDIN, clean_line("standard input")) if key else None
    keyring = Keyring(read_key, environ=environ or {}, limit=limit, trusted=(MemoryKeyring,))
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


@pytest.mark.parametrize("found", [None, "something else", RuntimeError("out of order"), OSError("locked")])
@pytest.mark.parametrize("keeps_for_good", [False, True])
def test_a_key_that_cannot_be_read_back_is_removed_again_or_told(
    sandbox: Sandbox,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    found: str | Exception | None,
    keeps_for_good: bool,
) -> None:
    with installed(backend := ForgetfulKeyring(found, keeps_for_good=keeps_for_good)):
        assert login(account(sandbox, tmp_path, sandbox.keys[1])) == 5
    words = capsys.readouterr().err
    assert bool(backend.kept) is keeps_for_good
    assert ("it may still hold it as “relai-tui/default”" if keeps_for_good else "it was removed again") in words
    assert sandbox.keys[1] not in words
    assert not (tmp_path / "config" / "config.toml").exists()


def test_a_keyring_that_does_not_answer_leaves_open_whether_the_key_is_stored(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with installed(backend := HangingKeyring()):
        assert login(account(sandbox, tmp_path, sandbox.keys[1], limit=0.05)) == 5
        backend.answered.set()
    words = capsys.readouterr().err
    assert "it is not known whether it was stored" in words
    assert "relai-tui logout" in words


def test_a_profile_that_cannot_be_written_leaves_a_key_that_is_told(
    sandbox: Sandbox, tmp_path: Path, kept: dict[tuple[str, str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    home = account(sandbox, tmp_path, sandbox.keys[1])
    (tmp_path / "config").write_text("a file where the folder should be")
    assert login(home) == 5
    assert kept
    assert "is in the keyring" in capsys.readouterr().err


@pytest.mark.parametrize("found", [None, "something else", RuntimeError("out of order")])
@pytest.mark.parametrize("environ", [{}, {"RELAI_API_KEY": "yes"}], ids=["no key", "a key in the environment"])
def test_doctor_says_the_same_of_a_keyring_wherever_the_key_is(
    sandbox: Sandbox,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    found: str | Exception | None,
    environ: dict[str, str],
) -> None:
    environ = dict.fromkeys(environ, sandbox.keys[1])
    with installed(backend := ForgetfulKeyring(found)):
        code = doctor(account(sandbox, tmp_path, None, environ=environ), as_json=False)
    shown = capsys.readouterr().out
    assert "✗ keyring" in shown
    assert code == (0 if environ else 1)
    assert not backend.kept


def test_doctor_tries_the_keyring_out_and_leaves_nothing_in_it(
    sandbox: Sandbox, tmp_path: Path, kept: dict[tuple[str, str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert doctor(account(sandbox, tmp_path, sandbox.keys[1]), as_json=False) == 0
    assert "✓ keyring" in capsys.readouterr().out
    assert not kept


def test_doctor_names_a_keyring_that_does_not_answer(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with installed(backend := HangingKeyring()):
        doctor(account(sandbox, tmp_path, sandbox.keys[1], limit=0.05), as_json=False)
        backend.answered.set()
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("✗ keyring")]
    assert "has not answered for 0.05 seconds" in line
