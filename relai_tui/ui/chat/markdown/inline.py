"""Text inside a block: emphasis, code, links, images; parsed, cleaned once more, and wrapped."""

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from relai_tui.text import MARKS_LIMIT, clean, clean_line, marks_before
from relai_tui.ui.chat.markdown import latex
from relai_tui.ui.chat.markdown.definitions import Parsed
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
SHOWN_TARGET = 60
"""Characters of a target shown beside the text of its link."""

_OPENED = re.compile(r"(?:https?|mailto):", re.IGNORECASE)
_CUT = re.compile(r"[ \n]")
_ENDLESS = 1 << 60
_BRACKETS = 200
"""Opening brackets in a piece from which it is cut smaller: the parser's time is square in them."""
_SMALL_PIECE = 400


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
    latex.add_inline(parser)
    return parser if links else parser.disable(["link", "image"])


def _says(text: str, target: str) -> bool:
    """Whether a link's text is its target, so that nothing is told by showing it again."""
    return _bare(text) == _bare(target)


def _bare(address: str) -> str:
    return _OPENED.sub("", address.strip()).strip("/").casefold()


def _shortened(target: str) -> str:
    """The target with its middle left out where it is long: host and end can be seen."""
    if len(target) <= SHOWN_TARGET:
        return target
    kept = SHOWN_TARGET * 2 // 3
    return f"{target[:kept]}…{target[kept + 1 - SHOWN_TARGET :]}"


class InlinePainter:
    """Draws the text inside blocks."""

    def __init__(self, looks: Looks, memory: Memory) -> None:
        self._looks, self._memory = looks, memory

    def runs(self, content: str, base: int, references: Parsed) -> list[Run]:
        """The text, unwrapped; a hard break is a newline in it."""
        links = "](" in content or ("[" in content and bool(references.all))
        parsed = _parser(links=links).parseInline(content, {"references": references.all})
        writer = _Writer(self._looks, base)
        for token in parsed[0].children or ():
            writer.take(token)
        return writer.runs

    def literal(self, content: str, width: int) -> Iterator[Line]:
        """The text as it was written, wrapped."""
        runs = self._looks.runs_of(content.expandtabs(4), TEXT)
        return cut(runs, wrap("".join(text for text, _ in runs), width, indented=True))

    def width(self, content: str, references: Parsed) -> int:
        """The cells of the text on one line."""
        return self._memory.recall(
            ("width", content, references.key(content)), lambda: cells(self.runs(content, TEXT, references))
        )

    def flow(self, content: str, width: int, base: int, references: Parsed) -> Iterator[Line]:
        """The text, wrapped. Very long text is parsed in pieces, so that its growth stays cheap."""
        carry: tuple[Run, ...] = ()
        while content:
            stop, size = len(content), PIECE
            if stop > _SMALL_PIECE and content.count("[", 0, PIECE) > _BRACKETS:
                size = _SMALL_PIECE
            if stop > size:
                match = _CUT.search(content, size, size * 3 // 2)
                stop = match.end() if match else min(stop, size * 3 // 2)
            piece, content = content[:stop], content[stop:]
            lines, carry = self._piece(piece, carry, width, base, references, last=not content)
            yield from lines

    def _piece(
        self, piece: str, carry: tuple[Run, ...], width: int, base: int, references: Parsed, *, last: bool
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

        return self._memory.recall(("flow", piece, carry, width, base, last, references.key(piece)), make)


class _Writer:
    """Inline tokens, one after the other, as runs."""

    def __init__(self, looks: Looks, base: int) -> None:
        self._looks = looks
        self._stack = [base]
        self._links: list[tuple[str, int, bool]] = []
        """Of each open link: its target, the number of its first run, whether the target is always told in full."""
        self.runs: list[Run] = []

    def take(self, token: "Token") -> None:
        """The next token."""
        look = self._stack[-1]
        if token.type == "link_open":
            self._open_link(clean_line(str(token.attrGet("href") or ""), TARGET_LIMIT))
        elif token.type == "link_close":
            self._stack.pop()
            target, at, told = self._links.pop()
            if told or not _says("".join(text for text, _ in self.runs[at:]), target):
                self._write(f" ({target if told else _shortened(target)})", self._looks.plus(self._stack[-1], "target"))
        elif token.type == "image":
            target = clean_line(str(token.attrGet("src") or ""), TARGET_LIMIT)
            alt = clean_line(token.content) or "image"
            self._write(f"🖼 {alt} ({target})", self._looks.plus(look, "image"))
        elif token.nesting == 1:
            self._stack.append(self._looks.plus(look, token.tag))
        elif token.nesting == -1:
            self._stack.pop()
        elif token.type in ("softbreak", "hardbreak"):  # in a chat a line end is meant
            self._write("\n", look)
        elif token.content:
            # Entities became characters only now, so the text passes the gate here.
            look = self._looks.plus(look, "code_inline") if token.type == "code_inline" else look
            content = token.content.replace("\t", " ")
            if (lead := marks_before(content)) and lead > (room := MARKS_LIMIT - self._marks_behind()):
                self._write("".join(text for text, _ in self._looks.runs_of(content[:room], look)), look)
                self._write("…", self._looks.copied_as(look, clean(content[room:lead])))
                content = content[lead:]
            for run in self._looks.runs_of(content, look):
                self._write(*run)

    def _marks_behind(self) -> int:
        """Return how many combining characters stand at the end, up to the most that are drawn."""
        count = 0
        for text, _ in reversed(self.runs):
            for at in range(len(text) - 1, -1, -1):
                if count == MARKS_LIMIT or not marks_before(text[at]):
                    return count
                count += 1
        return count

    def _open_link(self, target: str) -> None:
        look = self._stack[-1]
        opened = may_be_opened(target)
        self._stack.append(self._looks.linked(self._looks.plus(look, "link"), target) if opened else look)
        self._links.append((target, len(self.runs), not opened))

    def _write(self, text: str, look: int) -> None:
        if self.runs and self.runs[-1][1] == look and self._looks[look].copied is None:
            self.runs[-1] = (self.runs[-1][0] + text, look)
        else:
            self.runs.append((text, look))
