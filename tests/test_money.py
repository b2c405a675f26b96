import pytest
from hypothesis import given
from hypothesis import strategies as st

from relai_tui.money import dollars


@pytest.mark.parametrize(
    ("micro", "text"),
    [
        (0, "$0.00"),
        (1, "$0.000001"),
        (4_200, "$0.0042"),
        (4_213, "$0.004213"),
        (4_210, "$0.00421"),
        (500_000, "$0.50"),
        (120_000, "$0.12"),
        (999_999, "$0.999999"),
        (1_000_000, "$1.00"),
        (1_994_999, "$1.99"),
        (1_995_000, "$2.00"),
        (12_340_000, "$12.34"),
        (1_234_567_890_000, "$1,234,567.89"),
        (-4_200, "-$0.0042"),
        (-1_500_000, "-$1.50"),
    ],
)
def test_money_reads_as_a_person_writes_it(micro: int, text: str) -> None:
    assert dollars(micro) == text


@given(st.integers(-999_999, 999_999))
def test_below_a_dollar_no_micro_dollar_is_lost(micro: int) -> None:
    digits = dollars(micro).replace("$", "").replace("-", "")
    whole, decimals = digits.split(".")
    assert int(whole) * 1_000_000 + int(decimals.ljust(6, "0")) == abs(micro)


@given(st.integers(10**6, 10**24))
def test_large_amounts_are_exact_to_the_cent(micro: int) -> None:
    cents = int(dollars(micro).replace("$", "").replace(",", "").replace(".", ""))
    assert abs(cents * 10_000 - micro) <= 5_000
