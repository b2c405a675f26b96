"""What Markdown looks like, and that nothing in it can act."""

import random

import pytest

from relai_tui.text import clean, visible
from relai_tui.ui.chat.copying import copied_text
from relai_tui.ui.chat.markdown.code_blocks import code_blocks, drawn_code
from relai_tui.ui.chat.markdown.growing import GrowingMarkdown
from relai_tui.ui.chat.markdown.inline import may_be_opened
from relai_tui.ui.chat.markdown.literal import LastLines, literal_lines, literal_pieces
from relai_tui.ui.chat.markdown.looks import STYLES, Looks
from relai_tui.ui.chat.markdown.passage import Painter
from relai_tui.ui.chat.markdown.wrap import Line, cells, pack, wrap


class Page:
    """A text, drawn."""

    def __init__(self, text: str, width: int = 60) -> None:
        self.looks = Looks()
        self.painter = Painter(width, self.looks)
        passage = self.painter.parse(text, {})
        self.lines: list[Line] = []
        for index, block in enumerate(passage.blocks):
            self.lines += [[]] * (index > 0)
            self.lines += passage.draw(block, width)

    @property
    def rows(self) -> list[str]:
        return ["".join(text for text, _ in line).rstrip() for line in self.lines]

    def names(self, text: str) -> tuple[str, ...]:
        """The look of the first run that says this."""
        return next(self.looks[look].names for line in self.lines for said, look in line if text in said)

    @property
    def links(self) -> list[str]:
        return [link for line in self.lines for _, look in line if (link := self.looks[look].link)]

    def copied(self) -> str:
        return copied_text(self.looks, ((pack(line), 0, None) for line in self.lines))


def test_emphasis() -> None:
    page = Page("a *slanted* and **strong** and ***both*** and ~~gone~~ `code`")
    assert page.rows == ["a slanted and strong and both and gone code"]
    assert page.names("slanted") == ("text", "em")
    assert page.names("strong") == ("text", "strong")
    assert set(page.names("both")) == {"text", "em", "strong"}
    assert page.names("gone") == ("text", "s")
    assert "code_inline" in page.names("code")


def test_lists_quotes_rules() -> None:
    page = Page("- one\n- two\n  1. deep\n\n> said\n\n---\n\n3) three", 20)
    assert page.rows == ["• one", "• two", "  1. deep", "", "▎ said", "", "─" * 20, "", "3) three"]


def test_a_table_is_as_wide_as_its_content() -> None:
    page = Page("| a | long |\n|:-:|--:|\n| 1 | 日本 |\n| x | y |")
    assert page.rows == [
        "┌────┬──────┐",
        "│ a  │ long │",
        "├────┼──────┤",
        "│ 1  │ 日本 │",
        "│ x  │    y │",
        "└────┴──────┘",
    ]


def test_a_table_too_wide_wraps_its_cells() -> None:
    page = Page("| a | b |\n|---|---|\n| " + "word " * 20 + "| short |", 40)
    assert max(map(len, page.rows)) <= 40
    assert sum("word" in row for row in page.rows) > 2


def test_a_table_of_too_many_columns_is_a_list_of_its_cells() -> None:
    columns = 200
    text = "|" + "|".join(f"h{i}" for i in range(columns)) + "|\n|" + "---|" * columns + "\n|"
    page = Page(text + "|".join(f"c{i}" for i in range(columns)) + "|", 40)
    assert page.rows[1] == "h0: c0"
    assert page.rows[columns] == f"h{columns - 1}: c{columns - 1}"


@pytest.mark.parametrize("target", ["http://a.example", "HTTPS://a.example/x", "mailto:me@a.example"])
def test_links_that_may_be_opened(target: str) -> None:
    page = Page(f"see [here]({target})")
    assert page.rows == [f"see here ({target})"]
    assert page.links == [target if target.startswith("mailto") else target.replace("HTTPS", "HTTPS")]
    assert may_be_opened(page.links[0])


@pytest.mark.parametrize(
    "target",
    ["vscode://x/y", "ssh://host", "smb://host/share", "/etc/passwd", "--help", "../x", "httpx://a", "ftp://a"],
)
def test_all_other_links_are_text_with_their_target(target: str) -> None:
    page = Page(f"see [here]({target})")
    assert page.rows == [f"see here ({target})"]
    assert page.links == []


