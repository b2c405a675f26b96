"""What the next answer will probably cost, and how many more there are."""

from hypothesis import given
from hypothesis import strategies as st

from relai_tui.balance.estimate import expected_cost, more_like_this

COSTS = st.lists(st.integers(0, 10**9), max_size=60)


def test_the_middle_of_the_last_answers() -> None:
    assert expected_cost([]) is None
    assert expected_cost([4_000]) == 4_000
    assert expected_cost([900_000, 1_000, 3_000]) == 3_000
    assert expected_cost([9_000_000] * 30 + [10] * 20) == 10  # what was long ago does not count


def test_about_so_many_more() -> None:
    assert more_like_this(4_500_000, [4_213, 4_000, 4_500]) == 1_068
    assert more_like_this(-5, [4_000]) == 0
    assert more_like_this(None, [4_000]) is None
    assert more_like_this(4_500_000, []) is None
    assert more_like_this(4_500_000, [0, 0]) is None  # free answers are no measure


@given(st.integers(-(10**9), 10**12), COSTS)
def test_the_balance_pays_for_all_of_them_and_not_for_one_more(balance: int, costs: list[int]) -> None:
    more, cost = more_like_this(balance, costs), expected_cost(costs)
    if more is not None and cost is not None:
        assert more * cost <= max(0, balance) < (more + 1) * cost
