"""All that is known of one key."""

from collections.abc import Sequence
from datetime import datetime

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from relai_tui.counts import counted
from relai_tui.key_records import KeyEvent
from relai_tui.keys.listing import Held, KeyRow
from relai_tui.moments import age
from relai_tui.text import clean_line

_COLUMN = 11


def absolute(at: float | None) -> str:
    """A moment in this machine's own time: `2026-05-08 12:30`."""
    if at is None:
        return "—"
    try:
        return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return "—"


def facts(row: KeyRow, now: float) -> list[tuple[str, str]]:
    """What is known of a key, as names and words."""
    key = row.key
    used = f"{absolute(row.last_used)} ({_ago(row.last_used, now)})" if row.last_used else "no recorded use"
    state = row.state(now)
    if row.session is Held.PROBABLY:
        state = clean_line("perhaps the key of this session: another one has the same prefix")
    found = [
        ("id", key.id),
        ("prefix", key.prefix or "—"),
        ("region", (key.region or "—").upper()),
        ("scope", key.scope or ""),
        ("limit", f"{counted(key.rpm_limit, 'request')} a minute" if key.rpm_limit is not None else "—"),
        ("created", f"{absolute(row.created)} ({_ago(row.created, now)})" if row.created else "—"),
        ("last used", used),
        ("state", state or "—"),
        ("profiles", ", ".join(row.profiles) or "none of this machine"),
    ]
    return [(name, words) for name, words in found if words]


def facts_content(pairs: Sequence[tuple[str, str]]) -> Content:
    """Names in a column, words beside them."""
    return Content("\n").join(
        Content.assemble((name.ljust(_COLUMN), "$foreground 50%"), clean_line(words)) for name, words in pairs
    )


def _ago(at: float | None, now: float) -> str:
    words = age(at, now)
    return words if words in ("just now", "—") else f"{words} ago"


class KeyDetails(VerticalScroll, can_focus=False):
    """The panel beside the list, or below it."""

    DEFAULT_CSS = """
    KeyDetails {
        background: $surface; padding: 1 2; scrollbar-size-vertical: 1;
        & .log { margin-top: 1; }
    }
    """

    def compose(self) -> ComposeResult:
        """The name, the facts, what this program did to it."""
        yield Static(classes="name")
        yield Static(classes="facts")
        yield Static(classes="log")

    def show(self, row: KeyRow | None, now: float, events: Sequence[KeyEvent] = ()) -> None:
        """Tell of this key."""
        name, about, log = (self.query_one(f".{each}", Static) for each in ("name", "facts", "log"))
        if row is None:
            name.update(Content.styled("No key is chosen.", "$foreground 50%"))
            about.update(Content(""))
            log.update(Content(""))
            return
        name.update(Content.styled(row.key.name or "without a name", "bold"))
        about.update(Content("\n").join([Content(""), facts_content(facts(row, now))]))
        lines = [Content.styled("done from here", "$foreground 50%")] if events else []
        lines += [
            Content.assemble((absolute(each.at), "$foreground 60%"), f"  {each.action.value}: ", each.result)
            for each in events
        ]
        log.update(Content("\n").join(lines))
