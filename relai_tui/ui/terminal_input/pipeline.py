"""Input pipeline: text from the terminal in, Textual's events out, in order.

`InputPipeline` is driven by whoever reads: `feed` with what was read, `tick` when `wait` seconds have passed without
input. The result depends on the bytes and the pauses between them, never on how reads cut the bytes.
"""

from collections.abc import Callable, Iterator

from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import XTermParser
from textual.message import Message

from relai_tui.ui.terminal_input.bursts import PASTE_QUIET, Burst
from relai_tui.ui.terminal_input.keys import TerminalKey
from relai_tui.ui.terminal_input.tokens import Kind, Token, Tokenizer

COALESCED = 64
"""Pasted characters from which one paste event stands for their keys."""

_ENTERS = ("enter", "ctrl+j")


class InputPipeline:
    """Turns terminal input into events and tells pressed Enters from pasted ones.

    Until `start` all events are held: what was typed before the screen could take it comes first then, and none of
    its Enters sends.
    """

    def __init__(self, emit: Callable[[Message], None], *, started: bool = False) -> None:
        self._emit = emit
        self._tokenizer = Tokenizer()
        self._parser = XTermParser()
        self._burst = Burst()
        self._held: list[Message] = []
        """Events since the first Enter of the burst, until it is over."""
        self._fed = 0.0
        self._started = started
        self._early: list[Message] = []

    # -- driven by the reader

    def start(self) -> None:
        """Hand on what was typed so far; its Enters are new lines, but for those at its end."""
        early, self._early, self._started = self._early, [], True
        # A terminal's own reports may follow the last key.
        while (last := next((event for event in reversed(early) if isinstance(event, events.Key)), None)) is not None:
            if not _is_enter(last):
                break
            early.remove(last)
        for event in early:
            self._emit(_in_paste(event))

    def feed(self, text: str, now: float) -> None:
        """Take what was read at `now`, in seconds of a monotonic clock."""
        self.tick(now)
        self._fed = now
        for token in self._tokenizer.feed(text):
            self._take(token, now)

    def wait(self, now: float) -> float | None:
        """Return the seconds until `tick` has something to do; None where only input brings news."""
        due = []
        if (wait := self._tokenizer.wait) is not None:
            due.append(self._fed + wait)
        if self._held:
            due.append(self._burst.last + self._burst.quiet)
        return max(0.0, min(due) - now) if due else None

    def tick(self, now: float) -> None:
        """Hand on what waited for more input and got none."""
        while (wait := self._tokenizer.wait) is not None and now - self._fed >= wait:
            tokens = list(self._tokenizer.expire())
            if not tokens and self._tokenizer.wait == wait:
                break
            for token in tokens:
                self._take(token, self._fed)
        if now - self._burst.last >= self._burst.quiet:
            self._end_burst()

    # -- tokens to events

    def _take(self, token: Token, now: float) -> None:
        if token.kind is Kind.PASTE:
            self._burst.paste(now)
            self._pass_on(events.Paste(token.text.replace("\0", "")))
            return
        for event in self._events_of(token.text):
            if _is_enter(event):
                self._burst.enter(now)
            elif isinstance(event, events.Key) and event.is_printable:
                self._burst.text(now)
            elif isinstance(event, events.Key) and event.key == "tab":
                self._burst.text(now, tab=True)
            self._pass_on(event)

    def _events_of(self, sequence: str) -> Iterator[Message]:
        if len(sequence) > 1 and isinstance(ANSI_SEQUENCES_KEYS.get(sequence), str):
            sequence = f"\x1b{sequence[1:]}"  # Alt and a digit would type a symbol: the keyboard's own layout does that
            yield TerminalKey(f"alt+{sequence[1:]}", None)
            return
        if sequence == "\x1b":
            yield TerminalKey("escape", "\x1b")
            return
        alt = len(sequence) > 1 and sequence.startswith("\x1b") and self._needs_alt(sequence)
        for event in self._parsed(sequence[1:] if alt else sequence):
            yield _own_key(event, alt=alt)

    def _needs_alt(self, sequence: str) -> bool:
        """Return whether it is ESC before something that is a key by itself: Alt was held."""
        return sequence.startswith("\x1b\x1b") or (len(sequence) == 2 and sequence not in ANSI_SEQUENCES_KEYS)

    def _parsed(self, sequence: str) -> list[Message]:
        parsed = list(self._parser.feed(sequence))
        if self._parser._timeout_time is not None:  # noqa: SLF001 - it waits for more of a sequence that it does not know
            fresh = XTermParser()
            for name in ("last_x", "last_y", "mouse_pixels", "terminal_size", "terminal_pixel_size"):
                setattr(fresh, name, getattr(self._parser, name))
            self._parser = fresh
        return parsed

    # -- Enters, held until their burst is over

    def _pass_on(self, event: Message) -> None:
        if not self._started:
            self._early.append(event)
        elif self._held or _is_enter(event) or self._burst.continues:
            self._held.append(event)
        else:
            self._emit(event)

    def _end_burst(self) -> None:
        burst, held = self._burst, self._held
        if burst.last == float("-inf"):
            return
        pasted = burst.was_pasted
        until = burst.last + PASTE_QUIET if pasted else float("-inf")
        self._burst, self._held = Burst(last_before=burst.last, continues_until=until), []
        for event in _joined(held) if pasted else held:
            self._emit(_in_paste(event) if pasted else event)


def _own_key(event: Message, *, alt: bool) -> Message:
    if not isinstance(event, events.Key):
        return event
    if alt:
        return TerminalKey("alt+enter" if event.key in _ENTERS else f"alt+{event.key}", None)
    return TerminalKey(event.key, event.character)


def _is_enter(event: Message) -> bool:
    return isinstance(event, events.Key) and event.key in _ENTERS


def _in_paste(event: Message) -> Message:
    if isinstance(event, TerminalKey) and _is_enter(event):
        return TerminalKey(event.key, event.character, in_paste=True)
    return event


def _joined(held: list[Message]) -> list[Message]:
    """Put one paste event in the place of many pasted keys, where these are all there is."""
    keys = [event for event in held if isinstance(event, TerminalKey) and (event.is_printable or _is_pasted(event))]
    if len(keys) < COALESCED or len(keys) != len(held):
        return held
    return [events.Paste("".join("\n" if _is_enter(key) else key.character or "" for key in keys))]


def _is_pasted(event: events.Key) -> bool:
    return _is_enter(event) or event.key == "tab"