@pytest.mark.parametrize("target", ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x"])
def test_links_that_the_parser_refuses_are_text(target: str) -> None:
    page = Page(f"see [here]({target})")
    assert target in page.rows[0]
    assert page.links == []


def test_bare_addresses_are_links_only_with_their_scheme() -> None:
    page = Page("https://a.example/x and main.py and example.com and me@a.example")
    assert page.links == ["https://a.example/x"]


def test_images_are_never_fetched_only_told_of() -> None:
    page = Page("![a cat](https://img.example/cat.png) ![](x.png)")
    assert page.rows == ["🖼 a cat (https://img.example/cat.png) 🖼 image (x.png)"]
    assert page.links == []


def test_html_is_text() -> None:
    page = Page("<div>\nblock\n</div>\n\nVec<String> <think>x</think>")
    assert page.rows == ["<div>", "block", "</div>", "", "Vec<String> <think>x</think>"]


def test_entities_cannot_smuggle_what_the_gate_keeps_out() -> None:
    text = (
        "a&#x202e;b &#x1b;[31m &#155;x &#8203;y `&#x202e;` [t&#x202e;](https://a.example/&#x202e;%1b)\n\n![&#x202e;](u)"
    )
    page = Page(text, 100)
    shown = "".join(page.rows)
    assert shown == visible(shown)
    assert "‹202E›" in shown
    assert all(link == clean(link) for link in page.links)


def test_a_language_name_cannot_smuggle_either() -> None:
    page = Page("```a&#x202e;b\nx\n```")
    assert page.rows[0] == clean(page.rows[0])


def test_code_has_its_language_its_colours_and_no_wrapping_of_words() -> None:
    page = Page("```python\ndef f():\n\treturn 'x'\n```", 30)
    assert page.rows == ["▏" + " " * 22 + "python", "▏def f():", "▏    return 'x'"]
    assert "Token.Keyword" in page.names("def")
    assert all(cells(line) == 30 for line in page.lines)
    assert page.copied() == "def f():\n\treturn 'x'"


def test_code_of_an_unknown_language_is_plain() -> None:
    page = Page("```nosuchlanguage\nx = 1\n```")
    assert page.names("x = 1") == ("code",)


def test_an_empty_block_of_code_is_seen() -> None:
    assert Page("```\n```", 10).rows == ["▏"]


def test_a_very_long_line_of_code_is_not_highlighted() -> None:
    page = Page("```python\nx = 1\n" + "y = 1; " * 500 + "\nz = 'end'\n```")
    assert page.names("y = 1") == ("code",)
    assert "Token.Literal.String" in page.names("end")


def test_what_is_too_deep_is_shown_as_its_source() -> None:
    page = Page("> " * 60 + "the end", 200)
    assert "the end" in page.rows[-1]
    assert page.rows[-1].count("▎") == 30
    page = Page(">" * 10_000 + " all of it", 200)
    assert "".join(row.strip("▎ ") for row in page.rows).replace(" ", "").endswith(">allofit")


def test_every_name_of_a_look_has_a_style() -> None:
    page = Page(
        "# a\n## b\n### c\n#### d\n##### e\n###### f\n*x* **y** ~~z~~ `c` [l](https://a) "
        "[m](b) ![i](u)\n\n> q\n\n- l\n\n```py\n1\n```"
    )
    for number in range(4, len(page.looks)):
        assert set(page.looks[number].names) <= set(STYLES)


# -- wrapping


def wrapped(text: str, width: int) -> list[str]:
    return [text[part.start : part.end] for part in wrap(text, width)]


def test_wrapping() -> None:
    assert wrapped("one two three", 7) == ["one two", "three"]
    assert wrapped("abcdefghij", 4) == ["abcd", "efgh", "ij"]
    assert wrapped("a\nb", 9) == ["a", "b"]
    assert wrapped("日本語、です", 6) == ["日本", "語、で", "す"]
    assert wrapped("10\u00a0km far", 6) == ["10\u00a0km", "far"]
    assert wrapped("", 9) == [""]


def test_wrapping_keeps_together_what_is_drawn_as_one() -> None:
    family = "👩‍👩‍👧"
    assert wrapped(family * 4, 4) == [family * 2, family * 2]
    accents = "e\u0301" * 9
    assert wrapped(accents, 4)[0] == "e\u0301" * 4


def test_typed_text_keeps_its_indent_and_empty_lines() -> None:
    rows = ["".join(text for text, _ in line) for line in literal_lines("def f():\n    return 1\n\nend", 40, 0)]
    assert rows == ["def f():", "    return 1", "", "end"]


def test_long_typed_text_loses_nothing() -> None:
    text = "word " * 5_000 + "\n" + "x" * 9_000 + "\n\nend"
    pieces = literal_pieces(text)
    assert len(pieces) > 5
    joined = "".join(("" if inside or not index else "\n") + piece for index, (piece, inside) in enumerate(pieces))
    assert joined == text


def test_the_last_lines_of_growing_text_do_not_jump() -> None:
    source = random.Random(1)
    text = " ".join("x" * source.randint(1, 60) + source.choice(["", "", ",", "\n", "\n\n"]) for _ in range(400))
    whole = ["".join(said for said, _ in line) for line in literal_lines(text, 40, 0)]
    growing, at = LastLines(40, 0, 100), 0
    shown: list[str] = []
    while at < len(text):
        size = source.randint(1, 30)
        growing.feed(text[at : at + size])
        at += size
        shown = ["".join(said for said, _ in line).rstrip() for line in growing.lines(6)]
        assert shown[:-1] == [] or any(shown[:-1] == whole[i : i + len(shown) - 1] for i in range(len(whole)))
    assert [line.rstrip() for line in whole[-6:]] == shown


# -- copying


def test_wrapped_lines_are_copied_as_one() -> None:
    text = "A paragraph that is long enough to be wrapped a few times in a column so narrow.\n\nAnd another one."
    assert Page(text, 20).copied() == text


def test_marks_are_copied_as_they_were_typed() -> None:
    text = "* star that is long enough to be wrapped\n* two\n\n- dash\n\n2) two\n3) three"
    assert Page(text, 20).copied() == text


def test_bars_and_padding_are_not_copied() -> None:
    assert Page("> said by someone who talks long and on", 20).copied() == "said by someone who talks long and on"


def test_a_long_word_is_copied_whole() -> None:
    word = "x" * 100
    assert Page(word, 20).copied() == word


def test_code_is_copied_as_it_is() -> None:
    code = "if x:\n\treturn '" + "long " * 30 + "'   \n\n    # end"
    assert Page(f"```py\n{code}\n```", 30).copied() == code


def test_a_table_is_copied_as_markdown() -> None:
    text = "| a | b |\n|---|---:|\n| 1 | two |"
    assert Page(text).copied() == text


# -- blocks of code


def test_blocks_of_code_are_found_wherever_they_are() -> None:
    text = (
        "```\none\n```\n\n- item\n\n  ```py\n  two\n  ```\n  ```py\n  three\n  ```\n\n"
        "> ```\n> four\n> ```\n\n    five\n"
    )
    painter = Painter(40, Looks())
    blocks = code_blocks(painter, text)
    assert [block.code for block in blocks] == ["one\n", "two\n", "three\n", "four\n", "five\n"]
    growing = GrowingMarkdown(painter)
    growing.feed(text)
    growing.finish()
    nested = next(block for block in growing.blocks if "item" in block.source)
    assert [drawn_code(nested.lines, painter.code.edge, nth) for nth in range(3)] == [(3, 5), (5, 7), None]


# -- line breaks, formulas, footnotes, targets


POEM = "Roses are red,\nviolets are blue,\nlines end here  \nand there\\\nand now."


def test_a_line_end_is_a_line_end() -> None:
    rows = ["Roses are red,", "violets are blue,", "lines end here", "and there", "and now."]
    assert Page(POEM).rows == rows
    assert Page("> " + POEM.replace("\n", "\n> ")).rows == [f"▎ {row}" for row in rows]
    listed = Page("- " + POEM.replace("\n", "\n  ") + "\n- b").rows
    assert listed == [f"• {rows[0]}", *(f"  {row}" for row in rows[1:]), "• b"]


def test_an_address_keeps_its_lines_when_it_is_copied() -> None:
    assert Page("Jane Doe\n12 High Street\nSpringfield", 14).copied() == "Jane Doe\n12 High Street\nSpringfield"


@pytest.mark.parametrize(
    "formula",
    [
        r"\(a_1*b*c_2\)",
        r"\[x^2 = \frac{a}{b} \\ y\]",
        r"$\{x_i * y_i * z\}$",
        r"$$a\,b\;c\!d\:e \| f\%$$",
        r"$x$",
        r"$2x + 3_y*z*$",
        r"set \{a, b\} and \\ and \, and \(open",
        "\\[\na_1 *b* c\n= d\n- e\n+ f \\\\\n\\]",
        "$$\n# a\n- b_1_ *c*\n$$",
        "\\begin{align*}\na &= b*c*d \\\\\n  &= e\n\\end{align*}",
    ],
)
def test_a_formula_is_drawn_as_it_was_written(formula: str) -> None:
    assert Page(formula).rows == [row.rstrip() for row in formula.split("\n")]
    assert Page(formula).copied() == formula
    assert Page(f"- {formula}".replace("\n", "\n  ")).rows[0] == f"• {formula}".split("\n")[0].rstrip()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("costs $5 and $6, *really*", "costs $5 and $6, really"),
        ("$5-$6 *or* 7$", "$5-$6 or 7$"),
        ("US$5 **or** 6$ each", "US$5 or 6$ each"),
        (r"\*not slanted\* and \_this\_ \# \> \` \~ \- \. 1\. \!", "*not slanted* and _this_ # > ` ~ - . 1. !"),
        (r"\$5 and \$6", "$5 and $6"),
        (r"[a\]b](https://a.example)", r"a\]b (https://a.example)"),
        (r"C:\\Users and \\server\share", r"C:\\Users and \\server\share"),
        ("`\\(code\\)` and `$x$`", r"\(code\) and $x$"),
    ],
)
def test_prices_and_escapes_are_what_markdown_says(text: str, shown: str) -> None:
    assert Page(text, 80).rows == [shown]


