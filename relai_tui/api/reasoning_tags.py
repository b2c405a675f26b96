"""Reasoning that a model writes into its content, between `<think>` and `</think>`. Pure.

Open models write it there when their server does not take it apart. It counts only at the very start of the content:
later the same words are prose or code about them.
"""

import re

_OPENING = re.compile(r"(?:[ \t]*\r?\n)* {0,3}<(think|thinking)>", re.IGNORECASE)
_TAGS = ("<thinking>", "<think>")
_LONGEST_HELD = 1_000
"""Characters of white space that are held back before a tag or an answer."""


class ReasoningTags:
    """Splitter of content that comes in pieces: each part is text or reasoning, wherever it is cut.

    The line end after the opening tag is dropped, and white space around the closing one.
    """

    def __init__(self) -> None:
        self._held = ""
        self._closing: str | None = None
        self._strip_text = self._strip_reasoning = False
        self.done = False
        """True once all that follows is text."""

    def feed(self, piece: str) -> list[tuple[bool, str]]:
        """Return the parts that can be told now, as pairs of "is reasoning" and text."""
        found: list[tuple[bool, str]] = []
        self._held += piece
        while self._step(found):
            pass
        return found

    def finish(self) -> list[tuple[bool, str]]:
        """Return what was held back, at the end of the content."""
        held, self._held = self._held, ""
        reasoning = self._closing is not None
        if self._strip_text and not held.strip():
            return []
        return [(reasoning, held)] if held else []

    def _step(self, found: list[tuple[bool, str]]) -> bool:
        """Take what is clear off the held text; True when more may be clear then."""
        if not self._held:
            return False
        if self.done:
            return self._take_text(found)
        return self._open() if self._closing is None else self._close(found)

    def _take_text(self, found: list[tuple[bool, str]]) -> bool:
        text, self._held = self._held.lstrip() if self._strip_text else self._held, ""
        self._strip_text = False
        if text:
            found.append((False, text))
        return False

    def _open(self) -> bool:
        opening = _OPENING.match(self._held)
        if opening is not None:
            self._closing = f"</{opening[1].lower()}>"
            self._held = self._held[opening.end() :]
            self._strip_reasoning = True
            return True
        start = self._held.lstrip()
        if len(self._held) - len(start) < _LONGEST_HELD and any(tag.startswith(start.lower()) for tag in _TAGS):
            return False
        self.done = True
        return True

    def _close(self, found: list[tuple[bool, str]]) -> bool:
        closing = self._closing or ""
        if self._strip_reasoning:
            if self._held == "\r":
                return False
            self._held = self._held.removeprefix("\r").removeprefix("\n")
            self._strip_reasoning = False
        end = re.search(closing, self._held, re.IGNORECASE)
        if end is not None:
            _add_reasoning(found, self._held[: end.start()].rstrip())
            self._held, self._closing, self._strip_text = self._held[end.end() :], None, True
            return True
        keep = _start_of_end(self._held, closing)
        _add_reasoning(found, self._held[:keep])
        self._held = self._held[keep:]
        return False


def _add_reasoning(found: list[tuple[bool, str]], text: str) -> None:
    if text:
        found.append((True, text))


def _start_of_end(text: str, closing: str) -> int:
    """Return where white space or a part of the closing tag begins that may be the end of the reasoning."""
    cut = text.rfind("<", max(0, len(text) - len(closing) + 1))
    at = cut if cut >= 0 and closing.startswith(text[cut:].lower()) else len(text)
    start = len(text[:at].rstrip())
    return start if at - start < _LONGEST_HELD else at
