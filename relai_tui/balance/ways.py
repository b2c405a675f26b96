"""Ways on when the credits do not cover a request: what each is, and what it saves. Pure.

Savings are told only from what is known: tokens by the length of what is sent, money by what answers here did cost.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from relai_tui.balance.estimate import expected_cost
from relai_tui.money import dollars
from relai_tui.text import CleanLine, CleanText, clean_line

SHORT_ANSWER = 256
"""Tokens an answer is cut to, where that is chosen."""
KEPT_TURNS = 4
"""Turns at the end that stay when old ones are left out: the prompt, and what it most likely refers to."""
CHARACTERS_A_TOKEN = 4
"""A rule of thumb, and told as one."""
CHEAP = "cheap"


class WayKind(StrEnum):
    """What is done about it."""

    AGAIN = "again"
    """As it is, once the balance covers it."""
    CHEAPER = "cheaper"
    SHORTER = "shorter"
    FEWER = "fewer"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Way:
    """One way on."""

    kind: WayKind
    words: CleanLine
    saves: CleanLine
    """What it saves, in words; empty where nothing can be said."""
    model: CleanText | None = None
    max_tokens: int | None = None
    leave_out: int = 0
    """Turns at the beginning that are not sent."""


def ways_on(
    *,
    model: CleanText,
    aliases: Sequence[CleanText],
    lengths: Sequence[int],
    costs: Sequence[int],
    cheap_costs: Sequence[int],
) -> tuple[Way, ...]:
    """The ways on for a prompt asked of `model`.

    `lengths` are the characters of each turn sent, oldest first; `costs` what this conversation's answers cost, and
    `cheap_costs` what answers of the cheap alias did, in micro-dollars, oldest first.
    """
    usual, cheap = expected_cost(costs), expected_cost(cheap_costs)
    found = [Way(WayKind.AGAIN, clean_line("Ask again as it is"), clean_line("once the balance covers it"))]
    if CHEAP in aliases and model != CHEAP:
        saves = "Relai picks a cheap model"
        if cheap is not None:
            instead = f" instead of {dollars(usual)}" if usual is not None and usual > cheap else ""
            saves = f"about {dollars(cheap)} an answer here so far{instead}"
        cheap_alias = CleanText(CHEAP)
        found.append(Way(WayKind.CHEAPER, clean_line(f"Ask {CHEAP} instead"), clean_line(saves), model=cheap_alias))
    shorter = clean_line(f"Let the answer have {SHORT_ANSWER} tokens at most")
    found.append(Way(WayKind.SHORTER, shorter, clean_line("less is reserved for the answer"), max_tokens=SHORT_ANSWER))
    if len(lengths) > KEPT_TURNS:
        found.append(_fewer(lengths, usual))
    found.append(
        Way(WayKind.LEAVE, clean_line("Wait for the top-up"), clean_line("this place tells when the balance rises"))
    )
    return tuple(found)


def _fewer(lengths: Sequence[int], usual: int | None) -> Way:
    out = len(lengths) - KEPT_TURNS
    gone, whole = sum(lengths[:out]), max(1, sum(lengths))
    saves = f"about {gone // CHARACTERS_A_TOKEN:,} of {whole // CHARACTERS_A_TOKEN:,} tokens that are sent"
    if usual is not None:
        saves += f"; an answer here cost {dollars(usual)}"
    words = "Leave out the first turn" if out == 1 else f"Leave out the first {out} turns"
    return Way(WayKind.FEWER, clean_line(words), clean_line(saves), leave_out=out)
