"""Copying: the terminal is told (OSC 52, which works over SSH), and this machine's own tool too where it is local.

Nothing answers an OSC 52, so nobody can know that it arrived: the words never say "copied" unless a tool said so.
"""

import asyncio
import os
import shutil
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from relai_tui.text import CleanLine, CleanText, clean, clean_line

if TYPE_CHECKING:
    from pydantic import SecretStr
    from textual.app import App

PATIENCE = 2.0
"""Seconds a tool may take."""
_TOOLS = (
    ("WAYLAND_DISPLAY", ("wl-copy",)),
    ("DISPLAY", ("xclip", "-selection", "clipboard")),
    ("DISPLAY", ("xsel", "--clipboard", "--input")),
)


def native_tool(environ: Mapping[str, str], platform: str = sys.platform) -> tuple[str, ...] | None:
    """The command that fills the clipboard of this desktop; None over SSH and where there is none."""
    if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"):
        return None
    if platform == "darwin":
        return ("pbcopy",)
    if platform == "win32" or "WSL_DISTRO_NAME" in environ:
        return ("clip.exe",)
    return next((tool for name, tool in _TOOLS if environ.get(name) and shutil.which(tool[0])), None)


async def copy(app: "App[None]", text: CleanText, environ: Mapping[str, str] = os.environ) -> CleanLine:
    """Copy the text; what is known of it, in words."""
    app.copy_to_clipboard(text)
    tool = native_tool(environ)
    if tool is not None and await _fill(tool, text):
        return clean_line("Copied.")
    return clean_line("Sent to the terminal's clipboard: paste to check.")


async def copy_secret(app: "App[None]", secret: "SecretStr", environ: Mapping[str, str] = os.environ) -> CleanLine:
    """Copy a secret because the user asked to: to this desktop where it is local, else to the terminal.

    The app itself does not remember it: a later paste inside the program cannot bring it back.
    """
    tool = native_tool(environ)
    if tool is not None and await _fill(tool, clean(secret.get_secret_value())):
        return clean_line("Copied.")
    app.copy_to_clipboard(secret.get_secret_value())
    await app.run_action("app.forget_clipboard")
    return clean_line("Sent to the terminal's clipboard: paste to check.")


async def _fill(tool: tuple[str, ...], text: CleanText) -> bool:
    try:
        process = await asyncio.create_subprocess_exec(
            *tool, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
    except OSError:
        return False
    try:
        await asyncio.wait_for(process.communicate(text.encode()), PATIENCE)
    except TimeoutError:
        process.kill()
        return False
    return process.returncode == 0
