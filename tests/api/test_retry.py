import pytest
from hypothesis import given
from hypothesis import strategies as st

from relai_tui.api.errors import (
    BadRequest,
    ConnectionFailed,
    Forbidden,
    InsecureAddress,
    InsufficientBalance,
    Interrupted,
    KeyRefused,
    Misconfigured,
    NotFound,
    NotOffered,
    QuotaExceeded,
    RateLimited,
    RelaiError,
    ServerFault,
    ServerRefused,
    TimedOut,
    UnreadableAnswer,
)
from relai_tui.api.retry import backoff, may_have_happened, retry_after, wait_before_retry, worth_retrying

NOW = 1_800_000_000.0


def test_the_backoff_doubles_to_eight_seconds_less_up_to_a_quarter() -> None:
    assert [backoff(attempt, lambda: 0.0) for attempt in range(1, 8)] == [0.5, 1, 2, 4, 8, 8, 8]
    assert backoff(1, lambda: 1.0) == 0.375
    assert backoff(9, lambda: 0.5) == 7.0


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("12", 12.0),
        (" 0.5 ", 0.5),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 30.0),
        ("Fri, 15 Jan 2027 07:59:00 GMT", None),
        ("0", None),
        ("-3", None),
        ("nan", None),
        ("inf", None),
        ("1e3", None),
        ("soon", None),
        ("9" * 400, None),
        ("Fri, 99 Foo 20277 08:00:30", None),
        ("", None),
    ],
)
def test_what_a_retry_after_header_says(told: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": told}, None, NOW) == seconds


def test_a_date_is_measured_against_the_servers_own_clock() -> None:
    headers = {"retry-after": "Fri, 15 Jan 2027 06:00:20 GMT", "date": "Fri, 15 Jan 2027 06:00:00 GMT"}
    assert retry_after(headers, None, NOW) == 20.0


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({"error": {"retry_after": 7}}, 7.0),
        ({"retry_after": "7.5"}, 7.5),
        ({"error": {"retry_after": True}}, None),
        ({"error": {"retry_after": float("nan")}}, None),
        ({"error": {"retry_after": [1]}}, None),
        ({"error": {"retry_after": -1}}, None),
        ({"error": "text"}, None),
        ([], None),
        (None, None),
    ],
)
def test_what_the_body_says_where_the_header_does_not(body: object, seconds: float | None) -> None:
    assert retry_after({}, body, NOW) == seconds
    assert retry_after({"retry-after": "junk"}, body, NOW) == seconds
    assert retry_after({"retry-after": "3"}, body, NOW) == 3.0


@given(st.text(), st.text())
def test_no_header_raises_or_asks_for_a_wait_that_is_no_wait(told: str, date: str) -> None:
    seconds = retry_after({"retry-after": told, "date": date}, None, NOW)
    assert seconds is None or 0 < seconds < float("inf")


@pytest.mark.parametrize(
    "error",
    [
        BadRequest("x", status=400),
        KeyRefused("x", status=401),
        InsufficientBalance("x"),
        Forbidden("x", status=403),
        NotFound("x", status=404),
        NotOffered("x", status=501),
        BadRequest("x", status=422),
        QuotaExceeded("x", status=429),
        Misconfigured("x"),
        InsecureAddress("x"),
        UnreadableAnswer("x"),
        Interrupted("x"),
    ],
)
def test_what_a_moment_does_not_cure_is_not_tried_again(error: RelaiError) -> None:
    assert not worth_retrying(error, paid=False)


@pytest.mark.parametrize(
    "error",
    [
        ServerRefused("x", status=408),
        ServerRefused("x", status=409),
        RateLimited("x", status=429),
        ServerFault("x", status=500),
        ServerFault("x", status=503),
        ConnectionFailed("x", sent=True),
        TimedOut("x"),
    ],
)
def test_what_a_moment_may_cure_is_tried_twice_more(error: RelaiError) -> None:
    waits = [wait_before_retry(error, attempt, lambda: 0.0, paid=True) for attempt in (1, 2, 3)]
    assert waits == [0.5, 1.0, None]


def test_a_paid_request_the_server_took_in_silence_is_not_repeated() -> None:
    silent = TimedOut("x", sent=True)
    assert worth_retrying(silent, paid=False)
    assert not worth_retrying(silent, paid=True)


@pytest.mark.parametrize(("asked", "waited"), [(1.5, 1.5), (120.0, 120.0), (120.1, None), (86_400.0, None)])
def test_the_servers_wish_is_obeyed_up_to_two_minutes(asked: float, waited: float | None) -> None:
    error = RateLimited("x", status=429)
    error.retry_after = asked
    assert wait_before_retry(error, 1, lambda: 0.0) == waited


def test_a_change_may_have_happened_unless_it_never_left_or_was_refused() -> None:
    assert may_have_happened(ConnectionFailed("x", sent=True))
    assert may_have_happened(ServerFault("x", status=502))
    assert may_have_happened(UnreadableAnswer("x"))
    assert not may_have_happened(ConnectionFailed("x"))
    assert not may_have_happened(RateLimited("x", status=429))
    assert not may_have_happened(KeyRefused("x", status=401))
