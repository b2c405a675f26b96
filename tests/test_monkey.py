"""Story of a few monkeys at the keyboard; `python -m tests.monkey` runs a hundred."""

import pytest

from tests.monkey import run


@pytest.mark.parametrize("seed", range(4))
async def test_a_monkey_breaks_nothing(seed: int) -> None:
    await run(seed, 40)
