"""What an API key says of itself, and how it is kept out of everything that is shown.

A key is read once, at the door (`read_key`), and is a `SecretStr` from then on. pydantic is imported only when a key
is really read, so that this module loads in no time.
"""

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from relai_tui.api.errors import UnusableKey
from relai_tui.text import CleanLine, clean_line

if TYPE_CHECKING:
    from pydantic import SecretStr

LONGEST_KEY = 1_000
"""Characters; longer text is not a key."""

REGIONS = ("eu", "us")
"""The regions of Relai."""

NEAREST = "https://api.llmrelai.com/v1"
"""Edition 2's address without a region: the nearest one answers."""

_EDITION_1 = re.compile(r"(?P<prefix>rk-(?P<region>eu|us)-)[!-~]+")
_EDITION_2 = re.compile(r"(?P<prefix>relai_sk_(?P<global>gbl_)?(?P<region>eu|us)_(?P<kind>live|test)_)[!-~]+")
_LOOKS_LIKE_A_KEY = re.compile(r"(rk-(?:eu|us)-|relai_sk_)[A-Za-z0-9_\-]*", re.IGNORECASE)
_PASTED_BEFORE = re.compile(
    r"(?:export\s+|set\s+)?RELAI_API_KEY\s*[=:]\s*|(?:Authorization\s*:\s*)?Bearer(?:\s+|$)", re.IGNORECASE
)
_ENDS = " \t\r\n\v\f\x1c\x1d\x1e\x1f\x85\xa0\xad\u1680\u180e\u2028\u2029\u202f\u205f\u3000\ufeff\ufffe" + "".join(
    map(chr, (*range(0x2000, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), *range(0xFE00, 0xFE10)))
)
_QUOTES = "\"'`\u2018\u2019\u201c\u201d\u00ab\u00bb"
_MASK = re.compile(r"(?:\.{2,}|[\u2026*\u2022\u00b7\u25cf\u2219\u22ef])+")
_SHORTEST_HEAD = 6
"""Characters of a key of another server that must be shown before it counts as one of ours."""
_SHORTEST_TAIL = 4
_SHORTEST_SHOWN = 12
_SHORTEST_MASKED = 4


class KeyFormat(NamedTuple):
    """What the prefix of a key tells. Keys of other servers tell nothing: all None."""

    edition: int | None
    """1 or 2, the edition of Relai's contract."""
    region: str | None
    """`eu` or `us`; for a global key the home region, where it is billed."""
    scope: Literal["regional", "global"] | None
    live: bool
    """False for a test key."""
    base_url: str | None
    """Where this key belongs."""


def read_key(text: str) -> "SecretStr":
    """The key in a text that was typed, pasted or read from a file.

    Takes off white space, invisible characters and quotes at both ends, and a pasted `Bearer ` or `RELAI_API_KEY=`.
    Raises `UnusableKey`, whose words never repeat the key: a key is refused here, before a library can print it (T14).
    """
    from pydantic import SecretStr

    bare = _bare(text)
    fault = _fault(bare)
    if fault:
        raise UnusableKey(fault)
    return SecretStr(bare)


def _bare(text: str) -> str:
    bare = text.strip(_ENDS + _QUOTES)
    while pasted := _PASTED_BEFORE.match(bare):
        bare = bare[pasted.end() :].strip(_ENDS + _QUOTES)
    return bare


def _fault(bare: str) -> str | None:
    if not bare:
        return "There is no key here. Paste the whole key."
    if len(bare) > LONGEST_KEY:
        return f"That is longer than a key can be ({LONGEST_KEY:,} characters). Paste only the key."
    if any(character.isspace() for character in bare):
        return "There is white space inside the key. Paste the key alone, on one line."
    if not bare.isascii():
        return "The key holds a character that keys do not have (not ASCII). Copy it again."
    if not bare.isprintable():
        return "The key holds a control character. Copy it again."
    return None


def key_format(key: "SecretStr") -> KeyFormat:
    """What the key's prefix tells; unknown formats are allowed and tell nothing."""
    secret = key.get_secret_value()
    if found := _EDITION_1.fullmatch(secret):
        return KeyFormat(1, found["region"], "regional", True, base_url_for(found["region"], 1))
    if found := _EDITION_2.fullmatch(secret):
        scope: Literal["regional", "global"] = "global" if found["global"] else "regional"
        return KeyFormat(2, found["region"], scope, found["kind"] == "live", base_url_for(found["region"], 2))
    return KeyFormat(None, None, None, True, None)


def base_url_for(region: str | None, edition: int | None) -> str | None:
    """Relai's base URL for a region and an edition; edition 2 has one without a region. None where there is none."""
    if region is None:
        return NEAREST if edition == 2 else None
    if region not in REGIONS or edition not in (1, 2, None):
        return None
    return f"https://api.{region}.llmrelai.com/v1" if edition == 2 else f"https://{region}.api.llmrelai.com/v1"


def masked(key: "SecretStr") -> CleanLine:
    """The key as it may be shown: its prefix and its last four characters; nothing of a short one."""
    secret = key.get_secret_value()
    found = _EDITION_1.fullmatch(secret) or _EDITION_2.fullmatch(secret)
    prefix = found["prefix"] if found else ""
    if len(secret) - len(prefix) < _SHORTEST_SHOWN:
        return clean_line("")
    return clean_line(f"{prefix}…{secret[-4:]}")


def is_shown_as(secret: str, shown: str | None) -> bool:
    """Return True when a list of keys may show this key so.

    `shown` is its beginning, its end, or both, with dots, an ellipsis, stars or bullets for the rest: `rk-eu-abc`,
    `rk-eu-abc…`, `rk-eu-abc...wxyz`, `****wxyz`. The format's own prefix alone says nothing.
    """
    head, masked_out, tail = _shown_parts(shown)
    if not masked_out and head == secret:
        return bool(secret)
    if not (_identifies(head) or len(tail) >= _SHORTEST_TAIL) or len(head) + len(tail) >= len(secret):
        return False
    return secret.startswith(head) and secret.endswith(tail)


def prefixes_agree(prefix: str | None, shown: str | None) -> bool:
    """Return True when a kept beginning of a key may be that of a key shown so, as far as both go."""
    head, _, _ = _shown_parts(shown)
    kept, _, _ = _shown_parts(prefix)
    common = min(len(head), len(kept))
    return _identifies(head[:common]) and head[:common] == kept[:common]


def _shown_parts(shown: str | None) -> tuple[str, bool, str]:
    """The beginning, whether anything is masked, and the end of a key as it is shown."""
    text = (shown or "").strip()
    mask = _MASK.search(text)
    if mask is None:
        return text.removesuffix("."), False, ""
    tail = text[mask.end() :]
    return text[: mask.start()], True, "" if _MASK.search(tail) else tail


def _identifies(head: str) -> bool:
    """Whether a beginning tells one key from another: it goes beyond what all keys of its kind begin with."""
    if _EDITION_1.fullmatch(head) or _EDITION_2.fullmatch(head):
        return True
    return len(head) >= _SHORTEST_HEAD and not _LOOKS_LIKE_A_KEY.match(head)


def redact(text: str, *keys: "SecretStr | None") -> str:
    """The text with every given key, and everything that looks like a Relai key, replaced."""
    for key in keys:
        secret = key.get_secret_value() if key is not None else ""
        if len(secret) >= _SHORTEST_MASKED:
            text = text.replace(secret, "‹key›")
    return _LOOKS_LIKE_A_KEY.sub(lambda found: f"{found[1]}…", text)
