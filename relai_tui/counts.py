"""Counts in words."""


def counted(number: int, thing: str, things: str | None = None) -> str:
    """Return the number, grouped in thousands, and the noun in singular or plural: `1 model`, `1,200 models`."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"
