"""Stories of bytes that a terminal sends: whatever the reads, the same text and the same Enters."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual import events
from textual.message import Message

from tests.ui.terminal_input.typing import FOREVER, Line


def heard(*parts: str | float, started: bool = True) -> list[str]:
    """What a line sends, in words: keys by name, a pasted line end with a star, pastes in brackets."""
    return [words for event in events_of(*parts, started=started) if (words := said(event))]


def events_of(*parts: str | float, started: bool = True) -> list[Message]:
    found: list[Message] = []
    line = Line(found.append, started=started).write(*parts, FOREVER)
    if not started:
        line.pipeline.start()
    return found


def said(event: Message) -> str:
    match event:
        case events.Paste(text=text):
            return f"<{text}>"
        case events.Key():
            return (event.character or "?" if event.is_printable else event.key) + "*" * getattr(event, "in_paste", 0)
        case _:
            return type(event).__name__


def plain(text: str) -> list[str]:
    return list(text)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (["hello\r"], [*"hello", "enter"]),
        (["hello", 0.1, "\r"], [*"hello", "enter"]),
        (["hello\r\r"], [*"hello", "enter", "enter"]),
        (["hello\rworld"], [*"hello", "enter", *"world"]),
        (["draft", 2.0, "\rnext"], [*"draft", "enter", *"next"]),
        (["one\rtwo\rthree"], [*"one", "enter*", *"two", "enter*", *"three"]),
        (["one\rtwo\rthree\r"], [*"one", "enter*", *"two", "enter*", *"three", "enter*"]),
        (["one\r\rtwo\r"], [*"one", "enter*", "enter*", *"two", "enter*"]),
        (["one\ntwo\nthree"], [*"one", "ctrl+j*", *"two", "ctrl+j*", *"three"]),
        (["if x:\r\ty"], [*"if x:", "enter*", "tab", "y"]),
        (["a" * 30 + "\r" + "b" * 30], [*"a" * 30, "enter*", *"b" * 30]),
        (["see", 0.1, "one\rtwo"], [*"seeone", "enter*", *"two"]),
    ],
)
def test_an_enter_in_a_burst_is_told_from_a_pressed_one(parts: list[str | float], expected: list[str]) -> None:
    assert heard(*parts) == expected


def test_a_paste_cut_by_a_slow_line_sends_nothing() -> None:
    assert "enter" not in heard("one\rtwo\rthr", 0.2, "ee\r", 0.2, "four\r")


def test_an_enter_pressed_after_a_paste_sends() -> None:
    assert heard("one\rtwo\rthree", 1.0, "\r")[-1] == "enter"
    assert heard("\x1b[200~one\rtwo\x1b[201~", 0.1, "\r") == ["<one\rtwo>", "enter"]


def test_a_long_unmarked_paste_is_one_paste() -> None:
    lines = "\r".join(f"line {number}" for number in range(100))
    assert heard(lines) == [*"line 0", f"<{lines.partition(chr(13))[1]}{lines[7:]}>".replace("\r", "\n")]


def test_a_long_unmarked_paste_in_pieces_stays_together() -> None:
    lines = "\r".join(f"line {number}" for number in range(300))
    pieces = [part for at in range(0, len(lines), 500) for part in (lines[at : at + 500], 0.06)]
    assert heard(*pieces) == [*"line 0", f"<{lines[6:]}>".replace("\r", "\n")]


def test_what_is_typed_after_an_unmarked_paste_follows_it() -> None:
    assert heard("one\rtwo\rthree", 0.2, "x", 0.2, "y", 1.0, "z")[-3:] == ["x", "y", "z"]


@pytest.mark.parametrize(
    ("written", "pasted"),
    [
        ("before\x1bafter\rmore", "before\x1bafter\rmore"),
        ("\x1b[A\x1b[31mred\x1b", "\x1b[A\x1b[31mred\x1b"),
        ("end \x1b[201~rm -rf\r", "end \x1b[201~rm -rf\r"),
        ("", ""),
        ("nul\0", "nul"),
    ],
)
def test_a_marked_paste_is_one_paste_whatever_it_holds(written: str, pasted: str) -> None:
    assert heard(f"a\x1b[200~{written}\x1b[201~", 0.1, "b") == ["a", f"<{pasted}>", "b"]


def test_two_marked_pastes_are_two() -> None:
    assert heard("\x1b[200~a\x1b[201~\x1b[200~b\x1b[201~") == ["<a>", "<b>"]


def test_a_marked_paste_that_never_ends_is_taken_after_a_while() -> None:
    assert heard("\x1b[200~half", 5.0, "x") == ["<half>", "x"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("\x1b\r", ["alt+enter"]),
        ("\x1b\n", ["alt+enter"]),
        ("\x1b[13;3u", ["alt+enter"]),
        ("\x1b[13;2u", ["shift+enter"]),
        ("\x1bx", ["alt+x"]),
        ("\x1bé", ["alt+é"]),
        ("\x1b7", ["alt+7"]),
        ("\x1b\x7f", ["ctrl+w"]),
        ("\x1b", ["escape"]),
        ("\x1b\x1b", ["escape", "escape"]),
        ("\x1b[A\x1bOB", ["up", "down"]),
        ("\x1b[1;3A\x1b\x1b[A", ["alt+up", "alt+up"]),
        ("\x1b[[A\x1bOP", ["f1", "f1"]),
        ("\x1b\x1b[18~", ["escape", "f7"]),
        ("\x1b\x1bOP\x1b\x1b[1;2A", ["escape", "f1", "escape", "shift+up"]),
        ("\x1b\x1b[", ["escape", "alt+left_square_bracket"]),
        ("\x1b[97;;97u\x1b[13u", ["a", "enter"]),
        ("\x1b[999z\x1b[?1;2c\x1b]11;rgb:0/0/0\x07\x1bP1$r0m\x1b\\x", ["x"]),
        ("\x1b]", ["alt+right_square_bracket"]),
        ("\x1b]and more", ["alt+right_square_bracket", *"and more"]),
        ("\x1b[<0;3;4M\x1b[I", ["MouseDown", "AppFocus"]),
        ("日本\u3000語", [*"日本\u3000語"]),
        ("می\u200cخواهم", [*"می\u200cخواهم"]),
        ("e\u0301\u00a0\u00ad", ["e", "\u0301", "\u00a0", "\u00ad"]),
    ],
)
def test_keys(written: str, expected: list[str]) -> None:
    assert heard(written) == expected


def test_a_sequence_that_stalls_after_its_escape_types_nothing() -> None:
    assert heard("\x1b", 0.1, "[A", 0.1, "x") == ["escape", "up", "x"]
    assert heard("\x1b[1", 0.1, ";3A") == ["alt+up"]
    assert heard("\x1b[1;", 2.0, "x") == ["x"]
    assert heard("\x1b[<0;1", 0.6, "5;5M", 0.1, "x") == ["MouseDown", "x"]


def test_what_is_typed_while_the_program_starts_waits_and_sends_nothing() -> None:
    assert heard("hel", 0.1, "lo\r", 0.3, started=False) == plain("hello")
    assert heard("one\rtwo\n", started=False) == [*"one", "enter*", *"two"]
    assert heard("hello\r", 0.1, "\x1b[I", started=False) == [*"hello", "AppFocus"]
    assert heard("\r\r", 0.1, "\x1b[17~", started=False) == ["enter*", "enter*", "f6"]


# -- whatever the cuts

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]), min_size=1, max_size=12)
PIECES = st.one_of(
    TEXT,
    st.sampled_from(["\r", "\r\r", "\n", "\t", "\x7f", "\x1b\r", "\x1bx", "\x1b7", "\x1b[A", "\x1bOP", "\x1b[13;2u"]),
    st.sampled_from(["\x1b[97;;97u", "\x1b[<0;3;4M", "\x1b[<0;3;4m", "\x1b[I", "\x1b[O", "\x1b[M !!", "\x1b]11;x\x07"]),
    TEXT.map(lambda text: f"\x1b[200~{text}\x1b[201~"),
    TEXT.map(lambda text: f"\x1b[200~{text}\x1b\r{text}\x1b[201~"),
    st.sampled_from([0.004, 0.015, 0.03, 0.1, 0.7]),
)


def written_whole(pieces: list[str | float]) -> list[str | float]:
    """The same input in one read between two pauses."""
    whole: list[str | float] = []
    for piece in pieces:
        if isinstance(piece, str) and whole and isinstance(whole[-1], str):
            whole[-1] += piece
        else:
            whole.append(piece)
    return whole


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=14), st.randoms())
def test_reads_may_cut_the_bytes_anywhere(pieces: list[str | float], random: "object") -> None:
    whole = written_whole(pieces)
    cut: list[str | float] = []
    for part in whole:
        if isinstance(part, float):
            cut.append(part)
            continue
        at = 0
        while at < len(part):
            end = at + random.randint(1, 4)  # type: ignore[attr-defined]
            cut.append(part[at:end])
            at = end
    assert heard(*cut) == heard(*whole)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.integers(1, 5))
def test_no_input_breaks_the_pipeline(text: str, size: int) -> None:
    heard(*[text[at : at + size] for at in range(0, len(text), size)])


@settings(max_examples=200, deadline=None)
@given(st.lists(TEXT, min_size=2, max_size=5), st.sampled_from(["\r", "\n"]))
def test_typed_text_arrives_whole(lines: list[str], end: str) -> None:
    found = "".join(each if len(each) == 1 or each.startswith("<") else "\n" for each in heard(end.join(lines)))
    assert found.replace("<", "").replace(">", "") == "\n".join(lines).replace("<", "").replace(">", "")