def test_a_formula_ends_at_a_blank_line_at_the_latest() -> None:
    page = Page("\\[\nx *y* z\n\nnow *slanted*")
    assert page.rows == ["\\[", "x *y* z", "", "now slanted"]
    assert "em" in page.names("slanted")


def test_footnotes_stay_on_the_screen() -> None:
    text = "Said[^1] and[^n].\n\n[^1]: https://a.example/x\n[^n]: A longer *note*.\n\n[^2]: word"
    rows = Page(text).rows
    assert rows == ["Said[^1] and[^n].", "", "[^1]: https://a.example/x", "[^n]: A longer note.", "", "[^2]: word"]
    assert Page("- a[^1]\n\n  [^1]: word\n\n> [^2]: word").rows[-1] == "▎ [^2]: word"


def test_a_definition_still_makes_a_link() -> None:
    page = Page("[one] and [two][2]\n\n[one]: https://a.example\n[2]: https://b.example", 80)
    assert page.rows == ["one (https://a.example) and two (https://b.example)"]


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("[my bank](https://evil.example/login)", "my bank (https://evil.example/login)"),
        ("[https://bank.example](https://evil.example)", "https://bank.example (https://evil.example)"),
        ("<https://a.example/x>", "https://a.example/x"),
        ("[a.example](https://a.example/)", "a.example"),
        ("[*b* `c`](https://a.example)", "b c (https://a.example)"),
        ("[](https://a.example)", "(https://a.example)"),
    ],
)
def test_a_link_shows_where_it_leads(link: str, shown: str) -> None:
    assert Page(link, 90).rows == [shown]


