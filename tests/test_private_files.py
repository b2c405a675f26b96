"""Files of the user's own, as they are used by the program: closed to others, and never somebody else's."""

import asyncio
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from relai_tui.private_files import Distrusted, close_folder, make_folder, opened_for_writing, read_regular, write
from relai_tui.sandbox.server import Sandbox
from relai_tui.settings import Paths, SettingsError, load
from relai_tui.settings.saving import save_choice
from relai_tui.store.database import Store, StoreUnavailable
from relai_tui.ui.faults import write_down
from tests.commands_shell import Shell

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs Unix permissions")
NOBODY = 65_534
ROOT = Path(__file__).parent.parent
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another user")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture
def open_umask() -> Iterator[None]:
    """As a careless login shell or a container has it."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.find({"RELAI_TUI_HOME": str(tmp_path / "home")})


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[Shell]:
    async with Sandbox(tokens_per_second=0) as sandbox:
        running = Shell(sandbox, tmp_path / "home")
        yield running
        await running.end()


def configure(paths: Paths, text: str) -> Path:
    paths.config.mkdir(parents=True, exist_ok=True)
    paths.config_file.write_text(text)
    return paths.config_file


# -- what is made


@pytest.mark.usefixtures("open_umask")
async def test_all_that_is_made_is_for_the_user_alone_whatever_the_umask(shell: Shell, paths: Paths) -> None:
    ended = await shell.run("ask", "Hello")
    assert ended.code == 0
    save_choice(paths, theme="nord")
    write_down(ValueError("a fault"), paths.crash)
    found = {path.relative_to(shell.home.parent): mode(path) for path in shell.home.rglob("*")}
    found[Path("home")] = mode(shell.home)
    assert len(found) >= 7
    assert {path: oct(bits) for path, bits in found.items() if bits & 0o077} == {}


@pytest.mark.usefixtures("open_umask")
async def test_a_history_left_open_to_others_is_closed(paths: Paths) -> None:
    paths.data.mkdir(parents=True)
    await (await Store.open(paths.database)).close()
    for path in (paths.data, paths.database):
        path.chmod(0o777)
    await (await Store.open(paths.database)).close()
    assert (mode(paths.data), mode(paths.database)) == (0o700, 0o600)


# -- the history


@pytest.mark.parametrize("end", ["", "-wal", "-shm", "-journal", ".lock", ".damaged"])
async def test_a_link_in_the_place_of_the_history_is_not_followed(shell: Shell, paths: Paths, end: str) -> None:
    elsewhere = shell.home.parent / "precious"
    elsewhere.write_text("precious")
    elsewhere.chmod(0o644)
    paths.data.mkdir(parents=True)
    link = paths.data / f"relai.db{end}"
    link.symlink_to(elsewhere)
    ended = await shell.run("ask", "Hello")
    assert ended.code == 0
    assert ended.out
    assert f"relai.db{end} is a link, which is not followed" in ended.err
    assert "are not kept" in ended.err
    assert (elsewhere.read_text(), mode(elsewhere)) == ("precious", 0o644)
    assert link.is_symlink()


async def test_a_link_to_nothing_makes_nothing(paths: Paths, tmp_path: Path) -> None:
    paths.data.mkdir(parents=True)
    paths.database.symlink_to(tmp_path / "elsewhere.db")
    with pytest.raises(StoreUnavailable, match="is a link"):
        await Store.open(paths.database)
    assert not (tmp_path / "elsewhere.db").exists()


async def test_a_pipe_in_the_place_of_the_history_is_refused(paths: Paths) -> None:
    paths.data.mkdir(parents=True)
    os.mkfifo(paths.database)
    async with asyncio.timeout(5):
        with pytest.raises(StoreUnavailable, match="is a pipe and no file"):
            await Store.open(paths.database)


@as_root
@pytest.mark.parametrize("what", ["folder", "file", "lock"])
async def test_a_history_of_another_user_is_not_used_and_the_chat_goes_on(
    shell: Shell, paths: Paths, what: str
) -> None:
    await (await Store.open(paths.database)).close()
    path = {"folder": paths.data, "file": paths.database, "lock": paths.data / "relai.db.lock"}[what]
    os.chown(path, NOBODY, NOBODY)
    before = paths.database.read_bytes()
    ended = await shell.run("ask", "Hello")
    assert ended.code == 0
    assert ended.out
    assert f"belongs to another user (uid {NOBODY})" in ended.err
    assert paths.database.read_bytes() == before


@as_root
def test_a_folder_of_roots_that_others_can_write_to_is_not_used() -> None:
    """As a volume in a container that runs as somebody else; a folder made inside it is fine."""
    program = """
