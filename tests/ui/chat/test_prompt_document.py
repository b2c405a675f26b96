"""Stories of the prompt as a document: blocks and graphemes are units, and the text comes out as it was meant."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relai_tui.conversation import DraftText
from relai_tui.text import CleanText, clean
from relai_tui.ui.chat.prompt_document import PromptDocument, drawn, inside_unit, unit_after, unit_before
from tests.ui.conftest import account_on, desk, home, sandbox  # noqa: F401 - fixtures

LONG = "\n".join(f"line {number}" for number in range(12))
FAMILY, FLAG, ENGLAND = "👨‍👩‍👧", "🇩🇪", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        (LONG, "[Pasted #1 +12 lines]"),
        (LONG + "\n", "[Pasted #1 +12 lines]"),
        ("x" * 1_200, "[Pasted #1 +1,200 characters]"),
        ("x\n", "[Pasted #1 +2 characters]"),
    ],
)
def test_a_block_shows_how_long_it_is(text: str, label: str) -> None:
    document = PromptDocument()
    assert drawn(document.fold(CleanText(text)))[0] == label


def test_a_block_is_put_in_place_once_whatever_it_holds() -> None:
    document = PromptDocument()
    first = document.fold(CleanText("looks like [Pasted #2 +1 lines]"))
    second = document.fold(clean(f"holds {first}"))
    assert document.plain(f"{first} and {second}") == (f"looks like [Pasted #2 +1 lines] and holds {first}")
    assert document.plain("[Pasted #1 +12 lines]") == "[Pasted #1 +12 lines]"


def test_a_draft_comes_back_with_its_blocks() -> None:
    document = PromptDocument()
    kept = document.draft(f"see {document.fold(CleanText(LONG))}, then {document.fold(CleanText('b' * 900))}!")
    assert kept.text == f"see {LONG}, then {'b' * 900}!"
    assert drawn(PromptDocument().load(kept))[0] == "see [Pasted #1 +12 lines], then [Pasted #2 +900 characters]!"


@pytest.mark.parametrize("spans", [((0, 99),), ((3, 2),), ((-1, 2),), ((0, 2), (1, 3))])
def test_blocks_that_do_not_fit_their_text_lose_no_text(spans: tuple[tuple[int, int], ...]) -> None:
    document = PromptDocument()
    assert document.plain(document.load(DraftText(CleanText("hello"), spans))) == "hello"


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_any_text_comes_out_as_it_went_in(text: str) -> None:
    document = PromptDocument()
    encoded = document.encode(clean(text))
    assert document.plain(encoded) == clean(text)
    assert encoded.splitlines() in ([encoded], [])


@pytest.mark.parametrize("unit", [FAMILY, FLAG, ENGLAND, "e\u0301", "👍🏽", "각", "क्षि", "1️⃣"])
def test_a_grapheme_is_one_unit(unit: str) -> None:
    line = f"a{unit}b"
    end = 1 + len(unit)
    assert (unit_before(line, end), unit_after(line, 1)) == (1, end)
    assert [column for column in range(len(line) + 1) if inside_unit(line, column)] == list(range(2, end))


def test_two_flags_are_two_units() -> None:
    assert unit_before("🇩🇪🇫🇷", 4) == 2
