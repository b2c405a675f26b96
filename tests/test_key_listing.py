"""Which keys are shown and in what order, and what is said of them."""

from datetime import UTC, datetime

import pytest

from relai_tui.api.models import ApiKey, read_value
from relai_tui.keys.guards import (
    NotAllowed,
    demand_for,
    demand_for_several,
    name_trouble,
    name_warning,
    read_rpm,
)
from relai_tui.keys.listing import Chip, Column, Held, KeyRow, Listing, View
from relai_tui.moments import age
from relai_tui.text import clean_line

NOW = 1_800_000_000.0
DAY = 86_400


def key(name: str, used: float | None = None, created: float = 100, number: int = 0, **more: object) -> KeyRow:
    """A key used and created so many days ago."""

    def days_ago(days: float | None) -> str | None:
        return None if days is None else datetime.fromtimestamp(NOW - days * DAY, UTC).isoformat()

    told = {"id": f"key_{name}_{number}", "name": name, "prefix": "rk-eu-abc", "region": "eu", "rpm_limit": 60}
    told |= {"created_at": days_ago(created), "last_used_at": days_ago(used)} | more
    return KeyRow(read_value(told, ApiKey))


ROWS = (
    key("München", 0.1),
    key("old importer", 95),
    key("spring", 45),
    key("launch", None, created=3),
    key("fresh", None, created=0.1),
    key("gone", 50, revoked=True),
)


def names(view: View) -> list[str]:
    return [row.key.name for row in view.of(ROWS, NOW)]


def test_the_most_recently_used_come_first_and_the_unknown_last() -> None:
    assert names(View()) == ["München", "spring", "gone", "old importer", "fresh", "launch"]
    assert names(View().sorted_by(Column.LAST_USED)) == ["old importer", "gone", "spring", "München", "fresh", "launch"]
    assert names(View().sorted_by(Column.NAME))[0] == "fresh"


def test_each_column_sorts_both_ways() -> None:
    for column in Column:
        once = View().sorted_by(column)
        again = once.sorted_by(column)
        assert once.descending is not again.descending
        assert sorted(names(once)) == sorted(names(again)) == sorted(row.key.name for row in ROWS)


def test_a_filter_finds_without_accents_and_inverts() -> None:
    assert names(View(words="munchen")) == ["München"]
    assert "München" not in names(View(words="!munchen"))
    assert len(names(View(words="!"))) == len(ROWS)
    assert names(View(words="eu old")) == ["old importer"]
    assert names(View(words="[/]")) == []


@pytest.mark.parametrize(
    ("chip", "left"),
    [
        (Chip.UNUSED, {"launch"}),
        (Chip.STALE_30, {"old importer", "spring"}),
        (Chip.STALE_90, {"old importer"}),
        (Chip.SESSION, set()),
        (Chip.REVOKED, {"gone"}),
    ],
)
def test_chips(chip: Chip, left: set[str]) -> None:
    assert set(names(View(chip=chip))) == left


def test_what_is_said_of_a_key() -> None:
    said = {row.key.name: row.state(NOW) for row in ROWS}
    assert said == {
        "München": "in use",
        "old importer": "stale 90 d",
        "spring": "stale 30 d",
        "launch": "unused",
        "fresh": "new",
        "gone": "revoked",
    }


def test_ages() -> None:
    assert [age(NOW - s, NOW) for s in (0, 59, 60, 3_600, 2 * DAY, 90 * DAY, 800 * DAY)] == [
        "just now", "just now", "1 min", "1 h", "2 d", "2 mo", "2 y"
    ]  # fmt: skip
    assert age(None, NOW) == "—"
    assert age(NOW + 5_000, NOW) == "just now"


def test_a_key_that_may_be_in_use_is_revoked_by_its_name_only() -> None:
    assert demand_for(key("spring", 45), NOW).met_by(None)
    demand = demand_for(key("busy", 0.5), NOW)
    assert not demand.met_by(None)
    assert not demand.met_by("Busy")
    assert demand.met_by(" busy ")
    assert demand.met_by("key_busy_0")
    assert "12 h ago" in demand.reasons[0]
    ours = KeyRow(key("ours", 45).key, Held.PROBABLY, (clean_line("work"),))
    demand = demand_for(ours, NOW)
    assert demand.ends_session
    assert "may be using it" in demand.reasons[0]
    assert "“work”" in demand.reasons[1]


@pytest.mark.parametrize("name", ["x\u202ey", "\x1b[31mred", "n" * 10_000, ""])
def test_a_name_that_cannot_be_typed_is_confirmed_by_the_id(name: str) -> None:
    demand = demand_for(key(name, 0.5), NOW)
    assert (demand.typed or "").startswith("key_")
    assert demand.met_by(demand.typed)


def test_several_are_confirmed_with_their_number_and_never_with_ours() -> None:
    assert demand_for_several(ROWS[:5]).typed == "revoke 5"
    with pytest.raises(NotAllowed, match="this session uses"):
        demand_for_several([*ROWS, KeyRow(ROWS[0].key, Held.PROBABLY)])
    with pytest.raises(NotAllowed, match="No key is marked"):
        demand_for_several([])


def test_names_and_limits() -> None:
    assert name_trouble("  ") is not None
    assert "65" in (name_trouble("n" * 65) or "")
    assert name_trouble("a\u200bb") is not None
    assert name_trouble("Ünïcode 🚀") is None
    listing = Listing(ROWS, NOW)
    assert "already" in (name_warning("Spring ", listing) or "")
    assert name_warning("gone", listing) is None
    assert read_rpm(" 1000 ") == 1_000
    for wrong in ("0", "1001", "", "6e1", "-1", "٣", "9" * 5_000):
        assert isinstance(read_rpm(wrong), str)


def test_5000_keys_are_filtered_and_sorted_in_no_time() -> None:
    import time

    rows = tuple(key(f"key {n}", n / 50, number=n) for n in range(5_000))
    start = time.process_time()
    assert len(View(words="key 49").of(rows, NOW)) > 100
    assert time.process_time() - start < 0.25
