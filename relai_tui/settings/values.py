"""What the user has chosen, and where files live: values only."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from relai_tui.private_files import Distrusted, close_folder, read_regular
from relai_tui.spending_rules import AlertRules, SpendingLimits
from relai_tui.text import CleanLine, CleanText, clean_line, clean_name, visible

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_PROFILE = CleanText("default")
"""The profile's name while there is no other."""

NAME_LENGTH = 64
"""Characters of a profile's name."""

_LONGEST = 1024 * 1024
"""Bytes of a file of settings."""


class SettingsError(Exception):
    """The settings cannot be used. `str(error)` is one clean line: file, line, what is wrong, what to do."""

    def __init__(self, message: str) -> None:
        self.message: CleanLine = clean_line(message, 600)
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class Paths:
    """The folders of this program. None of them need exist."""

    config: Path
    data: Path
    state: Path

    @classmethod
    def find(cls, environ: Mapping[str, str]) -> Paths:
        """`RELAI_TUI_HOME` holds all three as subfolders; otherwise each is where the system keeps its like."""
        home = environ.get("RELAI_TUI_HOME", "").strip()
        if home:
            root = Path(home).expanduser().absolute()
            return cls(root / "config", root / "data", root / "state")
        import platformdirs

        found = platformdirs.PlatformDirs("relai-tui", appauthor=False)
        return cls(found.user_config_path, found.user_data_path, found.user_state_path)

    @property
    def config_file(self) -> Path:
        """The settings."""
        return self.config / "config.toml"

    @property
    def database(self) -> Path:
        """The history."""
        return self.data / "relai.db"

    @property
    def log(self) -> Path:
        """What the program notes of itself; no foreign text, no secret."""
        return self.state / "relai-tui.log"

    @property
    def crash(self) -> Path:
        """The traceback of the last crash, without the values of variables."""
        return self.state / "crash.txt"


@dataclass(frozen=True, slots=True)
class Profile:
    """One account or server. Its key lives in the keyring, never here."""

    name: CleanText
    region: CleanText | None = None
    """`eu` or `us`; None leaves it to the key."""
    base_url: CleanText | None = None
    """Another server than the region's own."""
    model: CleanText | None = None
    """What new conversations ask for."""
    key_command: tuple[str, ...] | None = None
    """A program, with its arguments, that prints the key."""
    key_id: CleanText | None = None
    """The server's id of the key in use; no secret."""
    key_prefix: CleanText | None = None
    """The beginning of the key as the server shows it; no secret."""
    allow_insecure_hosts: tuple[CleanText, ...] = ()
    """Hosts a key may be sent to over plain http, by name."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user has chosen, with what holds where nothing was chosen."""

    paths: Paths
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    default_profile: CleanText = DEFAULT_PROFILE
    theme: CleanText | None = None
    mouse: bool = True
    cursor_blink: bool = False
    enter: Literal["send", "newline"] = "send"
    """What the Enter key does in the prompt."""
    keymap: Mapping[str, str] = field(default_factory=dict)
    """From the id of a binding to the keys that do it instead."""
    limits: SpendingLimits = field(default_factory=SpendingLimits)
    """How much may be spent; no limit where none was chosen."""
    alerts: AlertRules = field(default_factory=AlertRules)
    """When the user is warned that the credits run low."""
    warnings: tuple[CleanLine, ...] = ()
    """What was found and is not known, in words."""

    def profile(self, name: str | None = None) -> Profile:
        """The profile of that name, or the default one. Raises SettingsError when it was asked for and is not there."""
        wanted = name or self.default_profile
        if wanted in self.profiles:
            return self.profiles[wanted]
        if name is None or name == DEFAULT_PROFILE:
            return Profile(clean_name(wanted, NAME_LENGTH))
        known = ", ".join(self.profiles) or "none yet"
        raise SettingsError(f"There is no profile “{name}” in {self.paths.config_file}. Known profiles: {known}.")


def checked_name(name: str) -> CleanText:
    """A profile's name, or SettingsError: one line of at most 64 characters without a slash."""
    checked = clean_name(name, NAME_LENGTH)
    if not checked or name != visible(checked).strip() or "/" in name:
        raise SettingsError(f"A profile's name is one short line without a slash; “{clean_line(name, 40)}” is not.")
    return checked


def text_of(path: Path) -> str | None:
    """What is in a file of settings; None where there is none. Raises SettingsError.

    A link is followed to a file of the user's or root's. What others can write is not used: they could name a
    `key_command`, or a server for the key.
    """
    try:
        if os.path.lexists(path):
            close_folder(path.parent)
        data = read_regular(path, _LONGEST + 1, only_own=True)
    except FileNotFoundError:
        if path.is_symlink():
            raise SettingsError(f"{path} is a link to nothing. Put the file there, or remove the link.") from None
        return None
    except Distrusted as error:
        raise SettingsError(f"The settings cannot be used: {error.strerror}. {error.way_on}.") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error
    if len(data) > _LONGEST:
        raise SettingsError(f"{path} is too large for settings. Correct it, or move it away.")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise SettingsError(f"{path} is no UTF-8 text. Save it as UTF-8, or move it away.") from None
