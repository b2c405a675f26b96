"""Words in place of a command: they are never sent as a prompt."""

import difflib
import shlex
from collections.abc import Sequence

from relai_tui.text import clean_line

_MEANT = {
    "help": "--help",
    "version": "--version",
    "signin": "login",
    "auth": "login",
    "signout": "logout",
    "credits": "balance",
    "credit": "balance",
    "cost": "usage",
    "costs": "usage",
    "spending": "usage",
    "invoice": "receipt",
    "key": "keys",
    "list": "keys list",
    "create": "keys create",
    "revoke": "keys revoke",
    "rotate": "keys rotate",
    "status": "doctor",
    "check": "doctor",
    "server": "sandbox",
    "demo": "--demo",
}
"""What other programs call it."""


def refusal(arguments: Sequence[str], commands: Sequence[str]) -> str:
    """Say that these words are no command, which one may be meant, and how to ask them."""
    word = next((argument.strip() for argument in arguments if argument.strip()), "")
    meant = _MEANT.get(word.casefold()) or _nearest(word, commands)
    guess = f" Did you mean {meant}?" if meant else ""
    asked = shlex.join(argument.strip() for argument in arguments)
    return (
        f"“{clean_line(word, 60)}” is no command, and nothing was sent.{guess}"
        f" To ask it: relai-tui ask {clean_line(asked, 200)}"
    )


def _nearest(word: str, commands: Sequence[str]) -> str | None:
    near = difflib.get_close_matches(word.casefold(), [*commands, *_MEANT], n=1, cutoff=0.6)
    return _MEANT.get(near[0], near[0]) if near else None
