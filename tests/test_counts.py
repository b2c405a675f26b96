"""Counts in words, and that no sentence counts without them."""

import ast
import re
from pathlib import Path

import pytest

from relai_tui.counts import counted

PACKAGE = Path(__file__).parent.parent / "relai_tui"
THINGS = (
    "answers|conversations|events|files|keys|lines|matches|messages|models|profiles|prompts|readings|requests|rows"
    "|turns|tries"
)
FREE = {"balance/ways.py": 1, "ui/chat/prompt_document.py": 1, "commands/doctor.py": 2}
"""At most so many sentences of a file put a number there that is never one, or something else before a verb."""


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 models"), (1, "1 model"), (2, "2 models"), (1_200, "1,200 models")]
)
def test_one_is_singular(number: int, words: str) -> None:
    assert counted(number, "model") == words


def test_a_noun_may_have_a_plural_of_its_own() -> None:
    assert (counted(1, "reply", "replies"), counted(3, "reply", "replies")) == ("1 reply", "3 replies")


def test_no_sentence_puts_a_number_before_a_plural_by_itself() -> None:
    found: dict[str, int] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if "sandbox" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                text = "".join(str(part.value) if isinstance(part, ast.Constant) else "\0" for part in node.values)
                if re.search(rf"\0 (?:{THINGS})\b", text):
                    name = str(path.relative_to(PACKAGE))
                    found[name] = found.get(name, 0) + 1
    assert {name: number for name, number in found.items() if number > FREE.get(name, 0)} == {}
