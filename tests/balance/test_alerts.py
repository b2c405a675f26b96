"""Warned once when the credits run low, and not again for a balance that dithers."""

from hypothesis import given
from hypothesis import strategies as st

from relai_tui.balance.alerts import Alert, AlertLevel, AlertState, level_of, next_alert
from relai_tui.balance.burn import Forecast, Pace
from relai_tui.spending_records import KeptReading
from relai_tui.spending_rules import AlertLine, AlertRules
from relai_tui.text import clean_line

HOUR = 3_600.0
RULES = AlertRules(low=AlertLine(2_000_000, 24 * HOUR), critical=AlertLine(500_000, 2 * HOUR))
START = 1_800_000_000.0


def lasting(hours: float, micro: int = 9_000_000) -> Forecast:
    return Forecast(Pace.BURNING, micro, START, 1, 24, HOUR, START + hours * HOUR, START + 2 * hours * HOUR)


class Watcher:
    """Sees one reading after the other."""

    def __init__(self) -> None:
        self.state = AlertState()
        self.now = START

    def sees(self, micro: int, forecast: Forecast | None = None, hours: float = 0.1, age: float = 0.0) -> Alert | None:
        self.now += hours * HOUR
        reading = KeptReading(clean_line("work"), None, micro, self.now - age, clean_line("balance"))
        self.state, told = next_alert(self.state, reading, forecast, RULES, self.now)
        return told


def test_each_level_is_told_once_when_it_is_crossed() -> None:
    watcher = Watcher()
    assert watcher.sees(3_000_000) is None
    low = watcher.sees(1_999_999)
    assert low == Alert(AlertLevel.LOW, 1_999_999, None)
    assert low.words == "The credits run low: $1.99 left"
    assert watcher.sees(1_500_000) is None
    critical = watcher.sees(400_000)
    assert critical is not None
    assert critical.level is AlertLevel.CRITICAL
    assert watcher.sees(300_000) is None


def test_a_balance_that_dithers_around_a_floor_warns_once() -> None:
    watcher = Watcher()
    told = [
        watcher.sees(micro) for micro in (1_999_000, 2_005_000, 1_999_000, 2_100_000, 1_990_000, 2_199_000, 1_000_000)
    ]
    assert sum(alert is not None for alert in told) == 1


def test_a_top_up_arms_the_alert_again_and_a_refund_that_changes_nothing_does_not_repeat_it() -> None:
    watcher = Watcher()
    assert watcher.sees(1_900_000) is not None
    assert watcher.sees(1_950_000) is None  # a refund: still low, and told
    assert watcher.sees(9_000_000) is None
    assert watcher.sees(1_900_000) is not None


def test_the_runway_warns_who_burns_fast_long_before_the_floor() -> None:
    watcher = Watcher()
    told = watcher.sees(9_000_000, lasting(5))
    assert told == Alert(AlertLevel.LOW, 9_000_000, 5 * HOUR)
    assert told.words == "The credits run low: $9.00 left, for 5 h or more"
    assert watcher.sees(9_000_000, lasting(25)) is None  # within a tenth: still low
    assert watcher.state.level is AlertLevel.LOW
    assert watcher.sees(9_000_000, lasting(60)) is None
    assert not watcher.state.level > AlertLevel.NONE
    assert watcher.sees(9_000_000, lasting(5)) is None  # within six hours
    assert watcher.sees(9_000_000, lasting(60)) is None
    assert watcher.sees(9_000_000, lasting(5), hours=7) is not None


def test_an_old_reading_warns_of_nothing() -> None:
    watcher = Watcher()
    assert watcher.sees(1, age=1_000) is None
    assert watcher.state == AlertState()


def test_what_is_not_known_has_no_level() -> None:
    assert level_of(None, lasting(1), RULES) is AlertLevel.NONE
    assert level_of(0, None, RULES) is AlertLevel.CRITICAL
    assert level_of(5_000_000, None, AlertRules(low=AlertLine(), critical=AlertLine())) is AlertLevel.NONE


@given(st.lists(st.integers(0, 10_000_000), max_size=40))
def test_between_two_warnings_of_a_level_there_is_a_top_up(balances: list[int]) -> None:
    watcher, since = Watcher(), dict[AlertLevel, int]()
    lowest = None
    for micro in balances:
        told = watcher.sees(micro, hours=0.01)
        if lowest is not None and micro - lowest >= 10_000:
            since.clear()
            lowest = micro
        lowest = micro if lowest is None else min(lowest, micro)
        if told is not None:
            assert told.level not in since
            assert level_of(micro, None, RULES) is told.level
            since[told.level] = micro
