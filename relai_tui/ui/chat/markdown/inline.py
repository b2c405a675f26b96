"""Text inside a block: emphasis, code, links, images; parsed, cleaned once more, and wrapped."""

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from relai_tui.text import clean_line
from relai_tui.ui.chat.markdown.looks import TEXT, Looks
from relai_tui.ui.chat.markdown.memory import Memory
from relai_tui.ui.chat.markdown.wrap import Line, Part, Run, cells, cut, wrap

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

PIECE = 4_000
"""Characters of one paragraph that are parsed at once; a longer one is parsed in such pieces, cut at a space."""
TARGET_LIMIT = 2_000
"""Characters of a link's target."""

_OPENED = re.compile(r"(?:https?|mailto):", re.IGNORECASE)
_ENDLESS = 1 << 60
_BRACKETS = 200
"""Opening brackets in a piece from which it is cut smaller: the parser's time is square in them."""
_SMALL_PIECE = 400


class References(NamedTuple):
    """The link definitions known where a text stands."""

    targets: dict[str, dict[str, str]]
    """As markdown-it keeps them."""
    known: tuple[str, ...]
    """The same, as a key: what is remembered depends on it."""


NO_REFERENCES = References({}, ())


def may_be_opened(target: str) -> bool:
    """Whether a link may lead there: http, https and mailto only. All others are shown as text."""
    return _OPENED.match(target) is not None


@cache
def _parser(*, links: bool) -> "MarkdownIt":
    """The parser of text inside blocks. Without links it is linear in brackets, with them it is not."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("gfm-like", {"html": False})
    if parser.linkify is not None:
        # Only what names its scheme: `main.py` is a file, not a host in Paraguay.
        parser.linkify.set({"fuzzy_link": False, "fuzzy_email": False, "fuzzy_ip": False})
    return parser if links else parser.disable(["link", "image"])


class InlinePainter:
    """Draws the text inside blocks."""

    def __init__(self, looks: Looks, memory: Memory) -> None:
        self._looks, self._memory = looks, memory

    def runs(self, content: str, base: int, references: References) -> list[Run]:
        """The text, unwrapped; a hard break is a newline in it."""
        links = "](" in content or bool(references.targets)
        parsed = _parser(links=links).parseInline(content, {"references": references.targets})
        writer = _Writer(self._looks, base)
        for token in parsed[0].children or ():
            writer.take(token)
        return writer.runs

    def width(self, content: str, references: References) -> int:
        """The cells of the text on one line."""
        return self._memory.recall(
            ("width", content, references.known), lambda: cells(self.runs(content, TEXT, references))
        )

    def flow(self, content: str, width: int, base: int, references: References) -> Iterator[Line]:
        """The text, wrapped. Very long text is parsed in pieces, so that its growth stays cheap."""
        carry: tuple[Run, ...] = ()
        while content:
            stop, size = len(content), PIECE
            if stop > _SMALL_PIECE and content.count("[", 0, PIECE) > _BRACKETS:
                size = _SMALL_PIECE
            if stop > size:
                stop = content.find(" ", size, size * 3 // 2) + 1 or min(stop, size * 3 // 2)
            piece, content = content[:stop], content[stop:]
            lines, carry = self._piece(piece, carry, width, base, references, last=not content)
            yield from lines

    def _piece(
        self, piece: str, carry: tuple[Run, ...], width: int, base: int, references: References, *, last: bool
    ) -> tuple[list[Line], tuple[Run, ...]]:
        def make() -> tuple[list[Line], tuple[Run, ...]]:
            continued = carry[:1] if carry and not carry[0][0] else ()
            runs = [*carry[len(continued) :], *self.runs(piece, base, references)]
            parts = wrap("".join(text for text, _ in runs), width)
            if not last:  # the last line goes on in the next piece, with its last space
                parts[-1] = Part(parts[-1].start, _ENDLESS, parts[-1].joint)
            lines = list(cut(runs, parts))
            lines[0][:0] = continued
            return (lines, ()) if last else (lines[:-1], tuple(lines[-1]))

        return self._memory.recall(("flow", piece, carry, width, base, last, references.known), make)


class _Writer:
    """Inline tokens, one after the other, as runs."""

    def __init__(self, looks: Looks, base: int) -> None:
        self._looks = looks
        self._stack = [base]
        self._targets: list[str] = []
        self.runs: list[Run] = []

    def take(self, token: "Token") -> None:
        """The next token."""
        look = self._stack[-1]
        if token.type == "link_open":
            self._open_link(clean_line(str(token.attrGet("href") or ""), TARGET_LIMIT))
        elif token.type == "link_close":
            self._stack.pop()
            if target := self._targets.pop():
                self._write(f" ({target})", self._looks.plus(self._stack[-1], "target"))
        elif token.type == "image":
            target = clean_line(str(token.attrGet("src") or ""), TARGET_LIMIT)
            alt = clean_line(token.content) or "image"
            self._write(f"🖼 {alt} ({target})", self._looks.plus(look, "image"))
        elif token.nesting == 1:
            self._stack.append(self._looks.plus(look, token.tag))
        elif token.nesting == -1:
            self._stack.pop()
        elif token.type == "softbreak":
            self._write(" ", look)
        elif token.type == "hardbreak":
            self._write("\n", look)
        elif token.content:
            # Entities became characters only now, so the text passes the gate here.
            look = self._looks.plus(look, "code_inline") if token.type == "code_inline" else look
            for run in self._looks.runs_of(token.content.replace("\t", " "), look):
                self._write(*run)

    def _open_link(self, target: str) -> None:
        look = self._stack[-1]
        opened = may_be_opened(target)
        self._stack.append(self._looks.linked(self._looks.plus(look, "link"), target) if opened else look)
        self._targets.append("" if opened else target)

    def _write(self, text: str, look: int) -> None:
        if self.runs and self.runs[-1][1] == look and self._looks[look].copied is None:
            self.runs[-1] = (self.runs[-1][0] + text, look)
        else:
            self.runs.append((text, look))