import grp, os, pwd, shlex, sys  # which another user may not be able to read
from pathlib import Path
from relai_tui.private_files import Distrusted, make_folder
os.setuid(65534)
try:
    make_folder(Path(sys.argv[1]))
except Distrusted as error:
    print(error.strerror)
"""
    with tempfile.TemporaryDirectory() as made:
        volume = Path(made)
        volume.chmod(0o1777)
        for folder, says in ((volume, f"other users can write to the folder {volume}\n"), (volume / "relai", "")):
            ran = subprocess.run(
                [sys.executable, "-c", program, folder], cwd=ROOT, capture_output=True, text=True, check=False
            )
            assert (ran.stdout, ran.stderr) == (says, "")
        assert mode(volume / "relai") == 0o700


# -- the settings

DANGEROUS = '[profiles.default]\nkey_command = ["touch", "{}"]\n'


@pytest.mark.parametrize("bits", [0o666, 0o646, 0o602])
async def test_settings_others_could_have_written_are_not_used(shell: Shell, paths: Paths, bits: int) -> None:
    ran = shell.home.parent / "ran"
    configure(paths, DANGEROUS.format(ran)).chmod(bits)
    shell.more = {"RELAI_API_KEY": ""}
    ended = await shell.run("ask", "Hello")
    assert ended.code == 2
    assert f"other users can write to {paths.config_file}" in ended.err
    assert "chmod go-w" in ended.err
    assert not ran.exists()
    paths.config_file.chmod(0o600)
    await shell.run("ask", "Hello")
    assert ran.exists()


@pytest.mark.parametrize("linked", [False, True])
async def test_a_key_command_that_others_could_have_changed_is_not_run(
    shell: Shell, paths: Paths, tmp_path: Path, linked: bool
) -> None:
    program, link = tmp_path / "program", tmp_path / "link"
    program.write_text(f"#!/bin/sh\necho ran >> {tmp_path / 'ran'}\necho {shell.key}\n")
    link.symlink_to(program)
    configure(paths, f'[profiles.default]\nkey_command = ["{link if linked else program}"]\n')
    shell.more = {"RELAI_API_KEY": ""}
    program.chmod(0o777)
    ended = await shell.run("ask", "Hello")
    assert ended.code == 5
    assert "is not run: other users can write to it" in ended.err
    assert not (tmp_path / "ran").exists()
    program.chmod(0o755)
    assert (await shell.run("ask", "Hello")).code in (0, 2)  # a key of another server is refused later
    assert (tmp_path / "ran").exists()


@as_root
@pytest.mark.parametrize("what", ["file", "folder", "link"])
async def test_settings_of_another_user_are_not_used(shell: Shell, paths: Paths, what: str) -> None:
    ran = shell.home.parent / "ran"
    configure(paths, DANGEROUS.format(ran))
    path = {"folder": paths.config}.get(what, paths.config_file)
    if what == "link":
        path.rename(shell.home / "mine.toml")
        path.symlink_to(shell.home / "mine.toml")
    os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    shell.more = {"RELAI_API_KEY": ""}
    ended = await shell.run("ask", "Hello")
    assert ended.code == 2
    assert f"belongs to another user (uid {NOBODY})" in ended.err
    assert not ran.exists()


@as_root
async def test_a_folder_of_another_user_without_settings_keeps_nobody_from_chatting(shell: Shell, paths: Paths) -> None:
    paths.config.mkdir(parents=True)
    os.chown(paths.config, NOBODY, NOBODY)
    ended = await shell.run("ask", "Hello")
    assert ended.code == 0
    assert ended.out
    with pytest.raises(SettingsError, match=r"cannot be saved: .* belongs to another user"):
        save_choice(paths, theme="nord")
    assert list(paths.config.iterdir()) == []


def test_a_folder_of_settings_others_could_write_to_is_closed(paths: Paths) -> None:
    configure(paths, 'theme = "nord"\n').parent.chmod(0o777)
    assert load(paths).theme == "nord"
    assert mode(paths.config) == 0o700


def test_the_folder_behind_a_link_is_not_closed(paths: Paths, tmp_path: Path) -> None:
    dotfiles = tmp_path / "dotfiles"
    dotfiles.mkdir()
    (dotfiles / "config.toml").write_text('theme = "nord"\n')
    paths.config.parent.mkdir(parents=True)
    paths.config.symlink_to(dotfiles)
    dotfiles.chmod(0o755)
    assert load(paths).theme == "nord"
    dotfiles.chmod(0o777)
    with pytest.raises(SettingsError, match="other users can write to the folder"):
        load(paths)
    assert mode(dotfiles) == 0o777


def test_settings_kept_as_a_link_are_read_but_one_to_nothing_is_told(paths: Paths, tmp_path: Path) -> None:
    paths.config.mkdir(parents=True)
    paths.config_file.symlink_to(tmp_path / "mine.toml")
    with pytest.raises(SettingsError, match="is a link to nothing"):
        load(paths)
    (tmp_path / "mine.toml").write_text('theme = "nord"\n')
    assert load(paths).theme == "nord"
    (tmp_path / "mine.toml").chmod(0o666)
    with pytest.raises(SettingsError, match="other users can write to"):
        load(paths)


@pytest.mark.parametrize("kind", ["a pipe", "a device", "a folder"])
async def test_settings_that_are_no_file_keep_nobody_waiting(shell: Shell, paths: Paths, kind: str) -> None:
    paths.config.mkdir(parents=True)
    if kind == "a pipe":
        os.mkfifo(paths.config_file)
    elif kind == "a folder":
        paths.config_file.mkdir()
    else:
        paths.config_file.symlink_to("/dev/zero")
    async with asyncio.timeout(20):
        ended = await shell.run("ask", "Hello")
    assert ended.code == 2
    assert f"is {kind} and no file" in ended.err


def test_a_group_of_the_users_own_may_write(tmp_path: Path) -> None:
    """As with umask 002 where each user has a group of that name."""
    import grp
    import pwd

    user = pwd.getpwuid(os.geteuid())
    if grp.getgrgid(os.getegid()).gr_name != user.pw_name:
        pytest.skip("this user has no such group")
    path = tmp_path / "file"
    path.write_text("text")
    path.chmod(0o664)
    assert read_regular(path, 100, only_own=True) == b"text"
    path.chmod(0o666)
    with pytest.raises(Distrusted):
        read_regular(path, 100, only_own=True)
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    tmp_path.chmod(0o775)
    close_folder(link)
    assert mode(tmp_path) == 0o775
    close_folder(tmp_path)
    assert mode(tmp_path) == 0o700


@as_root
async def test_a_key_file_may_be_anothers_but_a_link_to_one_may_not(shell: Shell, tmp_path: Path) -> None:
    """Whoever owns a mounted secret meant it to be read; whoever owns a link chose what is."""
    file, link = tmp_path / "key", tmp_path / "link"
    file.write_text(shell.key)
    os.chown(file, NOBODY, NOBODY)
    link.symlink_to(file)
    shell.more = {"RELAI_API_KEY": "", "RELAI_API_KEY_FILE": str(file)}
    assert (await shell.run("ask", "Hello")).code == 0
    shell.more |= {"RELAI_API_KEY_FILE": str(link)}
    assert (await shell.run("ask", "Hello")).code == 0
    os.chown(link, NOBODY, NOBODY, follow_symlinks=False)
    ended = await shell.run("ask", "Hello")
    assert ended.code == 5
    assert f"the link {link} belongs to another user (uid {NOBODY})" in ended.err


# -- what is written


def test_a_link_in_the_place_of_the_crash_file_is_replaced(paths: Paths, tmp_path: Path) -> None:
    elsewhere = tmp_path / "precious"
    elsewhere.write_text("precious")
    make_folder(paths.state)
    paths.crash.symlink_to(elsewhere)
    write_down(ValueError("a fault \x1b]0;of ours\x07"), paths.crash)
    assert elsewhere.read_text() == "precious"
    assert not paths.crash.is_symlink()
    assert mode(paths.crash) == 0o600
    assert "a fault" in paths.crash.read_text()
    assert "\x1b" not in paths.crash.read_text()


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("before")
    with pytest.raises(UnicodeEncodeError):
        write(path, "x" * 100_000 + "\ud800")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_there_is_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("text")
    path.chmod(0o666)
    with opened_for_writing(path) as descriptor:
        assert os.read(descriptor, 10) == b"text"
    assert mode(path) == 0o600


def test_a_folder_is_never_made_through_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        make_folder(tmp_path / "file" / "folder")
    with pytest.raises(OSError, match="Not a directory"):
        close_folder(tmp_path / "file")
