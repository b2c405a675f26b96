"""The bench: this client beside a bare Textual app, measured from outside, on a terminal and server of its own.

uv run python -m tests.bench            # README.md, "Speed", says what comes out
"""
