"""relai-tui: the terminal home of a Relai account."""

__version__ = "0.1.0"
