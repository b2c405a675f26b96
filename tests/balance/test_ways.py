"""Ways on when the credits do not cover a request."""

from relai_tui.balance.ways import CHEAP, KEPT_TURNS, WayKind, ways_on
from relai_tui.text import clean_line

ALIASES = (clean_line("smart"), clean_line(CHEAP))


def kinds(model: str = "smart", lengths: int = 2, *, relai: bool = True) -> list[WayKind]:
    found = ways_on(
        model=clean_line(model), aliases=ALIASES if relai else (), lengths=[40] * lengths, costs=(), cheap_costs=()
    )
    return [way.kind for way in found]


def test_only_what_is_possible_is_offered() -> None:
    assert kinds() == [WayKind.AGAIN, WayKind.CHEAPER, WayKind.SHORTER, WayKind.LEAVE]
    assert WayKind.CHEAPER not in kinds(CHEAP)
    assert WayKind.CHEAPER not in kinds(relai=False)
    assert WayKind.FEWER not in kinds(lengths=KEPT_TURNS)
    assert WayKind.FEWER in kinds(lengths=KEPT_TURNS + 1)


def test_savings_are_told_from_what_was_paid() -> None:
    found = {
        way.kind: way
        for way in ways_on(
            model=clean_line("smart"),
            aliases=ALIASES,
            lengths=[4_000, 4_000, 4_000, 400, 400, 400, 400],
            costs=(4_000, 4_400, 4_200),
            cheap_costs=(300,),
        )
    }
    assert found[WayKind.CHEAPER].saves == "about $0.0003 an answer here so far instead of $0.0042"
    assert found[WayKind.CHEAPER].model == CHEAP
    fewer = found[WayKind.FEWER]
    assert (fewer.leave_out, fewer.words) == (3, "Leave out the first 3 turns")
    assert fewer.saves == "about 3,000 of 3,400 tokens that are sent; an answer here cost $0.0042"
    assert found[WayKind.SHORTER].max_tokens == 256
