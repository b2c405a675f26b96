"""How fast the credits burn and how long they last: what is said of simple histories, and how often that is right."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relai_tui.balance.burn import Forecast, Pace, StepKind, forecast, forecast_words, found_top_ups, steps, trend
from relai_tui.balance.steps import coarser
from relai_tui.spending_records import KeptReading
from tests.balance.histories import (
    BURSTY,
    DAY,
    EU,
    HOUR,
    PEOPLE,
    SOURCE,
    START,
    STEADY,
    WORK,
    History,
    Person,
)

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC).timestamp()


def reading(micro: int, at: float) -> KeptReading:
    return KeptReading(WORK, EU, micro, at, SOURCE)


def falling(hours: float, per_hour: int, *, opening: int = 50_000_000, every: float = 300) -> list[KeptReading]:
    """A balance that falls evenly until `NOW`."""
    count = int(hours * HOUR / every)
    return [reading(opening - round(per_hour * n * every / HOUR), NOW - (count - n) * every) for n in range(count + 1)]


# -- what is said


def test_nothing_is_told_of_nothing() -> None:
    told = forecast([], NOW)
    assert (told.pace, told.balance_micro, told.earliest) == (Pace.GATHERING, None, None)
    assert forecast_words(told, NOW) == "no reading yet"


def test_the_first_minutes_are_gathered_and_not_guessed_from() -> None:
    told = forecast(falling(0.25, 600_000), NOW)
    assert told.pace is Pace.GATHERING
    assert told.earliest is None
    assert forecast_words(told, NOW, UTC) == "gathering: 15 min of readings so far"


def test_a_balance_that_falls_evenly() -> None:
    told = forecast(falling(72, 600_000), NOW)
    assert told.pace is Pace.BURNING
    assert told.per_hour_micro == pytest.approx(600_000, rel=0.1)
    assert told.per_day_micro == pytest.approx(14_400_000, rel=0.02)
    left = told.balance_micro or 0
    true = NOW + left / 600_000 * HOUR
    assert told.earliest is not None
    assert told.latest is not None
    assert told.earliest <= true <= told.latest
    assert told.latest - NOW < 2.5 * (told.earliest - NOW)
    assert told.runway_seconds == told.earliest - NOW
    assert forecast_words(told, NOW, UTC).endswith("at the pace of the last 3 days")


def test_nothing_spent_is_idle() -> None:
    told = forecast(falling(30, 0), NOW)
    assert (told.pace, told.earliest, told.latest) == (Pace.IDLE, None, None)
    assert forecast_words(told, NOW, UTC) == "idle: nothing was spent in the last 30 h"


def test_who_stopped_a_week_ago_is_idle_again() -> None:
    busy = [reading(r.micro, r.as_of - 8 * DAY) for r in falling(72, 600_000)]
    quiet = [reading(busy[-1].micro, NOW - 8 * DAY + n * 3_000) for n in range(1, 230)]
    assert forecast([*busy, *quiet], NOW).pace is Pace.IDLE


def test_a_debt_is_used_up_now() -> None:
    told = forecast(falling(30, 600_000, opening=17_000_000), NOW)
    assert (told.balance_micro or 0) < 0
    assert told.earliest == told.latest == told.as_of
    assert forecast_words(told, NOW, UTC) == "used up"


def test_a_top_up_is_no_negative_pace_and_is_found() -> None:
    plain = falling(60, 600_000)
    topped = [r if n < 400 else reading(r.micro + 20_000_000, r.as_of) for n, r in enumerate(plain)]
    told, usual = forecast(topped, NOW), forecast(plain, NOW)
    assert told.per_day_micro == pytest.approx(usual.per_day_micro, rel=0.02)
    (found,) = found_top_ups(topped)
    assert (found.at, found.delta_micro, found.found) == (plain[400].as_of, 19_950_000, True)


def test_what_was_spent_while_the_program_was_closed_counts() -> None:
    before = [reading(r.micro, r.as_of - 10 * HOUR) for r in falling(40, 600_000)]
    after = falling(0.6, 0, opening=before[-1].micro - 6_000_000)
    told = forecast([*before, *after], NOW)
    assert told.per_day_micro == pytest.approx(600_000 * 24, rel=0.1)


def test_a_clock_that_ran_ahead_says_nothing() -> None:
    readings = [*falling(48, 600_000), reading(1, NOW + 400 * DAY)]
    assert forecast(readings, NOW) == forecast(readings[:-1], NOW)


@pytest.mark.parametrize(
    ("earliest", "latest", "words"),
    [
        (2 * HOUR, 3 * HOUR, "out between 14:00 and 15:00"),
        (30 * HOUR, 40 * HOUR, "out between tomorrow 18:00 and Friday 04:00"),
        (2 * DAY, 4.2 * DAY, "out between Friday 12:00 and Sunday"),
        (9 * DAY, 20 * DAY, "out between 4 December and 15 December"),
        (9 * DAY, 9 * DAY + 60, "out about 4 December"),
        (9 * DAY, None, "out not before 4 December"),
        (50 * DAY, 90 * DAY, "out after 14 January, in more than 60 days at the latest"),
        (70 * DAY, 90 * DAY, "more than 70 days"),
    ],
)
def test_the_range_in_words(earliest: float, latest: float | None, words: str) -> None:
    end = None if latest is None else NOW + latest
    told = Forecast(Pace.BURNING, 5_000_000, NOW, 1, 24, DAY, NOW + earliest, end)
    assert forecast_words(told, NOW, UTC) == f"{words}, at the pace of the last 24 h"


def test_the_arrow_of_the_last_hour() -> None:
    assert trend(falling(3, 600_000), NOW) == -1
    assert trend(falling(3, 0), NOW) == 0
    assert trend([reading(5, NOW - 7_000), reading(9, NOW - 600), reading(40, NOW)], NOW) == 1
    assert trend([], NOW) == 0


def told_by_hour(per_hour: Callable[[datetime], int], days: float) -> Forecast:
    """What is told of a balance that falls so much in each hour, until `NOW`, a Wednesday at noon."""
    micro, readings = 200_000_000, []
    for quarter in range(int(days * 96), 0, -1):
        at = NOW - quarter * 900
        readings.append(reading(micro, at))
        micro -= per_hour(datetime.fromtimestamp(at)) // 4
    return forecast([*readings, reading(micro, NOW)], NOW)


def test_who_spends_at_weekends_only_is_not_idle_on_working_days() -> None:
    told = told_by_hour(lambda at: 1_000_000 if at.weekday() >= 5 and 10 <= at.hour < 20 else 0, 20)
    assert told.pace is Pace.BURNING
    assert told.per_day_micro == pytest.approx(60_000_000 / 20, rel=0.05)
    left = told.balance_micro or 0
    weekends = left / 20_000_000
    assert told.earliest is not None
    assert told.latest is not None
    assert told.earliest - NOW < (weekends + 1) * 7 * DAY
    assert told.latest - NOW > (weekends - 1) * 7 * DAY


def test_the_first_quiet_weekend_is_no_change_of_pace() -> None:
    told = told_by_hour(lambda at: 1_000_000 if at.weekday() < 5 and 9 <= at.hour < 17 else 0, 9.5)
    assert told.window == pytest.approx(9.5 * DAY)


@pytest.mark.parametrize("factor", [5, 0.2])
def test_the_window_is_that_since_the_pace_changed(factor: float) -> None:
    change = datetime.fromtimestamp(NOW - 1.5 * DAY)
    told = told_by_hour(lambda at: int(400_000 * (factor if at >= change else 1)), 12)
    assert told.window == pytest.approx(1.5 * DAY, abs=2 * HOUR)
    assert told.per_day_micro == pytest.approx(24 * 400_000 * factor, rel=0.1)
    assert forecast_words(told, NOW, UTC).endswith("at the pace of the last 36 h")


def test_one_busy_hour_is_hardly_a_change_of_pace() -> None:
    busy = datetime.fromtimestamp(NOW - HOUR)
    usual = told_by_hour(lambda at: 400_000 + at.hour % 5 * 50_000, 12)
    told = told_by_hour(lambda at: (400_000 + at.hour % 5 * 50_000) * (3 if at >= busy else 1), 12)
    assert told.latest is not None
    assert usual.latest is not None
    assert told.latest - NOW > 0.9 * (usual.latest - NOW)


# -- what holds of every history

READINGS = st.lists(st.tuples(st.integers(-(10**9), 10**12), st.floats(0, 30 * DAY, allow_nan=False)), max_size=60).map(
    lambda told: [reading(micro, NOW - 30 * DAY + at) for micro, at in sorted(told, key=lambda pair: pair[1])]
)


@given(READINGS)
def test_no_history_yields_a_negative_pace_or_an_end_in_the_past(readings: list[KeptReading]) -> None:
    told = forecast(readings, NOW)
    assert (told.per_hour_micro or 0) >= 0
    assert (told.per_day_micro or 0) >= 0
    assert (told.earliest is not None) == (told.pace is Pace.BURNING)
    if told.earliest is not None and told.as_of is not None:
        assert told.latest is None or told.as_of <= told.earliest <= told.latest
    assert forecast_words(told, NOW, UTC)
    assert forecast(readings, NOW) == told  # futures are drawn, and always the same


@given(READINGS)
def test_steps_part_the_time_and_what_was_spent(readings: list[KeptReading]) -> None:
    found = steps(readings)
    assert len(found) == max(0, len(readings) - 1)
    if readings:
        whole = readings[-1].as_of - readings[0].as_of
        assert sum(step.seconds for step in found) == pytest.approx(whole)
    counted = [step for step in found if step.kind in (StepKind.NORMAL, StepKind.GAP)]
    assert sum(step.spent for step in counted) == sum(step.start.micro - step.end.micro for step in counted)
    assert all(step.spent == 0 for step in found if step not in counted)


@given(READINGS, st.floats(1, 10_000))
def test_coarser_readings_tell_the_same_sums(readings: list[KeptReading], seconds: float) -> None:
    readings = list({each.as_of: each for each in readings}.values())  # a profile has one reading a moment
    few = coarser(readings, seconds)
    assert [few[0], few[-1]] == [readings[0], readings[-1]] if readings else few == []
    rises = [step.end.micro - step.start.micro for step in steps(readings) if step.kind is StepKind.TOP_UP]
    assert [step.end.micro - step.start.micro for step in steps(few) if step.kind is StepKind.TOP_UP] == rises
    assert sum(step.spent for step in steps(few)) == sum(step.spent for step in steps(readings))


# -- how often it is right


def in_the_range(told: Forecast, true: float) -> bool:
    return told.earliest is not None and told.earliest <= true <= (told.latest or true)


def tried(person: Person, seeds: range) -> tuple[float, float]:
    """How often the true end was in the range, and the median of how far its ends are apart, as a ratio."""
    hits, ratios = [], []
    for seed in seeds:
        history, chance = History(person, seed, days=72), random.Random(seed + 99)
        for _ in range(12):
            now = START + chance.uniform(3, 45) * DAY
            micro = history.spent(now, now + chance.uniform(0.3, 25) * DAY)
            true = history.depleted(now, micro)
            if micro < 20_000 or true is None:
                continue
            told = forecast(history.readings(now, micro), now)
            hits.append(in_the_range(told, true))
            if told.earliest is not None and told.latest is not None:
                ratios.append((told.latest - now) / max(1.0, told.earliest - now))
    return sum(hits) / len(hits), median(ratios)


def moved_over(person: Person, seed: int, factor: float, *, at: float, after: float, left: float) -> bool | None:
    """Whether the range holds the true end, so many days after a change of pace; None where nobody could know."""
    history = History(person, seed, days=at + after + left + 1, changes=at, factor=factor)
    now = START + (at + after) * DAY
    micro = history.spent(now, now + left * DAY)
    true = history.depleted(now, micro)
    return None if true is None else in_the_range(forecast(history.readings(now, micro), now), true)


@pytest.mark.parametrize("person", PEOPLE, ids=["steady", "bursty", "office"])
def test_the_true_end_is_in_the_range_and_the_range_is_sharp(
    person: Person, record_property: Callable[[str, object], None]
) -> None:
    hit, ratio = tried(person, range(3))
    record_property(person.name, f"{hit:.3f} in the range, ends apart by {ratio:.2f} in the median")
    assert hit >= 0.93
    assert ratio <= 2.4


@pytest.mark.parametrize("person", PEOPLE, ids=["steady", "bursty", "office"])
@pytest.mark.parametrize("factor", [4.0, 0.25])
def test_a_day_after_a_change_of_pace_the_range_has_moved_over(
    person: Person, factor: float, record_property: Callable[[str, object], None]
) -> None:
    hits = [moved_over(person, seed, factor, at=15.4, after=1, left=5) for seed in range(20)]
    record_property(f"{person.name} x{factor}", f"{hits.count(True)} of {len(hits)}")
    assert None not in hits
    assert sum(map(bool, hits)) / len(hits) >= 0.85


@pytest.mark.parametrize("person", [STEADY, BURSTY], ids=["steady", "bursty"])
def test_whenever_and_however_far_the_pace_changed_the_range_moves_over_and_stays(person: Person) -> None:
    chance, hits = random.Random(3), []
    for seed in range(12):
        at, after, left = chance.uniform(5, 14), chance.choice([1, 2, 3]), chance.uniform(1, 8)
        factor = chance.choice([0.1, 0.5, 2.0, 10.0])
        hits.append(moved_over(person, seed, factor, at=at, after=after, left=left))
    assert sum(map(bool, hits)) / len(hits) >= 0.85


HISTORIES = {
    "even": falling(72, 600_000),
    "a little": falling(2, 600_000),
    "a busy last hour": [*falling(72, 60_000)[:-13], *[
        reading(falling(72, 60_000)[-14].micro - 700_000 * n, NOW - (12 - n) * 300) for n in range(13)
    ]],
    "a quiet last hour": [
        reading(r.micro if r.as_of < NOW - HOUR else falling(72, 600_000)[-13].micro, r.as_of)
        for r in falling(72, 600_000)
    ],
    "hardly anything": falling(200, 900),
    "nearly gone": falling(30, 600_000, opening=18_100_000),
}  # fmt: skip


@pytest.mark.parametrize("name", HISTORIES)
def test_the_pace_that_is_told_gives_the_runway_that_is_told(name: str) -> None:
    told = forecast(HISTORIES[name], NOW)
    assert told.pace is Pace.BURNING
    assert told.balance_micro
    assert told.per_hour_micro
    assert told.earliest is not None
    assert told.latest is not None
    lasts = told.balance_micro / told.per_hour_micro * HOUR
    assert told.earliest - NOW <= lasts <= told.latest - NOW
    rate = told.rate
    assert rate is not None
    micro, unit = rate
    assert micro == told.per_hour_micro * {"an hour": 1, "a day": 24}[unit]
    assert (unit == "a day") is (told.earliest - NOW >= 2 * DAY)
