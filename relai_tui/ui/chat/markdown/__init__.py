"""Markdown to lines: no widget is known here, and nothing heavy is imported before the first text is drawn."""


def warm() -> None:
    """Import what the first answer needs. Meant for a thread, after the first paint."""
    from relai_tui.ui.chat.markdown.looks import Looks
    from relai_tui.ui.chat.markdown.passage import Painter

    passage = Painter(40, Looks()).parse(
        "e\u0301" + "\u0301" * 20 + " [a](https://a.example)\n```python\ndef f(): ...\n```", {}
    )
    for block in passage.blocks:
        list(passage.draw(block, 40))
