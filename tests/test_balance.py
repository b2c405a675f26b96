"""What an answer cost, told from the balance: never negative, never more than is known."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from relai_tui.balance.watch import Reading, Span, fall
from relai_tui.conversation import CostBasis

BEFORE = Reading(4_500_000, 9.0, 9.1)
AFTER = Reading(4_495_800, 21.0, 21.2)
TURN = Span("a", 10.0, 20.0)


def test_the_fall_over_the_one_answer_that_ran_is_its_measured_cost() -> None:
    assert fall(TURN, (), BEFORE, AFTER) == (4_200, CostBasis.MEASURED)


def test_an_answer_that_cost_nothing_is_measured_as_nothing() -> None:
    assert fall(TURN, (), BEFORE, replace(AFTER, micro=4_500_000)) == (0, CostBasis.MEASURED)


def test_two_answers_at_once_share_what_fell() -> None:
    assert fall(TURN, (Span("b", 15.0, None),), BEFORE, AFTER) == (None, CostBasis.SHARED)
    assert fall(TURN, (Span("b", 1.0, 2.0),), BEFORE, AFTER) == (4_200, CostBasis.MEASURED)


def test_a_top_up_in_between_makes_the_cost_unknown() -> None:
    assert fall(TURN, (), BEFORE, replace(AFTER, micro=9_000_000)) == (None, CostBasis.UNKNOWN)


def test_a_reading_from_before_the_answer_ended_says_nothing() -> None:
    assert fall(TURN, (), BEFORE, replace(AFTER, asked_at=19.0)) == (None, CostBasis.UNKNOWN)
    assert fall(TURN, (), None, AFTER) == (None, CostBasis.UNKNOWN)
    assert fall(TURN, (), BEFORE, replace(AFTER, micro=None)) == (None, CostBasis.UNKNOWN)


TIMES = st.floats(0, 100, allow_nan=False)
READINGS = st.one_of(st.none(), st.builds(Reading, st.one_of(st.none(), st.integers(-(10**12), 10**12)), TIMES, TIMES))
SPANS = st.builds(Span, st.just("x"), TIMES, st.one_of(st.none(), TIMES))


@given(SPANS, st.lists(SPANS, max_size=3), READINGS, READINGS)
def test_no_history_yields_a_negative_cost_or_a_figure_without_a_basis(
    span: Span, others: list[Span], before: Reading | None, after: Reading | None
) -> None:
    micro, basis = fall(span, tuple(others), before, after)
    assert (micro is not None) == (basis is CostBasis.MEASURED)
    assert micro is None or micro >= 0
