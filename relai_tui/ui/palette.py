"""Commands of the palette: the three screens, and all their actions from each of them."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from textual.binding import Binding, BindingType

SCREENS = {"chat": "Chat", "keys": "Keys", "balance": "Balance"}
"""Modes of the app and what they are called on screen."""

_UNNAMED = ("up", "down", "page-up", "page-down", "palette", "interrupt", "leave", "next", "previous")


class Command(NamedTuple):
    """One entry of the palette."""

    title: str
    key: str
    screen: str
    """The mode it belongs to."""
    action: str


def is_command(binding_id: str) -> bool:
    """Return whether a binding is worth finding: editing and scrolling are not."""
    group, _, name = binding_id.partition(".")
    return group != "prompt" and name not in _UNNAMED


def other_screens(shown: str, shows_key: Callable[[Binding], str], *, has_keys: bool) -> Iterator[Command]:
    """Yield how to get to the other screens, then what can be done there, one screen after the other."""
    others = [mode for mode in SCREENS if mode != shown and (mode != "keys" or has_keys)]
    for mode in others:
        key = {"chat": "f5", "keys": "f6", "balance": "f7"}[mode]
        yield Command(f"Go to {SCREENS[mode]}", shows_key(Binding(key, "", id=f"app.{mode}")), mode, "")
    for mode in others:
        seen: set[str] = set()
        for binding in _bindings(mode):
            named = isinstance(binding, Binding) and binding.id and binding.tooltip and is_command(binding.id)
            if not isinstance(binding, Binding) or not named or binding.action in seen:
                continue
            if (binding.id or "").partition(".")[0] == mode:
                seen.add(binding.action)
                yield Command(f"{SCREENS[mode]}: {binding.tooltip}", shows_key(binding), mode, binding.action)


def _bindings(mode: str) -> list[BindingType]:
    # Each list is loaded when the palette is first opened.
    if mode == "chat":
        from relai_tui.ui.chat.bindings import CHAT_BINDINGS

        return CHAT_BINDINGS
    if mode == "keys":
        from relai_tui.ui.keys.bindings import KEYS_BINDINGS

        return KEYS_BINDINGS
    from relai_tui.ui.balance.bindings import BALANCE_BINDINGS

    return BALANCE_BINDINGS
