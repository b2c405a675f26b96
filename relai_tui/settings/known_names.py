"""The names that `config.toml` may hold, and advice on one that it may not.

A name that is not known is ignored, which leaves the user without what it was meant to do: a limit, a key, a colour. So
each is told with the name that was probably meant. The names of themes and bindings belong to the screen; they are
listed here so that no command has to load it, and a test holds the lists together.
"""

from __future__ import annotations

SECTIONS: dict[str, tuple[str, ...]] = {
    "": (
        "theme", "default_profile", "mouse", "cursor_blink", "enter", "profiles", "keymap", "limits", "alerts",
    ),
    "limits": ("conversation", "day", "month"),
    "limits.*": ("soft", "hard"),
    "alerts": ("low", "critical", "bell", "desktop"),
    "alerts.*": ("floor", "runway_hours"),
    "profiles.*": (
        "region", "base_url", "model", "key_command", "key_id", "key_prefix", "allow_insecure_hosts",
    ),
}  # fmt: skip
"""The settings by section; `*` is any name."""

THEMES = frozenset(
    {
        "ansi-dark", "ansi-light", "atom-one-dark", "atom-one-light", "catppuccin-frappe", "catppuccin-latte",
        "catppuccin-macchiato", "catppuccin-mocha", "dracula", "flexoki", "gruvbox", "monokai", "nord",
        "relai-day", "relai-night", "rose-pine", "rose-pine-dawn", "rose-pine-moon", "solarized-dark",
        "solarized-light", "textual-dark", "textual-light", "tokyo-night",
    }
)  # fmt: skip
"""The themes there are: the program's own and Textual's."""

BINDINGS = frozenset(
    {
        "app.balance", "app.chat", "app.help", "app.keys", "app.palette", "app.quit", "balance.clear",
        "balance.conversations", "balance.day", "balance.days", "balance.export", "balance.filter",
        "balance.hour", "balance.keys", "balance.ledger", "balance.models", "balance.month", "balance.next",
        "balance.open", "balance.plot", "balance.previous", "balance.recharge", "balance.refresh",
        "balance.requests", "balance.sort", "balance.turn", "balance.week", "chat.again", "chat.back", "chat.continue",
        "chat.conversations", "chat.copy", "chat.copy-turn", "chat.down", "chat.end", "chat.interrupt",
        "chat.leave", "chat.model", "chat.new", "chat.page-down", "chat.page-up", "chat.reasoning", "chat.stop",
        "chat.suspend", "chat.turn-down", "chat.turn-up", "chat.up", "create.cancel", "dialog.cancel",
        "export.cancel", "help.close", "keys.all", "keys.clear", "keys.copy", "keys.copy-id", "keys.details",
        "keys.filter", "keys.invert", "keys.limit", "keys.mark", "keys.new", "keys.ours", "keys.refresh",
        "keys.revoke", "keys.revoked", "keys.rotate", "keys.sort", "keys.stale", "keys.staler", "keys.turn",
        "keys.unused", "picker.back", "prompt.down", "prompt.newline", "prompt.send", "prompt.undo",
        "prompt.up", "revoke.cancel", "rotate.later", "secret.back", "secret.copy", "secret.reveal",
        "secret.use", "shelf.back", "shortfall.leave", "sign-in.later", "transcript.code", "transcript.first",
        "transcript.last", "transcript.link", "transcript.next", "transcript.open", "transcript.previous",
        "transcript.reasoning",
    }
)  # fmt: skip
"""The ids of all bindings, which `[keymap]` gives other keys."""


def advice(section: str, name: str) -> str:
    """A sentence, with a space before it, on the setting that was probably meant; empty where there is none to give."""
    known = SECTIONS.get(_pattern(section), ())
    meant = closest(name, known)
    if meant:
        return f" Did you mean “{meant}”?"
    for other, names in SECTIONS.items():
        if name in names and other != _pattern(section):
            return f" It belongs {_place(other)}."
    return f" Known here: {', '.join(known)}." if known and len(known) < 5 else ""


def closest(name: str, known: tuple[str, ...] | frozenset[str]) -> str | None:
    """The known name that is most like this one; None where none is."""
    from difflib import get_close_matches  # only where something is wrong

    plain = {each.replace("_", "").replace("-", "").lower(): each for each in sorted(known)}
    found = get_close_matches(name.replace("_", "").replace("-", "").lower(), plain, n=1, cutoff=0.6)
    return plain[found[0]] if found else None


def _pattern(section: str) -> str:
    parent, _, rest = section.partition(".")
    return f"{parent}.*" if rest else section


def _place(section: str) -> str:
    match section:
        case "":
            return "at the top of the file, before the first section"
        case "profiles.*":
            return "to a profile, such as [profiles.default]"
        case "limits.*":
            return "to a limit, such as day = { soft = 2.00, hard = 5.00 } in [limits]"
        case "alerts.*":
            return "to an alert, such as low = { floor = 2.00, runway_hours = 24 } in [alerts]"
    return f"in [{section}]"
