"""Foreign text becomes text and nothing else; as data it is kept, drawn it is seen."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import split_graphemes

from relai_tui.text import (
    MARKS_LIMIT,
    CleanText,
    StreamCleaner,
    VisibleStream,
    clean,
    clean_input,
    clean_line,
    clean_name,
    visible,
    visible_parts,
)

NASTY = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cs"]),
        st.sampled_from("\x1b\x9b\x07\r\n\t\x7f\x85\u2028\u202e\u2066\u200b\ufeff\U000e0041\ud83d\ude00"),
        st.sampled_from(
            "a1中م\u200c\u200d\ufe0f\ufe01\U000e0101👩💻👍\U0001f3fd🏴\U000e0067\U000e0062\U000e007f\u0301\u1161क\u094d"
        ),
    ),
    max_size=60,
)
HIDDEN = "\u202e\u2066\u200b\u200e\u200f\u061c\u2060\u2063\u180e\u00ad\u3164\ufeff\ufff9\U000e0041\U000e0001"
ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


# -- data


def test_an_escape_sequence_is_shown_and_does_nothing() -> None:
    assert clean("a\x1b]52;c;aGk=\x07b\x9b2J") == "a␛]52;c;aGk=␇b‹9B›2J"


@pytest.mark.parametrize("hidden", [*HIDDEN, "\u2028", "\u2029", "\u200c", "\u200d", "\ufe01", "\U000e0101"])
def test_what_is_only_invisible_is_data(hidden: str) -> None:
    text = f"{hidden}one{hidden}{hidden}two{hidden}"
    assert clean(text) == text
    assert clean_name(text) == text


def test_every_kind_of_line_end_is_one_newline() -> None:
    assert clean("a\r\nb\rc\x85d\x0be\x0cf") == "a\nb\nc\nd\ne\nf"


def test_half_a_surrogate_pair_cannot_reach_the_disk() -> None:
    assert clean("\ud83d\ude00 \ud83d!") == "😀 �!"


def test_a_name_keeps_its_spaces_and_stands_on_one_line() -> None:
    assert clean_name(" two  spaces\u200f ") == " two  spaces\u200f "
    assert clean_name("a\r\nb\tc\x1b") == "a b c␛"
    assert len(clean_name("x" * 5_000)) == 300


def test_input_loses_its_byte_order_mark_and_nothing_else() -> None:
    assert clean_input("\ufeffHello\ufeff!") == "Hello\ufeff!"
    assert clean_input("\ufeff") == ""


# -- drawn


def test_bidi_controls_and_hidden_characters_are_named() -> None:
    assert visible("user\u202etxt.exe") == "user‹202E›txt.exe"
    assert visible("a\u200bb\U000e0041\U000e0042c") == "a‹200B›b‹E0041›‹E0042›c"
    assert visible("pass\u200dword\u200c") == "pass‹200D›word‹200C›"


@pytest.mark.parametrize("hidden", list(HIDDEN))
def test_no_hidden_character_is_drawn(hidden: str) -> None:
    assert visible(f"a{hidden}b") == f"a‹{ord(hidden):04X}›b"


def test_separators_of_lines_and_paragraphs_are_drawn_as_line_ends() -> None:
    assert visible("a\u2028b\u2029c") == "a\nb\nc"


def test_a_long_hidden_message_does_not_flood_the_screen() -> None:
    assert len(visible("\U000e0041" * 5_000)) < 50


@pytest.mark.parametrize(
    "text",
    [
        "👩‍💻 👩🏽‍❤️‍💋‍👨🏿 👨‍👩‍👧‍👦 🏳️‍🌈 ⚠️ 1️⃣ 👍🏽 🇩🇪",
        f"{ENGLAND} 🏴\U000e0075\U000e0073\U000e0074\U000e0078\U000e007f",
        "می‌خواهم نامه‌ای",
        "क्‍ष न्‌त ශ්‍රී",
        "ภาษาไทย e\u0301 Việt",
        "שָׁל֗וֹם",
        "葛\U000e0100 ≨\ufe00",
        "ᄒᆞᆫ 한국어",
    ],
)
def test_scripts_and_emoji_are_drawn_whole(text: str) -> None:
    assert visible(text) == text
    assert clean(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "🏴\U000e0067\U000e0062",  # a flag's tags without their end
        "x\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",  # tags on no flag
        "🏴" + "".join(chr(0xE0000 + ord(letter)) for letter in "ignoreallrules") + "\U000e007f",
        "a\ufe00b\ufe01c\U000e0100",  # selectors on letters carry hidden bytes
        "👍" + "".join(map(chr, range(0xE0100, 0xE0110))),
        "م\u200c\u200c\u200d\u200c",  # joiners in a row
        "👩\u200d",
        "\u200d👩",
    ],
)
def test_what_only_looks_like_an_emoji_is_marked(text: str) -> None:
    assert "‹" in visible(text)
    assert len(visible(text)) < 60


PILES = {
    "one letter": "a" + "\u0301" * 15_000,
    "enclosing": "a" + "\u20dd" * 15_000,
    "mixed": "a" + "\u0301\u0489\u20e3" * 5_000,
    "joiners between": "م" + "\u064e\u200c" * 7_500,
    "selectors between": "a" + "\u0301\ufe0f" * 7_500,
    "Hangul vowels": "\u1100" + "\u1161" * 15_000,
    "Hangul finals": "\u1100\u1161" + "\u11a8\ud7cb" * 7_500,
    "skin tones": "👍" + "\U0001f3fd" * 15_000,
    "joined emoji": "👩" + "\u200d👩" * 7_500,
    "selected emoji": "⚠" + "\ufe0f" * 15_000,
    "Thai": "ก" + "\u0e49" * 15_000,
    "many letters": ("a" + "\u0301" * 50) * 300,
}


@pytest.mark.parametrize("pile", PILES)
def test_combining_characters_are_bounded_on_each_cell(pile: str) -> None:
    text = PILES[pile]
    assert clean(text) == text
    spans, _ = split_graphemes(visible(text))
    assert max(end - start for start, end, _ in spans) <= 1 + 2 * MARKS_LIMIT
    assert visible(visible(text)) == visible(text)


@pytest.mark.parametrize("pile", PILES)
def test_bounding_them_is_linear(pile: str) -> None:
    def cost(times: int) -> float:
        text = CleanText(PILES[pile] * times)
        began = time.process_time()
        visible_parts(text)
        return time.process_time() - began

    visible("a" + "\u0301" * 50)
    assert min(cost(20) for _ in range(3)) < 0.01 + 8 * min(cost(4) for _ in range(3))


def test_a_line_is_bounded_and_drawn_on_one_row() -> None:
    assert clean_line("  many\n\t words \r\n here\u2028now ") == "many words here now"
    assert clean_line("x" * 500, 10) == "xxxxxxxxx…"
    assert clean_line("\u202eevil") == "‹202E›evil"


def test_each_part_says_what_it_stands_for() -> None:
    text = clean("say \u202e\u2066 and a" + "\u0301" * 20)
    parts = visible_parts(text)
    assert ("‹202E›‹2066›", "\u202e\u2066") in parts
    assert "".join(drawn if data is None else data for drawn, data in parts) == text


# -- both, of any text


@given(NASTY)
def test_what_is_clean_holds_no_control_and_no_surrogate(text: str) -> None:
    for character in clean(text):
        assert character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs")


@given(NASTY)
def test_data_keeps_everything_that_does_not_move_a_terminal(text: str) -> None:
    kept = [each for each in clean(text) if unicodedata.category(each) != "Cc"]
    for each in text:
        if unicodedata.category(each) not in ("Cc", "Cs"):
            assert each in kept


@given(NASTY)
def test_what_is_drawn_holds_nothing_that_reorders_or_hides(text: str) -> None:
    for character in visible(text):
        assert character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp")
        assert character not in HIDDEN
        assert unicodedata.bidirectional(character) not in (
            "LRE",
            "RLE",
            "LRO",
            "RLO",
            "PDF",
            "LRI",
            "RLI",
            "FSI",
            "PDI",
        )


@given(NASTY)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert clean_name(clean_name(text, 20), 20) == clean_name(text, 20)
    assert visible(visible(text)) == visible(text)
    assert clean_line(clean_line(text, 20), 20) == clean_line(text, 20)


@given(NASTY, st.integers(1, 40))
def test_a_line_has_no_line_end_and_no_more_than_its_limit(text: str, limit: int) -> None:
    line = clean_line(text, limit)
    assert "\n" not in line
    assert "\t" not in line
    assert len(line) <= limit


@given(NASTY, st.lists(st.integers(0, 60), max_size=8))
def test_pieces_cleaned_as_they_come_join_to_the_whole(text: str, cuts: list[int]) -> None:
    cleaner, at, out = StreamCleaner(), 0, []
    for cut in [*sorted(cuts), len(text)]:
        out.append(cleaner.feed(text[at:cut]))
        at = max(at, cut)
    out.append(cleaner.finish())
    assert "".join(out) == clean(text)


@given(NASTY, st.lists(st.integers(0, 60), max_size=8))
def test_pieces_drawn_as_they_come_join_to_the_whole(text: str, cuts: list[int]) -> None:
    data, stream, at, out = clean(text), VisibleStream(), 0, []
    for cut in [*sorted(cuts), len(data)]:
        out.append(stream.feed(CleanText(data[at:cut])))
        at = max(at, cut)
    out.append(stream.finish())
    assert "".join(out) == visible(data)


def test_letters_are_drawn_as_they_come() -> None:
    stream = VisibleStream()
    for piece in ("Hello", "日本", "Привет", "한국", " — “so”"):
        assert stream.feed(CleanText(piece)) == piece
