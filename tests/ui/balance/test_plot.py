"""The axes of the plot: round figures and round moments, in any history."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from relai_tui.balance.series import Series
from relai_tui.moments import DAY, HOUR
from relai_tui.ui.balance.plot import runs, scale, time_ticks

MICROS = st.integers(-(10**10), 10**13)


@given(MICROS, MICROS, st.integers(1, 12))
def test_the_axis_holds_all_and_its_ticks_are_round_and_few(one: int, other: int, lines: int) -> None:
    least, most = sorted((one, other))
    low, high, step = scale(least, most, lines)
    assert low <= least <= most <= high
    assert low < high
    assert str(step).rstrip("0") in ("1", "2", "5")
    assert low % step == 0
    assert 1 <= len(range(low, high + 1, step)) <= lines + 3
    if least >= 0:
        assert low >= 0


def test_a_low_balance_looks_low_and_a_small_fall_is_seen() -> None:
    assert scale(1_000_000, 6_000_000, 4)[0] == 0
    low, high, _ = scale(9_900_000, 10_000_000, 4)
    assert low > 9_000_000
    assert high - low > 400_000


@given(st.floats(1.6e9, 1.9e9), st.sampled_from([HOUR, DAY, 7 * DAY, 30 * DAY]), st.integers(2, 12))
def test_moments_are_round_few_and_inside(start: float, span: float, most: int) -> None:
    ticks = time_ticks(start, start + span, most, UTC)
    assert 1 <= len(ticks) <= most + 1
    assert all(start <= at <= start + span for at, _ in ticks)
    if len(ticks) > 1:
        assert all(at % 300 == 0 for at, _ in ticks)


def test_moments_in_words() -> None:
    noon = datetime(2026, 11, 25, 12, 0, tzinfo=UTC).timestamp()
    assert [words for _, words in time_ticks(noon, noon + HOUR, 4, UTC)] == [
        "12:00",
        "12:15",
        "12:30",
        "12:45",
        "13:00",
    ]
    assert [words for _, words in time_ticks(noon, noon + DAY, 4, UTC)] == [
        "12:00",
        "18:00",
        "Thu 26",
        "06:00",
        "12:00",
    ]
    assert [words for _, words in time_ticks(noon, noon + 7 * DAY, 8, UTC)][:2] == ["Thu 26", "Fri 27"]
    assert time_ticks(noon, noon + 30 * DAY, 6, UTC)[0][1] == "30 Nov"


def test_gaps_divide_the_line() -> None:
    series = Series(((1.0, 5), (2.0, 4), (2.5, None), (3.0, 4), (4.0, None)), (), 0.0, 5.0)
    assert list(runs(series)) == [[(1.0, 5), (2.0, 4)], [(3.0, 4)]]
