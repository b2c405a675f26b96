"""The rate of a key: no sliding minute ever holds more than the limit, and polling leaves room for the chat."""

from hypothesis import given
from hypothesis import strategies as st

from relai_tui.balance.governor import MINUTE, RateGovernor


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_the_minute_fills_and_empties_again() -> None:
    clock = Clock()
    governor = RateGovernor(3, clock=clock)
    for _ in range(3):
        assert governor.wait() == 0
        governor.sent()
        clock.now += 10
    assert governor.used() == 3
    assert governor.wait() == 30  # the first one leaves the minute then
    clock.now += 30
    assert (governor.used(), governor.wait()) == (2, 0)


def test_a_server_that_says_wait_is_obeyed_also_without_a_limit() -> None:
    clock = Clock()
    governor = RateGovernor(None, clock=clock)
    governor.hold(7)
    governor.hold(3)
    assert governor.wait() == 7
    assert not governor.may_poll()
    clock.now += 7
    assert governor.wait() == 0
    assert governor.may_poll()


def test_polling_leaves_a_tenth_of_the_minute_to_the_chat() -> None:
    governor = RateGovernor(60, clock=Clock())
    for _ in range(54):
        assert governor.may_poll()
        governor.sent()
    assert not governor.may_poll()
    assert governor.wait() == 0


def test_the_smallest_limit_leaves_its_one_request_to_the_chat() -> None:
    governor = RateGovernor(1, clock=Clock())
    assert not governor.may_poll()
    assert governor.wait() == 0


@given(st.integers(1, 20), st.lists(st.floats(0, 90, allow_nan=False), max_size=80))
def test_who_waits_as_told_never_passes_the_limit_in_any_minute(limit: int, pauses: list[float]) -> None:
    clock = Clock()
    governor = RateGovernor(limit, clock=clock)
    times = []
    for pause in pauses:
        clock.now += pause
        clock.now += governor.wait()
        assert governor.wait() < 1e-6
        governor.sent()
        times.append(clock.now)
    for start in times:
        assert sum(start <= time < start + MINUTE - 1e-6 for time in times) <= limit
