"""A new key that cannot be saved as a profile: nothing of it stays in the keyring unsaid."""

from pathlib import Path

import pytest

from relai_tui.cli import parser_for
from relai_tui.commands.keys import keys
from relai_tui.sandbox.server import run_in_thread
from tests.key_stories import account_on, keyring_in_memory


def test_a_profile_that_cannot_be_written_leaves_no_key_in_the_keyring(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with run_in_thread() as sandbox, keyring_in_memory() as keyring:
        account = account_on(sandbox, tmp_path)
        (tmp_path / "config").write_text("a file where the folder should be")
        code = keys(account, parser_for("keys").parse_args(["create", "CI", "--save-as", "ci"]))
        said = capsys.readouterr()
        assert (code, said.out) == (3, "")
        assert "it was not stored" in said.err
        assert f"relai-tui keys revoke {sandbox.account.keys[-1].id}" in said.err
        assert not keyring.kept
