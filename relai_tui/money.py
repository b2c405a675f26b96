"""Money as words. It is integer micro-dollars everywhere else, and no float ever touches it."""

from relai_tui.text import CleanLine, CleanText, VisibleText


def dollars_left(micro: int) -> CleanLine:
    """A balance: as `dollars`, but from one dollar on cut to the cent: it never shows more than is there."""
    return dollars(micro // 10_000 * 10_000) if micro >= 1_000_000 else dollars(micro)


def dollars(micro: int) -> CleanLine:
    """Micro-dollars as dollars: `$12.34`, and below one dollar two to six decimals, as many as it takes: `$0.0042`.

    From one dollar on it is rounded to the cent, half away from zero. Nothing is `$0.00`; below zero it is `-$1.50`.
    """
    sign, size = ("-" if micro < 0 else ""), abs(micro)
    if size == 0:
        text = "$0.00"
    elif size < 1_000_000:
        decimals = f"{size:06d}"
        text = f"$0.{decimals[:2]}{decimals[2:].rstrip('0')}"
    else:
        whole, cents = divmod((size + 5_000) // 10_000, 100)
        text = f"${whole:,}.{cents:02d}"
    return CleanLine(VisibleText(CleanText(sign + text)))