def test_a_long_target_is_bounded_with_its_host_and_end_in_sight() -> None:
    (row,) = Page(f"[x](https://a.example/{'y' * 500}/end.html)", 100).rows
    assert row.startswith("x (https://a.example/yyy")
    assert row.endswith("y/end.html)")
    assert len(row) < 70


def test_hidden_characters_are_copied_as_they_came() -> None:
    for text in ("user\u202etxt", "- a\u200bb\n- \ufeffc", "> \u2066q", "```\ncode\u202e\u200b\n```", "`x\u202ey`"):
        page = Page(text)
        assert not set("".join(page.rows)) & set("\u202e\u200b\ufeff\u2066")
        assert page.copied().strip("`\n") in text


def test_piles_of_combining_characters_are_bounded_in_all_kinds_of_blocks() -> None:
    pile = "a" + "\u0301" * 15_000
    kinds = (
        "{}", "# {}", "- {}", "> {}", "```\n{}\n```", "| {} |\n|---|\n| {} |", "**{}**", "[{}](u)", "`{}`", "![{}](u)",
        "$$\n{}\n$$", "[x](https://a.example/{})",
    )  # fmt: skip
    for kind in kinds:
        text = kind.replace("{}", pile)
        assert max(len(row) for row in Page(text).rows) < 200


def test_a_separator_of_lines_is_marked_in_code_and_ends_the_line_in_prose() -> None:
    assert Page("```\na\u2028b\u2029c\n```").rows == ["▏a‹2028›b‹2029›c"]
    assert Page("a\u2028b").rows == ["a", "b"]
