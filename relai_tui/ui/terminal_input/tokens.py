"""Tokens of terminal input: characters, escape sequences and bracketed pastes.

Textual 8.2's parser decides character by character which sequences it knows. It types the rest of an unknown one,
ends a bracketed paste at the first ESC inside it, and takes ESC CR for Enter. `Tokenizer` cuts the text by the grammar
of ECMA-48 instead, so that each token is whole whatever the reads it came in.
"""

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple

ESCAPE_WAIT = 0.020
"""Seconds after a lone ESC until it is the Escape key. Terminals write a sequence at once; tmux waits 10 ms."""
SEQUENCE_WAIT = 0.5
"""Seconds for the rest of a sequence that has begun: nobody types the start of one by hand."""
PASTE_END_WAIT = 0.008
"""Seconds after a paste in which a second end mark means that the first was part of the pasted text."""
PASTE_WAIT = 3.0
"""Seconds of silence after which a paste without an end mark is taken as it is."""
LIMIT = 4_096
"""Characters of a control sequence or control string; a longer one is no such thing."""

_PASTE_START, _PASTE_END = "\x1b[200~", "\x1b[201~"
_ESCAPE = "\x1b"
# A whole sequence: Alt and a cursor key as some terminals send it, X10 mouse, Linux console function key, control
# sequence, single shift, one more character.
_SEQUENCE = re.compile(
    r"\x1b\x1b[\[O][A-DFH]|\x1b(?:\[M[\s\S]{3}|\[\[[A-E]|\[(?!M)[0-?]*[ -/]*[@-~]|O[0-9;]*[A-Za-z~])"
    r"|\x1b[^\x1b\[O\]PX^_]",
)
_STARTED = re.compile(r"\x1b\x1b[\[O]?\Z|\x1b(?:\[(?:M[\s\S]{0,2}|\[|[0-?]*[ -/]*)?|O[0-9;]*)?\Z")
_MOUSE = re.compile(r"\x1b\[<[0-9;]*[Mm]")
_STRING = re.compile(r"\x1b[\]PX^_][^\x1b\x07]*(?:\x07|\x1b\\)")
_STRING_STARTED = re.compile(r"\x1b[\]PX^_][^\x1b\x07]*\x1b?\Z")
_BROKEN = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|O[0-9;]*)|\x1b[\]PX^_]?")
# What follows an ESC that was taken for the Escape key because the line stalled right after it.
_LATE = re.compile(r"(?:\[[0-9;<?]*[A-Za-z~]|O[A-Za-z])")


class Kind(Enum):
    """Kinds of token."""

    CHARACTER = auto()
    SEQUENCE = auto()
    PASTE = auto()


class Token(NamedTuple):
    """One unit of input. The text of a paste is without its marks, with all it holds."""

    kind: Kind
    text: str


class Tokenizer:
    """Cuts text into tokens. What is not whole yet waits for `feed`, or for `expire` after `wait` seconds."""

    def __init__(self) -> None:
        self._text = ""
        """Input that is not yet a token."""
        self._paste: list[str] | None = None
        """Pieces of the paste that is open."""
        self._ended: str | None = None
        """The text of a paste that has ended, if nothing shows that it goes on."""
        self._stalled = ""
        """Start of a mouse report that was passed over because its rest did not come in time."""
        self._escaped = False
        """Whether a lone ESC was just taken for the Escape key."""

    @property
    def wait(self) -> float | None:
        """Seconds without input after which to call `expire`; None while nothing is held."""
        if self._paste is not None:
            return PASTE_WAIT
        if self._ended is not None:
            return PASTE_END_WAIT
        if not self._text:
            return None
        return ESCAPE_WAIT if len(self._text) <= 2 else SEQUENCE_WAIT

    def feed(self, text: str) -> Iterator[Token]:
        """Yield the tokens that are whole now."""
        if self._escaped and (late := _LATE.match(text)):
            yield Token(Kind.SEQUENCE, _ESCAPE + late[0])
            text = text[late.end() :]
        self._escaped = False
        stalled, self._stalled = self._stalled, ""
        if stalled and _MOUSE.match(stalled + text):
            text = stalled + text
        self._text += text
        yield from self._take()

    def expire(self) -> Iterator[Token]:
        """Yield what was held: nothing more came for `wait` seconds."""
        if self._paste is not None:
            self._ended, self._paste = "".join(self._paste) + self._text, None
            self._text = ""
        if self._ended is not None:
            yield self._close_paste()
            yield from self._take()
            return
        held, self._text = self._text, ""
        if held == _ESCAPE:
            self._escaped = True
        if held in (_ESCAPE, 2 * _ESCAPE):
            yield from (Token(Kind.SEQUENCE, _ESCAPE) for _ in held)
        elif held.startswith(2 * _ESCAPE):
            yield Token(Kind.SEQUENCE, _ESCAPE)
            self._text = held[1:]
        elif len(held) == 2:
            yield Token(Kind.SEQUENCE, held)  # Alt and a bracket
        elif _STRING_STARTED.match(held):
            yield Token(Kind.SEQUENCE, held[:2])
            self._text = held[2:]
            yield from self._take()
        else:
            self._stalled = held if held.startswith("\x1b[<") else ""

    def _take(self) -> Iterator[Token]:
        while self._text:
            if self._paste is not None:
                if not self._take_paste(self._paste):
                    return
            elif self._ended is not None:
                if not self._goes_on():
                    return
            elif self._text[0] != _ESCAPE:
                end = self._text.find(_ESCAPE)
                characters, self._text = (self._text, "") if end < 0 else (self._text[:end], self._text[end:])
                yield from (Token(Kind.CHARACTER, character) for character in characters)
            elif not (token := self._take_sequence()):
                return
            elif token.text == _PASTE_START:
                self._paste = []
            elif token.text:
                yield token

    def _take_paste(self, pieces: list[str]) -> bool:
        """Move what belongs to the open paste to its pieces. Return whether it has ended."""
        end = self._text.find(_PASTE_END)
        if end >= 0:
            self._ended = "".join([*pieces, self._text[:end]])
            self._paste, self._text = None, self._text[end + len(_PASTE_END) :]
            return True
        kept = next((n for n in range(len(_PASTE_END) - 1, 0, -1) if self._text.endswith(_PASTE_END[:n])), 0)
        pieces.append(self._text[: len(self._text) - kept])
        self._text = self._text[len(self._text) - kept :]
        return False

    def _goes_on(self) -> bool:
        """Reopen a paste whose text held an end mark: another one follows at once."""
        end, start = self._text.find(_PASTE_END), self._text.find(_PASTE_START)
        if end < 0 or 0 <= start < end:
            return False
        self._paste, self._ended = [f"{self._ended}{_PASTE_END}"], None
        return True

    def _close_paste(self) -> Token:
        text, self._ended = self._ended or "", None
        return Token(Kind.PASTE, text)

    def _take_sequence(self) -> Token | None:
        """Take the sequence at the start of the text; an empty token for one to pass over, None to wait."""
        text = self._text
        if string := _STRING.match(text):
            self._text = text[string.end() :]
            return Token(Kind.SEQUENCE, "")  # the terminal's answer to a question we did not ask
        if found := _SEQUENCE.match(text):
            self._text = text[found.end() :]
            return Token(Kind.SEQUENCE, found[0])
        if len(text) < LIMIT and (_STARTED.match(text) or _STRING_STARTED.match(text)):
            return None
        broken = _BROKEN.match(text)
        end = broken.end() if broken else 1
        self._text = text[end:]
        return Token(Kind.SEQUENCE, _ESCAPE if end == 1 else "")
