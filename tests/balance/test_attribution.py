"""What an answer cost, told from the balance: never negative, never more than is known."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from relai_tui.balance.attribution import Reading, Span, Unexplained, fall, match_usage, unexplained
from relai_tui.conversation import CostBasis
from relai_tui.spending_records import KeptReading, SpentTurn, UsageRecord
from relai_tui.text import clean_line

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


# -- the server's events

AT = 1_800_000_000.0


def turn(
    name: str, at: float = 0.0, *, out: int = 10, model: str | None = "sonnet", cost: int | None = 400
) -> SpentTurn:
    return SpentTurn(
        turn_id=name,
        conversation_id="c",
        conversation=None,
        profile=clean_line("work"),
        model=clean_line(model) if model else None,
        key_id=None,
        at=AT + at,
        seconds=5.0,
        tokens_in=100,
        tokens_out=out,
        cost_micro=cost,
        basis=CostBasis.UNKNOWN if cost is None else CostBasis.MEASURED,
    )


def event(name: str, at: float = 4.0, *, out: int = 10, model: str = "sonnet") -> UsageRecord:
    return UsageRecord(clean_line(name), AT + at, clean_line(model), 100, out, 420, 900, clean_line("200"))


def pairs(turns: list[SpentTurn], events: list[UsageRecord]) -> dict[str, str]:
    return {name: found.request_id for name, found in match_usage(turns, events).items()}


def test_an_answer_finds_its_event_by_model_tokens_and_time() -> None:
    others = [event("other model", model="haiku"), event("other size", out=11), event("long ago", -400)]
    assert pairs([turn("a")], [*others, event("its own")]) == {"a": "its own"}


def test_the_same_prompt_asked_twice_finds_both_events_in_their_order() -> None:
    turns = [turn("a", 0), turn("b", 20)]
    assert pairs(turns, [event("second", 24), event("first", 3)]) == {"a": "first", "b": "second"}


def test_where_it_cannot_be_told_which_is_whose_nothing_is_guessed() -> None:
    assert pairs([turn("a", 0), turn("b", 20)], [event("only one", 10)]) == {}
    assert pairs([turn("a")], [event("one", 2), event("two", 3)]) == {}
    assert pairs([turn("a", model=None)], [event("one")]) == {}


@given(st.lists(st.tuples(st.floats(0, 500), st.integers(1, 3)), max_size=8), st.lists(st.floats(0, 500), max_size=8))
def test_no_event_is_ever_charged_twice(asked: list[tuple[float, int]], told: list[float]) -> None:
    turns = [turn(str(number), at, out=out) for number, (at, out) in enumerate(asked)]
    events = [event(str(number), at, out=number % 3 + 1) for number, at in enumerate(told)]
    matched = match_usage(turns, events)
    assert len({found.request_id for found in matched.values()}) == len(matched)


# -- someone else


def kept(micro: int, at: float) -> KeptReading:
    return KeptReading(clean_line("work"), None, micro, AT + at, clean_line("balance"))


def test_a_fall_while_nothing_ran_here_is_somebody_elses() -> None:
    found = unexplained(kept(5_000_000, 0), kept(4_580_000, 300), [])
    assert found == Unexplained(420_000, AT, AT + 300)


def test_a_fall_that_our_answers_explain_is_nobody_elses() -> None:
    assert unexplained(kept(5_000, 0), kept(4_600, 300), [turn("a", 50)]) is None
    more = unexplained(kept(50_000, 0), kept(40_000, 300), [turn("a", 50), turn("b", 90)])
    assert more is not None
    assert more.micro == 9_200


def test_nobody_is_suspected_while_it_may_have_been_us() -> None:
    before, after = kept(5_000_000, 0), kept(4_000_000, 300)
    assert unexplained(before, after, [turn("a", 50, cost=None)]) is None
    assert unexplained(before, after, [], running=1) is None
    assert unexplained(before, after, [turn("a", -20, cost=None)]) is None  # its charge may have come late
    assert unexplained(before, after, [turn("a", -60, cost=None)]) is not None


def test_a_rise_and_a_trifle_are_nothing() -> None:
    assert unexplained(kept(5_000, 0), kept(9_000, 300), []) is None
    assert unexplained(kept(5_000, 0), kept(4_001, 300), []) is None
