"""Limits of the user's own: what is spent against what may be."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relai_tui.balance.limits import Breach, Scope, Spent, check, day_start, month_start
from relai_tui.spending_rules import Cap, SpendingLimits

AMOUNTS = st.integers(0, 10**9)
CAPS = st.builds(
    lambda soft, more: Cap(soft, None if soft is None or more is None else soft + more),
    st.none() | AMOUNTS,
    st.none() | AMOUNTS,
)
LIMITS = st.builds(SpendingLimits, CAPS, CAPS, CAPS)
SPENT = st.builds(Spent, AMOUNTS, AMOUNTS, AMOUNTS)


def test_without_limits_nothing_is_in_the_way() -> None:
    assert check(SpendingLimits(), Spent(10**9, 10**9, 10**9), 10**9) == ()


def test_a_soft_limit_is_said_when_it_is_reached_and_not_before() -> None:
    limits = SpendingLimits(day=Cap(soft=2_000_000, hard=5_000_000))
    assert check(limits, Spent(day=1_999_999), 400_000) == ()
    (breach,) = check(limits, Spent(day=2_000_000), 400_000)
    assert breach == Breach(Scope.DAY, False, 2_000_000, 400_000, 2_000_000)
    assert breach.words == "$2.00 of $2.00 spent today"


def test_a_hard_limit_stands_in_the_way_of_an_answer_that_would_pass_it() -> None:
    limits = SpendingLimits(conversation=Cap(hard=1_000_000))
    assert check(limits, Spent(conversation=970_000), 30_000) == ()
    (breach,) = check(limits, Spent(conversation=970_000), 40_000)
    assert breach.hard
    assert breach.words == ("$0.97 of $1.00 spent in this conversation; the next answer will probably cost $0.04")
    assert check(limits, Spent(conversation=970_000), None) == ()  # nothing is known of it, and there is room
    assert check(limits, Spent(conversation=1_000_000), None)[0].hard


def test_hard_limits_come_first() -> None:
    limits = SpendingLimits(conversation=Cap(soft=0), day=Cap(soft=0, hard=10), month=Cap(hard=0))
    assert [(b.scope, b.hard) for b in check(limits, Spent(), 20)] == [
        (Scope.DAY, True),
        (Scope.MONTH, True),
        (Scope.CONVERSATION, False),
    ]


@given(LIMITS, SPENT, st.none() | AMOUNTS)
def test_no_hard_limit_is_ever_passed_unasked(limits: SpendingLimits, spent: Spent, expected: int | None) -> None:
    asked = {breach.scope for breach in check(limits, spent, expected) if breach.hard}
    for scope in Scope:
        hard = getattr(limits, scope.value).hard
        passes = hard is not None and (spent.of(scope) >= hard or spent.of(scope) + (expected or 0) > hard)
        assert passes == (scope in asked)


@pytest.mark.parametrize(
    ("zone", "now", "day", "month"),
    [
        (UTC, "2026-11-25T13:00:00+00:00", "2026-11-25T00:00:00+00:00", "2026-11-01T00:00:00+00:00"),
        (ZoneInfo("Asia/Tokyo"), "2026-11-30T16:00:00+00:00", "2026-11-30T15:00:00+00:00", "2026-11-30T15:00:00+00:00"),
        # The day the clocks go back has 25 hours, and the month began in summer time.
        (
            ZoneInfo("Europe/Berlin"),
            "2026-10-25T20:00:00+00:00",
            "2026-10-24T22:00:00+00:00",
            "2026-09-30T22:00:00+00:00",
        ),
    ],
)
def test_days_and_months_are_those_of_the_calendar(zone: ZoneInfo, now: str, day: str, month: str) -> None:
    moment = datetime.fromisoformat(now).timestamp()
    assert day_start(moment, zone) == datetime.fromisoformat(day).timestamp()
    assert month_start(moment, zone) == datetime.fromisoformat(month).timestamp()
