"""Keys in what the shell is about to send: held back unless `--allow-secrets` is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relai_tui.secret_guard import find_secrets

if TYPE_CHECKING:
    from pydantic import SecretStr

    from relai_tui.account import Launch

_SHORTEST_KEY = 8
"""Characters: a shorter key may be an ordinary word, as local servers take any."""


def secret_in(launch: Launch, key: SecretStr | None = None) -> str | None:
    """Say which keys the prompt or the system prompt holds, without repeating them; None when there are none.

    `key` is the one in use, which is recognised whatever its shape.
    """
    for where, text in (("the prompt", launch.prompt), ("the system prompt", launch.system)):
        found = find_secrets(text or "")
        if found:
            line = (text or "").count("\n", 0, found[0].start) + 1
            more = f", and {len(found) - 1} more" if len(found) > 1 else ""
            return _held_back(f"{where} holds a secret: {found[0].kind} {found[0].hint} in line {line}{more}")
        own = key.get_secret_value() if key else ""
        # A key that is copied from a terminal may be broken over lines.
        if len(own) >= _SHORTEST_KEY and own in "".join((text or "").split()):
            return _held_back(f"{where} holds the key in use")
    return None


def _held_back(words: str) -> str:
    return f"{words}. Nothing was sent or kept; --allow-secrets sends it all the same"
