import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from relai_tui.api.answers import micro, parse_json
from relai_tui.api.errors import UnreadableAnswer
from relai_tui.api.models import (
    ApiKey,
    Balance,
    LedgerPage,
    Model,
    UsagePage,
    read_created_key,
    read_each,
    read_value,
)

SECRET = "rk-eu-CANARYcanary0123456789"


def balance_of(text: str) -> int | None:
    return read_value(parse_json(text.encode()), Balance).credits_micro


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("4500000", 4_500_000),
        ("4500000.0", 4_500_000),
        ("4.5e6", 4_500_000),
        ('"4500000"', 4_500_000),
        ('" 4500000.00 "', 4_500_000),
        ("-20", -20),
        ("0", 0),
        ("9007199254740993", 9_007_199_254_740_993),
        ("900719925474099.0", 900_719_925_474_099),
    ],
)
def test_money_is_exact_however_it_is_written(written: str, amount: int) -> None:
    assert balance_of(f'{{"credits_micro": {written}, "credits_dollars": 99.99}}') == amount


@pytest.mark.parametrize(
    "written",
    [
        "null",
        "NaN",
        "Infinity",
        "1e400",
        "1e999999999999999999999",
        "0.5",
        '"0.5"',
        '"junk"',
        '""',
        "true",
        "[]",
        "{}",
        '"1_000"',
        "9" * 5_000,
    ],
)
def test_money_that_is_none_is_unknown_and_never_zero(written: str) -> None:
    assert balance_of(f'{{"credits_micro": {written}, "credits_dollars": 4.5}}') is None


def test_missing_money_is_unknown() -> None:
    assert balance_of("{}") is None
    assert balance_of('{"credits_dollars": 4.5}') is None


@given(st.integers(-(10**17), 10**17))
def test_every_amount_comes_through_exactly(amount: int) -> None:
    assert micro(amount) == micro(str(amount)) == amount
    assert balance_of(f'{{"credits_micro": {amount}.0}}') == amount


@pytest.mark.parametrize("told", ["null", "[]", '"x"', "7"])
def test_a_balance_of_another_shape_is_said_to_be_unreadable(told: str) -> None:
    with pytest.raises(UnreadableAnswer):
        balance_of(told)


def test_auto_recharge_is_known_only_where_it_is_said() -> None:
    assert read_value({"auto_recharge": False}, Balance).auto_recharge is False
    assert read_value({"auto_recharge": "yes"}, Balance).auto_recharge is None
    assert read_value({}, Balance).auto_recharge is None


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-05-01T10:00:00Z", datetime(2026, 5, 1, 10, tzinfo=UTC)),
        ("2026-05-01T12:00:00+02:00", datetime(2026, 5, 1, 10, tzinfo=UTC)),
        ("2026-05-01T10:00:00", datetime(2026, 5, 1, 10, tzinfo=UTC)),
        (1_777_629_600, datetime(2026, 5, 1, 10, tzinfo=UTC)),
        (1_777_629_600_000, datetime(2026, 5, 1, 10, tzinfo=UTC)),
        ("1777629600", datetime(2026, 5, 1, 10, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
        (True, None),
        (10**30, None),
        (float("nan"), None),
        ({}, None),
        (None, None),
    ],
)
def test_times_are_read_as_they_come_and_junk_is_unknown(written: object, moment: datetime | None) -> None:
    assert ApiKey.model_validate({"id": "k", "created_at": written}).created_at == moment


def test_only_the_id_of_a_key_is_needed() -> None:
    junk = {name: {"junk": 1} for name in ApiKey.model_fields if name != "id"}
    assert ApiKey.model_validate({"id": 7} | junk) == ApiKey.model_validate({"id": "7"})
    entries = [{"name": "no id"}, {"id": ""}, {"id": None}, "junk", {"id": "k1", "new_field": 1}]
    assert [key.id for key in read_each(entries, ApiKey)] == ["k1"]


def test_strings_are_clean_data_of_one_line() -> None:
    key = ApiKey.model_validate({"id": "k\x1b", "name": "a\nb\x1b]52;c;x\x07\u202e" + "x" * 400, "prefix": SECRET * 2})
    assert key.id == "k␛"
    assert key.name.startswith("a b␛]52;c;x␇\u202e")
    assert len(key.name) == 300
    assert SECRET not in (key.prefix or "")
    assert Model.model_validate({"id": "m", "owned_by": "\x9b2J"}).owned_by == "‹9B›2J"


def test_values_cannot_be_changed_and_errors_do_not_show_what_was_read() -> None:
    key = ApiKey.model_validate({"id": "k"})
    field = "name"
    with pytest.raises(ValidationError):
        setattr(key, field, key.id)
    with pytest.raises(ValidationError) as caught:
        ApiKey.model_validate({"id": {"secret": SECRET}})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        {"id": "k1", "name": "n", "key": SECRET, "prefix": "rk-eu-CAN"},
        {"id": "k1", "secret": SECRET},
        {"id": "k1", "api_key": SECRET, "key": "rk-eu-CAN", "prefix": "rk-eu-CAN"},
        {"key": {"id": "k1", "name": "n", "value": SECRET}},
        {"data": {"key": {"id": "k1"}, "token": SECRET}},
        [{"id": "k1", "token": SECRET}],
    ],
)
def test_the_secret_is_found_wherever_a_server_puts_it(answer: object) -> None:
    created = read_created_key(json.dumps(answer).encode())
    assert created.secret is not None
    assert created.secret.get_secret_value() == SECRET
    assert created.key is not None
    assert created.key.id == "k1"
    assert SECRET not in repr(created)


@pytest.mark.parametrize("end", ['", "created_at": ', '", "id": "k1"} trailing', '", "n": ' + "[" * 100_000])
def test_the_secret_survives_an_answer_that_is_broken_after_it(end: str) -> None:
    created = read_created_key(f'{{"key": "{SECRET}{end}'.encode())
    assert created.secret is not None
    assert created.secret.get_secret_value() == SECRET


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"null",
        b"{}",
        b'{"id":"k1","key":"rk-eu-abc"}',
        '{"key":"rk-eu-abcdefgh…1234"}'.encode(),
        b'{"key":"not a key"}',
        b"<html>",
    ],
)
def test_what_is_no_secret_is_not_taken_for_one(answer: bytes) -> None:
    assert read_created_key(answer).secret is None


def test_another_servers_secret_is_taken_where_none_of_relai_is() -> None:
    created = read_created_key(b'{"id":"k1","value":"sk-proj-0123456789abcdef"}')
    assert created.secret is not None
    assert created.secret.get_secret_value() == "sk-proj-0123456789abcdef"


@given(st.binary())
def test_no_answer_to_a_creation_raises(answer: bytes) -> None:
    read_created_key(answer)


def test_usage_and_ledger_pages() -> None:
    event = {"request_id": "r", "model": "m", "tokens_in": 3, "cost_micro": 12, "latency_ms": 80.7, "status": 200}
    page = read_value({"total_cost_micro": "12", "events": [event, "junk", {}]}, UsagePage)
    assert page.total_cost_micro == 12
    assert page.events[0].cost_micro == 12
    assert page.events[0].status == "200"
    assert page.total_requests is None
    assert len(page.events) == 2
    ledger = read_value({"entries": [{"id": 1, "delta_micro": -5}], "total": 9}, LedgerPage)
    assert (ledger.entries[0].delta_micro, ledger.total) == (-5, 9)
    assert read_value({"entries": None}, LedgerPage).entries == ()
