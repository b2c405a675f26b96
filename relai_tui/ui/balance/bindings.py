"""The keys of the Balance room. Footer, palette, help and the user's keymap come from these lines."""

from textual.binding import Binding, BindingType

BALANCE_BINDINGS: list[BindingType] = [
    Binding("e", "export", "Export", id="balance.export", tooltip="Write a receipt of the time shown to a file"),
    Binding("a", "recharge", "Auto-recharge", id="balance.recharge", tooltip="Switch the automatic top-up on or off"),
    Binding("enter", "open", "Requests", id="balance.open", tooltip="List the requests behind this row"),
    Binding("s", "sort(1)", "Sort", id="balance.sort", tooltip="Sort by the next column"),
    Binding("slash", "filter", "Filter", id="balance.filter", key_display="/", tooltip="Filter requests by model"),
    Binding("f5", "app.show_room('chat')", "Chat", id="app.chat", tooltip="To the chat; what runs elsewhere goes on"),
    Binding("f6", "app.show_room('keys')", "Keys", id="app.keys", tooltip="To the account's API keys"),
    Binding("R", "refresh", "Refresh", id="balance.refresh", tooltip="Read balance and requests now"),
    Binding("S", "sort(0)", "Turn", id="balance.turn", show=False, tooltip="Sort the other way round"),
    Binding("p", "plot", "Plot", id="balance.plot", show=False, tooltip="Show or hide the plot"),
    Binding("1", "period('hour')", "Hour", id="balance.hour", show=False, tooltip="Look at the last hour"),
    Binding("2", "period('day')", "Day", id="balance.day", show=False, tooltip="Look at the last 24 hours"),
    Binding("3", "period('week')", "Week", id="balance.week", show=False, tooltip="Look at the last 7 days"),
    Binding("4", "period('month')", "Month", id="balance.month", show=False, tooltip="Look at the last 30 days"),
    Binding("m", "list('models')", "Models", id="balance.models", show=False, tooltip="List spending by model"),
    Binding(
        "c",
        "list('conversations')",
        "Conversations",
        id="balance.conversations",
        show=False,
        tooltip="List spending by conversation",
    ),
    Binding("d", "list('days')", "Days", id="balance.days", show=False, tooltip="List spending by day"),
    Binding("k", "list('keys')", "Keys", id="balance.keys", show=False, tooltip="List spending by API key"),
    Binding("l", "list('ledger')", "Ledger", id="balance.ledger", show=False, tooltip="List top-ups and charges"),
    Binding("u", "list('requests')", "Requests", id="balance.requests", show=False, tooltip="List the single requests"),
    Binding("right", "next(1)", "Next", id="balance.next", show=False, tooltip="The next list"),
    Binding("left", "next(-1)", "Previous", id="balance.previous", show=False, tooltip="The list before"),
    Binding("escape", "clear", "Back", id="balance.clear", show=False, tooltip="Without the filter"),
]

CHANGING = frozenset({"recharge"})
"""Actions that change the account: --read-only has none of them."""
