"""What kind of machine this is, as far as keyrings care, and what to say where none can be used."""

import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from relai_tui.credentials.errors import WAY_ON
from relai_tui.text import CleanLine, clean_line


class EnvironmentKind(StrEnum):
    """Where the program runs, the most telling first."""

    CI = "ci"
    CONTAINER = "container"
    WSL = "wsl"
    SSH = "ssh"
    HEADLESS = "headless"
    DESKTOP = "desktop"


_WORDS = {
    EnvironmentKind.CI: (
        "This is a CI job, where no keyring is asked. Give the key in RELAI_API_KEY, or its file in RELAI_API_KEY_FILE."
    ),
    EnvironmentKind.CONTAINER: (
        "A container has no keyring. Mount the key as a file and name it in RELAI_API_KEY_FILE, set RELAI_API_KEY, "
        "or use the key for this session only."
    ),
    EnvironmentKind.WSL: f"Linux under Windows has no keyring of its own: {WAY_ON}.",
    EnvironmentKind.SSH: f"Over SSH the keyring of the desktop cannot be reached: {WAY_ON}.",
    EnvironmentKind.HEADLESS: f"No keyring service runs here, as is usual without a desktop: {WAY_ON}.",
    EnvironmentKind.DESKTOP: (
        f"This desktop offers no keyring (Secret Service, KWallet, Keychain or Credential Manager): {WAY_ON}."
    ),
}


def environment_kind(
    environ: Mapping[str, str], platform: str = sys.platform, root: Path = Path("/")
) -> EnvironmentKind:
    """Judge by the environment, `sys.platform` and a few files below `root`; asks no service and runs nothing."""
    if environ.get("CI", "").lower() not in ("", "0", "false"):
        return EnvironmentKind.CI
    if platform.startswith("linux"):
        if (root / ".dockerenv").exists() or (root / "run/.containerenv").exists() or environ.get("container"):
            return EnvironmentKind.CONTAINER
        if "microsoft" in _read(root / "proc/version").lower():
            return EnvironmentKind.WSL
    if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"):
        return EnvironmentKind.SSH
    # A display may be a forwarded one and proves nothing; a session bus is where keyrings are found.
    if platform.startswith("linux") and not environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return EnvironmentKind.HEADLESS
    return EnvironmentKind.DESKTOP


def without_keyring(kind: EnvironmentKind) -> CleanLine:
    """Why there is no keyring in such a place, and the way on."""
    return clean_line(_WORDS[kind])


def locked_words(kind: EnvironmentKind) -> CleanLine:
    """What to say of a locked keyring: over SSH nobody can unlock it."""
    if kind is EnvironmentKind.SSH:
        return clean_line(f"The keyring is locked, and over SSH it cannot ask to be unlocked: {WAY_ON}.")
    return clean_line(f"The keyring is locked; the key may well be in it. Unlock it and try again, or {WAY_ON}.")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
