"""What is plotted: to scale, one point a column, gaps blank, top-ups marked, and quickly."""

import time
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from relai_tui.balance.series import series
from relai_tui.moments import DAY, HOUR
from relai_tui.spending_records import KeptReading
from relai_tui.text import clean_line

NAME, SOURCE = clean_line("main"), clean_line("balance")


def at(when: float, micro: int) -> KeptReading:
    return KeptReading(NAME, None, micro, when, SOURCE)


HISTORIES = st.lists(st.tuples(st.floats(0, 30 * DAY), st.integers(-(10**7), 10**9)), max_size=200).map(
    lambda told: [at(*each) for each in sorted(told)]
)


@given(HISTORIES, st.floats(0, 20 * DAY), st.floats(1, 20 * DAY), st.integers(1, 200))
def test_at_most_one_point_a_column_each_a_reading_in_order(
    readings: list[KeptReading], start: float, length: float, columns: int
) -> None:
    found = series(readings, start, start + length, columns)
    known = [(when, micro) for when, micro in found.points if micro is not None]
    assert len(known) <= columns + 1
    assert set(known) <= {(each.as_of, each.micro) for each in readings}
    assert all(start <= when <= start + length for when, _ in found.points)
    assert [when for when, _ in found.points] == sorted(when for when, _ in found.points)
    inside = [each for each in readings if start <= each.as_of <= start + length]
    assert bool(known) is bool(inside)
    if inside:
        assert known[-1] == (inside[-1].as_of, inside[-1].micro)


@given(HISTORIES)
def test_every_rise_of_a_cent_is_marked(readings: list[KeptReading]) -> None:
    found = series(readings, 0.0, 30 * DAY, 100)
    rises = [(b.as_of, b.micro - a.micro) for a, b in pairwise(readings)]
    assert list(found.top_ups) == [(when, rise) for when, rise in rises if rise >= 10_000]


def test_a_night_without_readings_is_blank_and_a_missed_one_is_not() -> None:
    day = [at(minute * 300.0, 5_000_000 - minute) for minute in range(96)]
    night = [at(8 * HOUR + 10 * HOUR + minute * 300.0, 4_000_000) for minute in range(72)]
    missed = [each for each in (*day, *night) if each.as_of != 1_500.0]
    found = series(missed, 0.0, DAY, 96)
    blanks = [when for when, micro in found.points if micro is None]
    assert len(blanks) == 1
    assert 8 * HOUR < blanks[0] < 18 * HOUR


def test_the_rise_on_the_left_edge_counts_from_what_was_before() -> None:
    found = series([at(0.0, 1_000_000), at(100.0, 6_000_000)], 50.0, 200.0, 10)
    assert found.top_ups == ((100.0, 5_000_000),)
    assert found.points == ((100.0, 6_000_000),)


def test_nothing_to_plot() -> None:
    assert series([], 0.0, 10.0, 10).points == ()
    assert series([at(5.0, 1)], 10.0, 10.0, 10).points == ()
    assert series([at(5.0, 1)], 0.0, 10.0, 0).points == ()


def test_a_month_of_minutes_is_read_through_quickly() -> None:
    readings = [at(minute * 60.0, 10**9 - minute) for minute in range(43_200)]
    begun = time.process_time()
    found = series(readings, 0.0, 30 * DAY, 110)
    assert len(found.points) <= 111
    assert time.process_time() - begun < 0.2
