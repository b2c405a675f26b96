"""What the mock server says: Markdown as models write it, and Markdown that is hard to draw while it grows."""

import functools
import random
import re
from collections.abc import Callable

_TOKEN = re.compile(r"\n+|[ ]*[A-Za-z_]{1,7}|[ ]*\d{1,3}|[ ]+|[^\sA-Za-z_\d]{1,3}")

_SECTIONS = (
    "## {n}. Storage layer and *write path*\n\nThe append-only log keeps **every event** in order, so a crash "
    "between `fsync` and the index update costs at most one rescan. See [the notes](https://example.com/n/{n}) "
    "for the measured figures; the tail latency is dominated by group commit, not by the disk itself.\n\n",
    '```python\nclass Ring{n}:\n    """A bounded queue with one writer."""\n\n'
    "    def __init__(self, size: int) -> None:\n"
    "        self.items: list[bytes | None] = [None] * size\n        self.head = self.tail = 0\n\n"
    "    def put(self, item: bytes) -> bool:\n        nxt = (self.head + 1) % len(self.items)\n"
    "        if nxt == self.tail:\n            return False  # full\n        self.items[self.head] = item\n"
    "        self.head = nxt\n        return True\n```\n\n",
    "### Steps for case {n}\n\n1. Read the header and check the magic number.\n2. Map the body:\n"
    "   - small bodies are copied,\n   - large bodies are *borrowed* until the next commit.\n"
    "3. Verify the checksum with `crc32c`, then publish.\n\n> A reader never blocks a writer; it only sees the last "
    "published root.\n\n",
    "| Step {n} | p50 ms | p95 ms | Note |\n| --- | ---: | ---: | --- |\n| parse | 0.41 | 1.20 | cached |\n"
    "| layout | 2.75 | 9.80 | width 120 |\n| paint | 1.10 | 3.35 | partial |\n\n",
    "日本語の段落 {n}：端末では全角文字が二桁を占めるため、折り返し位置の計算に注意が必要です。中文段落：流式输出时，"
    "界面应当保持响应。한국어 문장도 있습니다. 🚀 ✅ 👩‍💻 ⚠️ done\n\n",
    "A closing remark on item {n}: keep the hot loop free of allocation, measure before and after, and write down "
    "the **ratio** rather than the absolute number, because machines differ and ratios travel better than seconds.\n\n",
)


def top_of(nonce: str) -> str:
    """The first word of an answer."""
    return f"ZZTOP{nonce}ZZ"


def end_of(nonce: str) -> str:
    """The last word of an answer."""
    return f"ZZEND{nonce}ZZ"


def markdown_tokens(count: int, nonce: str) -> list[str]:
    """Exactly `count` tokens: headings, lists, tables, code, CJK and prose in turn, the two marks first and last."""
    tokens = [top_of(nonce), " begins", ".", "\n\n"]
    for number in range(count):
        section = _TOKEN.findall(_SECTIONS[number % len(_SECTIONS)].replace("{n}", str(number)))
        if len(tokens) + len(section) > count - 3:
            break
        tokens += section
    tokens += [f" w{index % 10}" for index in range(count - 3 - len(tokens))]
    return [*tokens, ".", "\n\n", end_of(nonce)] if count >= 8 else [end_of(nonce)]


_WORDS = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kernel", "buffer", "index", "commit"]


def _some(words: int, seed: int) -> str:
    chosen = random.Random(seed)
    return " ".join(chosen.choice(_WORDS) for _ in range(words))


def _python(lines: int) -> str:
    return "".join(
        f"def f{i}(x: int) -> str:  # line {i}\n    return 'value %d' % (x + {i})\n" for i in range(lines // 2)
    )


def _javascript(lines: int) -> str:
    return "".join(f"/* long\n comment {i} */ let a{i} = `t${{i}} of\n ${{n}}`;\n" for i in range(lines // 3))


def _rust(lines: int) -> str:
    return "".join(
        f"fn f{i}<T: Into<u64>>(x: T) -> Option<u64> {{ // {i}\n    Some(x.into() ^ 0x{i:x})\n}}\n\n"
        for i in range(lines // 4)
    )


def _fence(language: str, code: str) -> str:
    return f"```{language}\n{code}```\n"


def _nested_list(items: int) -> str:
    return "- top\n" + "".join(f"{'  ' * (1 + i % 6)}- item {i} {_some(6, i)}\n" for i in range(items))


def _table(rows: int) -> str:
    head = "| id | name | text | num |\n|--:|---|---|--:|\n"
    return head + "".join(f"| {i} | {_some(1, i)} | {_some(1 + i % 6, i)} | {i * 7} |\n" for i in range(rows))


def _wide_table(columns: int) -> str:
    row = "|" + "|".join(f" c{i} " for i in range(columns)) + "|\n"
    return row + "|" + "---|" * columns + "\n" + row * 20


def _definitions(lines: int) -> str:
    return "See [name 1].\n\n" + "".join(f"[name {i}]: https://example.com/{i} 'title {i}'\n" for i in range(lines))


def _mixed_definitions(lines: int) -> str:
    return "".join(
        f"See [name {i}] and {_some(8, i)}.\n\n[name {i}]: https://example.com/{i}\n" for i in range(lines // 3)
    )


AWKWARD: dict[str, Callable[[int], str]] = {
    "python-fence": lambda lines: _fence("python", _python(lines)),
    "javascript-fence": lambda lines: _fence("js", _javascript(lines)),
    "rust-fence": lambda lines: _fence("rust", _rust(lines)),
    "open-fence": lambda lines: "```python\n" + _python(lines),
    "nested-list": _nested_list,
    "quoted-list": lambda items: "".join(f"> - item {i} {_some(5, i)}\n" for i in range(items)),
    "table": _table,
    "wide-table": _wide_table,
    "long-line": lambda characters: _some(characters // 5, 1)[:characters],
    "paragraphs": lambda count: "".join(f"Paragraph {i} **has** `some` {_some(12, i)}.\n\n" for i in range(count)),
    "nested-quotes": lambda depth: ">" * depth + " deep\n",
    "link-definitions": _definitions,
    "quoted-definitions": lambda lines: "".join(f"> [name {i}]: https://example.com/{i}\n" for i in range(lines)),
    "mixed-definitions": _mixed_definitions,
    "footnotes": lambda lines: "".join(f"[^{i}]: A note with {_some(6, i)}.\n" for i in range(lines)),
    "combining-marks": lambda marks: "a" + "\u0301" * marks + "\n",
    "marked-letters": lambda letters: ("a" + "\u0301" * 50) * letters + "\n",
    "joined-emoji": lambda parts: "👩" + "\u200d👩" * parts + "\n",
}
"""Documents of a given size, by kind."""

LONGEST_PACED = 10_000
"""Tokens a document may come in: at 500 a second, 20 s. Longer documents come in longer tokens."""


@functools.lru_cache(maxsize=32)
def tokens_of(kind: str, size: int, nonce: str = "") -> tuple[str, ...]:
    """What an answer comes in; `kind` is `md` or one of `AWKWARD`."""
    if kind == "md":
        return tuple(markdown_tokens(size, nonce))
    text = AWKWARD[kind](size)
    step = max(4, -(-len(text) // LONGEST_PACED))
    return (*(text[at : at + step] for at in range(0, len(text), step)), "\n\n", end_of(nonce))
