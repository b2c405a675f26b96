"""Graphemes: what a person calls a character, such as a flag or a letter with its accents (Unicode Annex 29)."""

from bisect import bisect_right

SHORT = 100_000
"""Characters of the longest text that is cut; a longer one is treated as characters."""


def grapheme_starts(text: str) -> list[int]:
    """Return the index at which each grapheme of the text starts, and its length at the end."""
    if text.isascii() or len(text) > SHORT:
        return list(range(len(text) + 1))
    import regex  # not loaded while all that is typed is ASCII

    return [*(found.start() for found in regex.finditer(r"\X", text)), len(text)]


def grapheme_before(text: str, index: int) -> int:
    """Return where the grapheme starts that ends at or holds `index`; 0 at the start."""
    starts = grapheme_starts(text)
    return starts[max(0, bisect_right(starts, index - 1) - 1)] if index > 0 else 0


def grapheme_after(text: str, index: int) -> int:
    """Return where the grapheme ends that starts at or holds `index`; the text's length at its end."""
    starts = grapheme_starts(text)
    return starts[min(len(starts) - 1, bisect_right(starts, index))] if index < len(text) else len(text)
