"""Finds API keys in a text that is about to be sent. Pure, and linear in the length of the text.

What is sent to a model is out of one's hands. Only shapes are looked for that are keys and hardly anything else; those
that documentation shows as examples (`sk-xxxx…`, `rk-eu-…`) are left alone.
"""

import re
from dataclasses import dataclass

from relai_tui.text import CleanLine, CleanText, clean_line

_SHAPES: tuple[tuple[str, str], ...] = (
    # Relai's own, of both editions of its contract
    ("Relai API key", r"rk-(?:eu|us)-[A-Za-z0-9_\-]{8,512}"),
    ("Relai API key", r"relai_sk_(?:gbl_)?(?:eu|us)_(?:live|test)_[A-Za-z0-9]{8,128}"),
    # others', by their documented prefixes
    ("Anthropic API key", r"sk-ant-[A-Za-z0-9_\-]{20,512}"),
    ("OpenRouter API key", r"sk-or-v1-[A-Za-z0-9]{32,128}"),
    ("OpenAI API key", r"sk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_\-]{32,512}"),
    ("GitHub token", r"gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255}"),
    ("GitLab token", r"glpat-[A-Za-z0-9_\-]{20,64}"),
    ("AWS access key", r"(?:AKIA|ASIA)[A-Z0-9]{16}"),
    ("Google API key", r"AIza[A-Za-z0-9_\-]{35}"),
    ("Slack token", r"xox[abeprs]-[A-Za-z0-9\-]{10,255}"),
    ("Stripe key", r"[sr]k_live_[A-Za-z0-9]{16,255}"),
    ("Hugging Face token", r"hf_[A-Za-z0-9]{30,64}"),
    ("npm token", r"npm_[A-Za-z0-9]{36}"),
    ("PyPI token", r"pypi-[A-Za-z0-9_\-]{50,512}"),
    ("private key", r"-----BEGIN (?:[A-Z]{2,12} ){0,2}PRIVATE KEY-----[A-Za-z0-9+/=\s:,\-]{32,16384}"),
)
_KEYS = re.compile("|".join(f"(?P<k{number}>{shape})" for number, (_, shape) in enumerate(_SHAPES)))
_WORD = re.compile(r"[A-Za-z0-9_]")
_LEAST_VARIETY = 5
"""Different characters in what follows the prefix: an example has fewer."""
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class FoundSecret:
    """A key in a text. Its repr does not hold it."""

    kind: CleanLine
    """Whose it is, in words."""
    start: int
    end: int
    hint: CleanLine
    """Its beginning and how long it is, fit to be shown."""
    is_relai: bool = False


def find_secrets(text: str) -> tuple[FoundSecret, ...]:
    """The keys in a text, in their order; none overlaps another."""
    found = []
    for match in _KEYS.finditer(text):
        assert match.lastgroup is not None
        number = int(match.lastgroup[1:])
        start, end = match.span()
        if start and _WORD.match(text[start - 1]):
            continue  # the middle of a longer word
        kind = _SHAPES[number][0]
        if _is_example(match[0]):
            continue
        shown = f"{match[0][: _shown(match[0])]}… ({end - start} characters)"
        found.append(FoundSecret(clean_line(kind), start, end, clean_line(shown), is_relai=number < 2))
    return tuple(found)


def redacted(text: CleanText, found: tuple[FoundSecret, ...]) -> CleanText:
    """The text with each of them replaced by what it was."""
    parts, at = [], 0
    for each in found:
        parts += [text[at : each.start], f"‹{each.kind} removed›"]
        at = each.end
    return CleanText("".join((*parts, text[at:])))


def _is_example(key: str) -> bool:
    if key.startswith("-----"):
        return False
    tail = re.split(r"[-_]", key)[-1] if not key.startswith(("AKIA", "ASIA", "AIza")) else key[4:]
    body = tail if len(tail) >= 8 else key
    varied = len(set(body.lower())) >= _LEAST_VARIETY
    return not varied or not any(character.isdigit() or character.isupper() for character in key[4:])


def _shown(key: str) -> int:
    for prefix in ("rk-eu-", "rk-us-"):
        if key.startswith(prefix):
            return len(prefix)
    return min(_SHOWN, len(key) // 3)
