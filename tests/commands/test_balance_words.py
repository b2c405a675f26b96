"""The balance in each form: exact, never 0 for unknown, and nothing foreign that acts."""

import json
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relai_tui.balance.burn import Forecast, Pace
from relai_tui.commands.balance_words import FORMATS, as_json, for_people, for_tmux, for_waybar, plain
from relai_tui.spending.standing import Standing, standing
from relai_tui.spending_records import AlertLevel, KeptReading
from relai_tui.spending_rules import AlertRules
from relai_tui.text import clean_line

NOW = 1_790_000_000.0
HOUR, DAY = 3_600.0, 86_400.0


def told(
    micro: int | None,
    *,
    age: float = 0.0,
    runway: tuple[float, float | None] | None = None,
    level: AlertLevel = AlertLevel.NONE,
    profile: str = "work",
) -> Standing:
    name, region = clean_line(profile), clean_line("eu")
    last = None if micro is None else KeptReading(name, region, micro, NOW - age, clean_line("balance"))
    earliest, latest = runway or (None, None)
    forecast = Forecast(
        pace=Pace.BURNING if runway else Pace.GATHERING,
        balance_micro=micro,
        as_of=last.as_of if last else None,
        per_hour_micro=120_000 if runway else None,
        per_day_micro=2_000_000 if runway else None,
        window=DAY,
        earliest=NOW + earliest if earliest is not None else None,
        latest=NOW + latest if latest is not None else None,
    )
    return Standing(name, region, last, forecast, level, NOW)


@pytest.mark.parametrize(
    ("each", "shown"),
    [
        (told(None), "—"),
        (told(0), "$0.00"),
        (told(-1_500_000), "-$1.50"),
        (told(12_349_999), "$12.34"),
        (told(4_200), "$0.0042"),
        (told(5_000_000, age=420), "$5.00"),
        (told(5_000_000, age=601), "$5.00 · ⚠ 10 min"),
        (told(5_000_000, runway=(90 * 60, 5 * HOUR)), "$5.00 · 90 min to 5 h"),
        (told(5_000_000, runway=(2 * DAY, 5 * DAY)), "$5.00 · 2 d to 5 d"),
        (told(5_000_000, runway=(5.1 * DAY, 5.9 * DAY)), "$5.00 · 5 d"),
        (told(5_000_000, runway=(5 * DAY, None)), "$5.00 · ≥ 5 d"),
        (told(5_000_000, runway=(5 * DAY, 90 * DAY)), "$5.00 · 5 d to > 60 d"),
        (told(5_000_000, runway=(70 * DAY, 90 * DAY)), "$5.00 · > 60 d"),
        (told(5_000_000, age=700, runway=(2 * DAY, 5 * DAY)), "$5.00 · ⚠ 11 min"),
    ],
)
def test_the_short_line(each: Standing, shown: str) -> None:
    assert plain(each) == shown


def test_an_unknown_balance_is_null_with_all_that_hangs_on_it() -> None:
    values = json.loads(as_json(told(None), UTC))
    unknown = ("credits_micro", "as_of", "age_seconds", "burn_micro_per_hour", "runway_seconds", "trouble")
    assert [values[name] for name in unknown] == [None] * 6
    assert 0 not in values.values() or values["stale"] is False


def test_the_pair_is_there_together_or_not_at_all() -> None:
    values = json.loads(as_json(told(5_000_000, runway=(2 * HOUR, 5 * HOUR)), UTC))
    assert (values["burn_micro_per_hour"], values["runway_seconds"]) == (120_000, [7_200, 18_000])
    values = json.loads(as_json(told(5_000_000, runway=(2 * HOUR, None)), UTC))
    assert values["runway_seconds"] == [7_200, None]
    old = json.loads(as_json(told(5_000_000, age=700, runway=(2 * HOUR, 5 * HOUR)), UTC))
    assert (old["burn_micro_per_hour"], old["runway_seconds"], old["stale"]) == (None, None, True)


@pytest.mark.parametrize(
    ("each", "kind", "colour"),
    [
        (told(None), "unknown", "colour244"),
        (told(5_000_000, age=700), "stale", "colour244"),
        (told(5_000_000), "ok", "default"),
        (told(5_000_000, level=AlertLevel.LOW), "low", "yellow"),
        (told(5_000_000, level=AlertLevel.CRITICAL), "critical", "red"),
    ],
)
def test_bars_have_a_colour_for_each_state(each: Standing, kind: str, colour: str) -> None:
    assert json.loads(for_waybar(each, UTC))["class"] == kind
    assert for_tmux(each).startswith(f"#[fg={colour}]")


def test_no_name_is_markup_in_a_bar() -> None:
    bar = json.loads(for_waybar(told(5_000_000, profile="<b>#[fg=red]&"), UTC))
    assert "<b>" not in bar["tooltip"]
    assert "&lt;b&gt;#[fg=red]&amp;" in bar["tooltip"]


def test_people_are_told_pace_and_end() -> None:
    lines = for_people(told(5_000_000, runway=(2 * DAY, 5 * DAY)), UTC).splitlines()
    assert lines[0] == "$5.00   work · EU · just now"
    assert lines[1] == "pace    $2.88 a day"
    assert lines[2].startswith("lasts   out between")
    assert for_people(told(5_000_000, age=700), UTC).endswith("⚠ old")


@given(st.lists(st.tuples(st.floats(0, 40 * DAY), st.integers(-(10**13), 10**13)), max_size=30), st.floats(0, 2 * DAY))
def test_whatever_was_read_every_form_is_one_line_and_exact(read: list[tuple[float, int]], since: float) -> None:
    name = clean_line("work")
    readings = [
        KeptReading(name, None, micro, NOW - before, clean_line("balance"))
        for before, micro in sorted(read, reverse=True)
    ]
    each = standing(name, None, readings, AlertRules(), NOW + since)
    for form in (*FORMATS.values(), as_json):
        assert len(form(each).splitlines()) == 1
    values = json.loads(as_json(each, UTC))
    assert values["credits_micro"] == (readings[-1].micro if readings else None)
    assert (values["burn_micro_per_hour"] is None) == (values["runway_seconds"] is None)
    if values["runway_seconds"]:
        earliest, latest = values["runway_seconds"]
        assert earliest >= 0
        assert latest is None or earliest <= latest
    if values["stale"] or not readings:
        assert values["level"] == "none"
