"""Words in place of a command: they are never sent as a prompt."""

import difflib
import shlex
from collections.abc import Sequence

from relai_tui.secret_guard import find_secrets, redacted
from relai_tui.text import clean, clean_line

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
    """Say that these words are no command, which one may be meant, and how to ask them. A key is not repeated."""
    words = [argument.strip() for argument in arguments if argument.strip()]
    meant = _MEANT.get(words[0].casefold()) or _nearest(words[0], commands)
    guess = f" Did you mean {meant}?" if meant else ""
    return (
        f"“{_shown(words[0], 60)}” is no command, and nothing was sent.{guess}"
        f" To ask it: relai-tui ask {_shown(shlex.join(words), 200)}"
    )


def _shown(words: str, limit: int) -> str:
    line = clean(words)
    return clean_line(redacted(line, find_secrets(line)), limit)


def _nearest(word: str, commands: Sequence[str]) -> str | None:
    near = difflib.get_close_matches(word.casefold(), [*commands, *_MEANT], n=1, cutoff=0.6)
    return _MEANT.get(near[0], near[0]) if near else None
