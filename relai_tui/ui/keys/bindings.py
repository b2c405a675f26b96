"""The keys of the Keys room. Footer, palette, help and the user's keymap come from these lines."""

from textual.binding import Binding, BindingType

KEYS_BINDINGS: list[BindingType] = [
    Binding("n", "create", "New", id="keys.new", tooltip="Create an API key"),
    Binding("x,delete", "revoke", "Revoke", id="keys.revoke", tooltip="Revoke this key, or the marked ones"),
    Binding("t", "rotate", "Rotate", id="keys.rotate", tooltip="Replace this key by a successor, step by step"),
    Binding("slash", "filter", "Filter", id="keys.filter", key_display="/", tooltip="Filter as you type; ! inverts"),
    Binding("f5", "app.show_room('chat')", "Chat", id="app.chat", tooltip="To the chat; what runs elsewhere goes on"),
    Binding("space", "mark", "Mark", id="keys.mark", tooltip="Mark this key, to revoke several at once"),
    Binding("asterisk", "invert", "Invert", id="keys.invert", key_display="*", show=False, tooltip="Invert the marks"),
    Binding("enter", "details", "Details", id="keys.details", tooltip="Show or hide all that is known of this key"),
    Binding("s", "sort(1)", "Sort", id="keys.sort", tooltip="Sort by the next column"),
    Binding("S", "sort(0)", "Turn", id="keys.turn", show=False, tooltip="Sort the other way round"),
    Binding("y", "copy('prefix')", "Copy", id="keys.copy", tooltip="Copy the key's prefix"),
    Binding("Y", "copy('id')", "Copy id", id="keys.copy-id", show=False, tooltip="Copy the key's id"),
    Binding("l", "limit", "Limit", id="keys.limit", show=False, tooltip="Change the limit, by rotating the key"),
    Binding("R", "refresh", "Refresh", id="keys.refresh", show=False, tooltip="Read the list again"),
    Binding("1", "chip('all')", "All", id="keys.all", show=False, tooltip="Show all keys"),
    Binding("2", "chip('unused')", "Unused", id="keys.unused", show=False, tooltip="Show keys without a recorded use"),
    Binding("3", "chip('stale 30 d')", "Stale", id="keys.stale", show=False, tooltip="Show keys unused for 30 days"),
    Binding("4", "chip('stale 90 d')", "Stale", id="keys.staler", show=False, tooltip="Show keys unused for 90 days"),
    Binding("5", "chip('this session')", "Ours", id="keys.ours", show=False, tooltip="Show the key of this session"),
    Binding("6", "chip('revoked')", "Revoked", id="keys.revoked", show=False, tooltip="Show revoked keys"),
    Binding("escape", "clear", "Clear", id="keys.clear", show=False, tooltip="Clear the filter, then the marks"),
]

CHANGING = frozenset({"create", "revoke", "rotate", "limit", "mark", "invert"})
"""Actions that change the account, or lead there: --read-only has none of them."""
