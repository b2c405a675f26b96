"""Markdown that is hard to draw while it grows."""

DOCUMENTS: dict[str, str] = {
    "mixed": (
        "# Plan\n\nSome *text* with `code` and **more**.\n\n- a\n- b\n\n```python\ndef f():\n"
        "    return '''x\ny'''\n```\n\n"
        "| a | b |\n|---|--:|\n| 1 | 2 |\n\n> quoted\n> text\n\nThe end.\n"
    )
    * 4,
    "nested": (
        "- a\n  - b\n    - c\n      para in c\n\n      second para\n  - d\n\n- e\n  1. one\n  2. two\n"
        "     - x\n     - y\n\n"
        "     more two\n- f\n"
        + "".join(f"- item {i}\n  - sub {i} with `code`\n    1. deep {i}\n    2. deeper\n" for i in range(12))
        + "\nend\n"
    ),
    "loose": "".join(f"{i}. item number {i} is *here*\n\n   with a paragraph\n\n" for i in range(8, 20))
    + "tail para\n",
    "misnumbered": "".join(f"1. {name}\n" for name in "abcdefghijk"),
    "small table": "before\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n| x `y` | **z** |\n\nafter\n",
    "big table": (
        "| name | value | note |\n|:--|--:|:-:|\n"
        + "".join(f"| row {i} | {i * i} | {'long ' * (i % 40)} |\n" for i in range(60))
        + "\nafter\n"
    ),
    "wide table": "|"
    + "|".join(f"h{i}" for i in range(60))
    + "|\n|"
    + "---|" * 60
    + "\n"
    + ("|" + "|".join(f"c{i}" for i in range(60)) + "|\n") * 4,
    "table after text": "para line\n| a | b |\n|---|---|\n| 1 | 2 |\nnot row? it is\n\nafter\n",
    "table without pipes": "a | b\n--- | ---\n1 | 2\n\n- list\n",
    "open fence": "text\n\n```python\ndef f():\n    '''doc\n    more'''\n    return 1\n\n\nx = 2",
    "fences": (
        "```\nplain\n```\n~~~js\nlet a = `x\ny`; /* c\nd */ f()\n~~~\n````md\n```\ninner\n```\n````\n"
        "   ```py\n   x=1\n"
        "   ```\ntext\n```c\n/* multi\nline */\nint main(){return 0;}\n```\n```js\n/* open\n"
    ),
    "no fences": "```a`b\n\n``` \n\n```\n\n\n```\n```js\n```\n    code\n\ttabbed\n```py\n\tx\t=1\n"
    + "z" * 200
    + "\n```\n```",
    "setext": "Title\n=====\n\nSub\n---\n\npara\nlines\n---\n\n---\n***\ntext\n***bold*** start\nfoo\n#tag\n# real\n",
    "references": (
        "See [one] and [two][2] and [three].\n\n[one]: http://a.example/1\n[2]: http://b.example/2 'title'\n"
        "\nmore [one]\n\n"
        "- [three] in list\n\n[three]: http://c.example\n"
    ),
    "quotes": (
        "> quote\nlazy line\n> more\n>\n> - list\n>   - nested\n>\n> ```py\n> x = 1\n> ```\n\n> second\n"
        ">> deeper\n\nend\n"
    ),
    "long quote": (
        "> intro\n>\n"
        + "".join(f"> {i + 3}. item {i} words here\n>\n" for i in range(12))
        + "> after\nlazy\n\n> > a\n> > b\n>\n> > c\n> >\n> > d\n> > - x\n> > - x\n> > - x\n> > - x\n> >\n"
        "> > - x\n> > - x\nlazy\n\nend"
    ),
    "deep quote": ">" * 300
    + " text kept\n\nend\n"
    + "> " * 40
    + "xx\n"
    + "".join("  " * i + "- l\n" for i in range(50)),
    "code in a list": (
        "1. Do this:\n\n   ```python\n   x = '''a\n   b'''\n"
        + "   y = 1\n" * 1_200
        + "   ```\n\n2. Then\n   - sub\n     ```sh\n     ls\n     ```\n3. c\n4. d\n5. e\n"
    ),
    "inline": (
        "a **b *c* d** `e` ~~f~~ <b>x</b> Vec<String> https://example.com/x?y=1 &amp; \\* "
        '![img](http://i/) [l](http://x "t")  \n'
        "hard break\\\nother\n\n* * *\n\n    indented code\n\n    more code\n\npara\n"
    ),
    "wide characters": (
        "日本語の段落" * 30 + "\n\n- 한국어 문장도 있습니다 👩‍💻 ⚠️ 🚀\n- 中文 mixed with english 中文 e\u0301\n"
        "- עברית وعربي\n\n| 名前 | 値 |\n"
        "|---|---|\n| 日本 | 🚀🚀 |\n"
    ),
    "long paragraph": " ".join(f"word{i} *em{i}*" for i in range(900)) + "\n\nnext\n",
    "long word": "x" * 9000 + " end\n\nnext\n",
    "lists only": "- a\n- b\n- c\n- d\n- e\n* other\n* list\n\n1) x\n2) y\n- z",
    "html": "<div>\nblock\n</div>\n\n<think>hm</think>\n\ntext\n",
    "headings": "# A\n## B\n### C\ntext\n#### D\n- l\n##### E\n> q\n###### F\n```\nc\n```\n",
    "nothing": "",
    "newlines": "\n\n\n",
}
