"""One run of one client: start it, type, ask, wait, and note what a person at the screen would."""

import itertools
import os
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from tests.bench.documents import end_of, top_of
from tests.bench.server import Server
from tests.bench.terminal import COLUMNS, ROWS, Terminal

Figures = dict[str, float]
"""Named measurements. Seconds end in _s, milliseconds in _ms; what could not be measured is left out."""

PROBE = "§"
"""A character no client has on its screen by itself."""
SMALLEST_SCREEN = 20
"""Characters on the screen that count as a first paint."""
_ALPHABET = "QXJZWVK"
_WORD = 30
"""Keys typed before they are erased again."""
_NONCES = itertools.count(random.randrange(10**5, 9 * 10**5))


class DidNotGetReady(Exception):
    """The client did not do what every run begins with; `str()` has its screen."""


def next_nonce() -> str:
    """A number no earlier prompt of this run had."""
    return str(next(_NONCES))


def percentile(values: list[float], share: float) -> float:
    """The value below which that share of them lies."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def key_figures(latencies: list[float], prefix: str) -> Figures:
    """Of the seconds from keys to their echoes."""
    if not latencies:
        return {}
    shares = {"p50": percentile(latencies, 0.5), "p95": percentile(latencies, 0.95), "max": max(latencies)}
    return {f"{prefix}_{name}_ms": value * 1000 for name, value in shares.items()} | {f"{prefix}s": len(latencies)}


@dataclass
class Typist:
    """Types one letter after another and times each echo: until the whole word so far is on the screen."""

    terminal: Terminal
    every: float
    """Seconds between keys; 0 types nothing."""
    first_after: float = 0.0
    """Seconds until the first."""
    latencies: list[float] = field(default_factory=list)
    _word: str = ""
    _pending: list[tuple[str, float]] = field(default_factory=list)
    _due: float = 0.0

    def __post_init__(self) -> None:
        """Begin to wait."""
        self._due = time.monotonic() + self.first_after

    def turn(self) -> float:
        """Type what is due; seconds until the next key is."""
        if not self.every:
            return 0.1
        now = time.monotonic()
        if now >= self._due:
            self._due = now + self.every
            if len(self._word) <= _WORD:
                self._press()
            elif not self._pending:
                self.erase()
                self._due = now + 0.4
        return max(0.0, min(self._due - time.monotonic(), 0.1))

    def _press(self) -> None:
        # The first key of a word is not timed: without it a single letter might be on the screen by chance.
        key = PROBE if not self._word else random.choice([c for c in _ALPHABET if not self._word.endswith(c)])
        self._word += key
        if key != PROBE:
            self._pending.append((self._word, time.monotonic()))
        self.terminal.send(key)

    def look(self, text: str, when: float) -> None:
        """Note the keys whose echo is on the screen."""
        for index in range(len(self._pending) - 1, -1, -1):
            if self._pending[index][0] in text:
                self.latencies += [when - sent for _, sent in self._pending[: index + 1]]
                del self._pending[: index + 1]
                return

    def erase(self) -> None:
        """Take back what was typed."""
        self.terminal.send("\x7f" * len(self._word))
        self._word = ""


class Drive:
    """A client on a terminal, ready for keys, or with `opened` on its screen. Raises `DidNotGetReady`."""

    def __init__(self, terminal: Terminal, server: Server, opened: str = "") -> None:
        self.terminal, self._server = terminal, server
        self.start: Figures = self._wait_for_text(opened) if opened else self._wait_for_echo()

    def _wait_for_text(self, opened: str) -> Figures:
        ready = self.terminal.until(lambda text: opened in text, 60)
        if ready is None:
            raise DidNotGetReady(self.terminal.text())
        return {"ready_s": ready - self.terminal.started}

    def _wait_for_echo(self) -> Figures:
        terminal, ready, typed = self.terminal, None, 0
        painted = terminal.until(
            lambda text: terminal.is_full_screen and sum(not c.isspace() for c in text) >= SMALLEST_SCREEN, 60
        )
        while painted and ready is None and typed < 1_500:
            terminal.send(PROBE)
            typed += 1
            ready = terminal.until(lambda text: PROBE in text, 0.04)
        if painted is None or ready is None:
            raise DidNotGetReady(terminal.text())
        figures = {
            "paint_s": painted - terminal.started,
            "ready_s": ready - terminal.started,
            "ready_cpu_s": terminal.cpu_seconds(),
            "ready_mib": terminal.peak_mib(),
        }
        terminal.rest(0.5)
        for _ in range(3):  # some were typed before the first echo
            if PROBE in terminal.text():
                terminal.send("\x7f" * typed)
                terminal.rest(0.5)
        return figures

    def idle(self, seconds: float = 10, settle: float = 3) -> Figures:
        """Processor time while nothing happens, in percent of a core."""
        self.terminal.rest(settle)
        before = self.terminal.cpu_seconds()
        self.terminal.rest(seconds)
        return {"idle_pct": (self.terminal.cpu_seconds() - before) / seconds * 100}

    def keys(self, count: int = 30) -> Figures:
        """The echo of keys while nothing else happens."""
        typist = Typist(self.terminal, 0.1)
        deadline = time.monotonic() + count * 0.1 + 0.5
        self._type_until(typist, lambda _: time.monotonic() >= deadline, deadline)
        typist.erase()
        self.terminal.rest(0.6)
        return key_figures(typist.latencies, "key")

    def _type_until(self, typist: Typist, holds: Callable[[str], bool], deadline: float) -> float | None:
        while time.monotonic() < deadline and not self.terminal.ended:
            when = self.terminal.step(typist.turn())
            if when is None:
                continue
            text = self.terminal.text()
            typist.look(text, when)
            if holds(text):
                return when
        return None

    def ask(self, scenario: str, seconds: float, key_every: float = 0) -> Figures:
        """Send one prompt; everything from the key that sends it to the last word on the screen.

        Where that never comes within `seconds`, the figures are of that time, and `unfinished` is 1.
        """
        terminal, nonce = self.terminal, next_nonce()
        prompt = f"{scenario}k{nonce}"
        terminal.send(prompt)
        if not terminal.until(lambda text: prompt in text, 10):
            raise DidNotGetReady(terminal.text())
        terminal.rest(0.3)
        seen: list[float] = []
        top, end = top_of(nonce), end_of(nonce)

        def look(text: str) -> bool:
            if not seen and (top in text or end in text):
                seen.append(time.monotonic())
            return end in text

        typist = Typist(terminal, key_every, first_after=0.3)  # sending empties the prompt, with what is typed too soon
        cpu, submitted = terminal.cpu_seconds(), time.monotonic()
        terminal.send("\r")
        ended = self._type_until(typist, look, submitted + seconds)
        used = terminal.cpu_seconds() - cpu
        figures = {"cpu_s": used, "peak_mib": terminal.peak_mib()} | key_figures(typist.latencies, "key")
        if seen:
            figures["first_token_ms"] = (seen[0] - submitted) * 1000
        if ended is None:
            return figures | {"unfinished": 1}
        terminal.rest(1.5)
        stamps = self._server.stamps(nonce)
        assert stamps is not None
        return figures | {
            "total_s": ended - submitted,
            "lag_ms": (ended - stamps["last"]) * 1000,
            "cpu_ms_per_1k": used / stamps["sent"] * 1e6,
        }

    def resize(self) -> Figures:
        """A smaller window, and the old one again: until the screen is what it stays, the slower of both."""
        times = [self._resize_to(ROWS - 8, COLUMNS - 30), self._resize_to(ROWS, COLUMNS)]
        return {"resize_ms": max(times) * 1000}

    def _resize_to(self, rows: int, columns: int) -> float:
        terminal, began = self.terminal, time.monotonic()
        pictures: list[tuple[float, str]] = []
        terminal.resize(rows, columns)
        while time.monotonic() < began + 2:
            if when := terminal.step(0.05):
                pictures.append((when, terminal.text()))
        final = terminal.text()
        right = began
        for when, text in reversed(pictures):
            if text != final:
                break
            right = when
        return right - began

    def open_from_list(self, shown: str, last_words: str) -> Figures:
        """Ctrl+S, Enter on the first; until the end of the conversation is on the screen."""
        terminal = self.terminal
        terminal.send("\x13")
        if not terminal.until(lambda text: shown in text, 10):
            raise DidNotGetReady(terminal.text())
        terminal.rest(0.7)
        pressed = time.monotonic()
        terminal.send("\r")
        when = terminal.until(lambda text: last_words in text, 30)
        if when is None:
            raise DidNotGetReady(terminal.text())
        terminal.rest(0.7)
        return {"open_ms": (when - pressed) * 1000}


def load_average() -> float:
    """How busy the machine is: processes that run or wait, over the last minute."""
    with suppress(OSError):
        return os.getloadavg()[0]
    return 0.0
