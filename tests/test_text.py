"""Foreign text becomes text and nothing else."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from relai_tui.text import StreamCleaner, clean, clean_line

NASTY = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cs"]),
        st.sampled_from("\x1b\x9b\x07\r\n\t\x7f\x85\u2028\u202e\u2066\u200b\ufeff\U000e0041\ud83d\ude00"),
    ),
    max_size=60,
)


def test_an_escape_sequence_is_shown_and_does_nothing() -> None:
    assert clean("a\x1b]52;c;aGk=\x07b\x9b2J") == "a␛]52;c;aGk=␇b‹9B›2J"


def test_bidi_controls_and_hidden_characters_are_named() -> None:
    assert clean("user\u202etxt.exe") == "user‹202E›txt.exe"
    assert clean("a\u200bb\U000e0041\U000e0042c") == "a‹200B›b‹E0041›‹E0042›c"


def test_a_long_hidden_message_does_not_flood_the_screen() -> None:
    assert len(clean("\U000e0041" * 5_000)) < 50


def test_scripts_and_emoji_that_need_joiners_stay_whole() -> None:
    text = "👩‍💻 می‌خواهم ⚠️ ภาษาไทย e\u0301"
    assert clean(text) == text


def test_every_kind_of_line_end_is_one_newline() -> None:
    assert clean("a\r\nb\rc\x85d\u2028e\u2029f\x0bg\x0ch") == "a\nb\nc\nd\ne\nf\ng\nh"


def test_a_name_is_one_bounded_line() -> None:
    assert clean_line("  many\n\t words \r\n here ") == "many words here"
    assert clean_line("x" * 500, 10) == "xxxxxxxxx…"


def test_half_a_surrogate_pair_cannot_reach_the_disk() -> None:
    assert clean("\ud83d\ude00 \ud83d!") == "😀 �!"


@given(NASTY)
def test_what_is_clean_holds_no_control_no_bidi_and_no_surrogate(text: str) -> None:
    for character in clean(text):
        assert character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs")
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
