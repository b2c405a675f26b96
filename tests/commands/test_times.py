"""Times as they are typed."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relai_tui.commands.times import NoTime, read_moment, told_moment

NOW = datetime(2026, 11, 25, 19, 30, tzinfo=UTC).timestamp()
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("7d", datetime(2026, 11, 18, 19, 30, tzinfo=UTC)),
        ("24h", datetime(2026, 11, 24, 19, 30, tzinfo=UTC)),
        (" 90 min ", datetime(2026, 11, 25, 18, tzinfo=UTC)),
        ("2w", datetime(2026, 11, 11, 19, 30, tzinfo=UTC)),
        ("today", datetime(2026, 11, 25, tzinfo=BERLIN)),
        ("yesterday", datetime(2026, 11, 24, tzinfo=BERLIN)),
        ("Month", datetime(2026, 11, 1, tzinfo=BERLIN)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=BERLIN)),
        ("2026-07-01T14:00", datetime(2026, 7, 1, 14, tzinfo=BERLIN)),
        ("2026-11-01T14:00Z", datetime(2026, 11, 1, 14, tzinfo=UTC)),
        ("2026-11-01T14:00:00+05:00", datetime(2026, 11, 1, 9, tzinfo=UTC)),
        ("999999d", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_what_was_meant(typed: str, meant: datetime) -> None:
    assert read_moment(typed, NOW, BERLIN) == meant.timestamp()


@pytest.mark.parametrize(
    "typed", ["", "soon", "7", "7 days", "-1d", "2026-13-01", "0001-01-01", "9999-12-31T23:59-23:00"]
)
def test_what_is_no_time_says_how_to_write_one(typed: str) -> None:
    with pytest.raises(NoTime, match="7d"):
        read_moment(typed, NOW, BERLIN)


@given(st.integers(0, 4_000_000_000))
def test_what_programs_are_told_is_read_again(seconds: int) -> None:
    told = told_moment(float(seconds))
    assert told is not None
    assert read_moment(told, NOW, BERLIN) == seconds
