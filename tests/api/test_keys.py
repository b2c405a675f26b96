import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from relai_tui.api.errors import UnusableKey
from relai_tui.api.keys import KeyFormat, base_url_for, key_format, masked, read_key, redact

EU = "rk-eu-abcdefghijklmnop1234"
GLOBAL_US = "relai_sk_gbl_us_live_ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@pytest.mark.parametrize(
    "pasted",
    [
        EU,
        f"  {EU}\n",
        f"\ufeff{EU}\u200b",
        f'"{EU}"',
        f"Bearer {EU}",
        f"Authorization: Bearer {EU}\r\n",
        f"RELAI_API_KEY={EU}",
        f"export RELAI_API_KEY='{EU}'",
        f"\u201c{EU}\u201d\u2060",
    ],
)
def test_a_key_is_found_in_what_people_paste(pasted: str) -> None:
    assert read_key(pasted).get_secret_value() == EU


@pytest.mark.parametrize(
    "unusable",
    [
        "",
        "  \u200b ",
        "Bearer ",
        "rk-eu-abc def-secret",
        "rk-eu-secret\x1b[0m",
        "rk-eu-se\u0441ret",
        "rk-eu-s\u200becret",
        "x" * 1_001,
    ],
)
def test_what_cannot_be_a_key_is_refused_without_being_repeated(unusable: str) -> None:
    with pytest.raises(UnusableKey) as caught:
        read_key(unusable)
    assert "secret" not in str(caught.value)
    assert "rk-eu" not in str(caught.value)
    assert str(caught.value).endswith(".")


@given(st.text())
def test_reading_any_text_gives_a_sendable_key_or_refuses(text: str) -> None:
    try:
        secret = read_key(text).get_secret_value()
    except UnusableKey:
        return
    assert secret.isascii()
    assert secret.isprintable()
    assert not any(character.isspace() for character in secret)
    assert read_key(secret).get_secret_value() == secret


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (EU, KeyFormat(1, "eu", "regional", True, "https://eu.api.llmrelai.com/v1")),
        ("rk-us-abc", KeyFormat(1, "us", "regional", True, "https://us.api.llmrelai.com/v1")),
        (
            "relai_sk_us_test_ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            KeyFormat(2, "us", "regional", False, "https://api.us.llmrelai.com/v1"),
        ),
        (GLOBAL_US, KeyFormat(2, "us", "global", True, "https://api.us.llmrelai.com/v1")),
        ("sk-proj-abcdef", KeyFormat(None, None, None, True, None)),
        ("rk-mars-abc", KeyFormat(None, None, None, True, None)),
    ],
)
def test_a_key_tells_its_edition_region_scope_and_address(key: str, told: KeyFormat) -> None:
    assert key_format(SecretStr(key)) == told


def test_only_addresses_that_exist_are_named() -> None:
    assert base_url_for(None, 2) == "https://api.llmrelai.com/v1"
    assert base_url_for(None, 1) is None
    assert base_url_for("mars", 1) is None


def test_a_masked_key_shows_its_prefix_and_four_characters() -> None:
    assert masked(SecretStr(EU)) == "rk-eu-…1234"
    assert masked(SecretStr(GLOBAL_US)) == "relai_sk_gbl_us_live_…WXYZ"
    assert masked(SecretStr("sk-1234567890abcd")) == "…abcd"
    assert masked(SecretStr("rk-eu-short")) == ""


def test_a_key_is_masked_wherever_it_turns_up() -> None:
    foreign = SecretStr("sk-proj-foreign-secret")
    text = redact(f"no such key: {EU}, {GLOBAL_US.lower()} nor sk-proj-foreign-secret!", foreign, None)
    assert text == "no such key: rk-eu-…, relai_sk_… nor ‹key›!"
