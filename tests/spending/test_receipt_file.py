"""A receipt on disk is the user's alone, and nothing that was there is lost."""

from pathlib import Path

import pytest

from relai_tui.spending.receipt_file import write_receipt


def test_only_the_user_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "receipt.csv"
    write_receipt(path, "a,b\r\nü,1\r\n")
    assert path.read_bytes() == "a,b\r\nü,1\r\n".encode()
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_there_is_replaced_only_when_it_may_be(tmp_path: Path) -> None:
    path = tmp_path / "receipt.csv"
    path.write_text("before")
    with pytest.raises(FileExistsError):
        write_receipt(path, "after")
    assert path.read_text() == "before"
    path.chmod(0o644)
    write_receipt(path, "after", replace=True)
    assert path.read_text() == "after"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["receipt.csv"]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "precious", tmp_path / "receipt.csv"
    target.write_text("precious")
    link.symlink_to(target)
    with pytest.raises(FileExistsError):
        write_receipt(link, "after")
    write_receipt(link, "after", replace=True)
    assert (target.read_text(), link.read_text(), link.is_symlink()) == ("precious", "after", False)


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        write_receipt(tmp_path / "nowhere" / "receipt.csv", "text")
    with pytest.raises(UnicodeEncodeError):
        write_receipt(tmp_path / "receipt.csv", "\ud800")
    assert list(tmp_path.iterdir()) == []
