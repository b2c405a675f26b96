import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from relai_tui.api.errors import UnusableKey
from relai_tui.api.keys import (
    KeyFormat,
    base_url_for,
    is_shown_as,
    key_format,
    masked,
    prefixes_agree,
    read_key,
    redact,
)

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


REGIONAL_1 = "rk-eu-abcDEFGHIJKLMNOPQRSTuvwxWXYZ"
REGIONAL_2 = "relai_sk_eu_live_ABCDEFGHIJKLMNOPQRSTUVWXYZ"
GLOBAL_2 = "relai_sk_gbl_us_test_ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FOREIGN = "sk-other-0123456789abcdefWXYZ"
SHOWN_PREFIXES = [(REGIONAL_1, 9), (REGIONAL_2, 18), (GLOBAL_2, 22), (FOREIGN, 12)]
MASKS = ["", "…", "...", "..", ".", "***", "*", "••••", "········", "...…", " … ".strip()]


@pytest.mark.parametrize(("secret", "length"), SHOWN_PREFIXES)
@pytest.mark.parametrize("mask", MASKS)
def test_a_key_is_known_by_every_form_it_is_shown_in(secret: str, length: int, mask: str) -> None:
    longer = (length, length + 1, length + 6)
    for shown in [secret[:count] + mask for count in longer] + [f"  {secret[:length]}{mask} "]:
        assert is_shown_as(secret, shown), shown
        assert prefixes_agree(secret[:length], shown), shown
        assert not is_shown_as(secret[: length - 1] + "#" + secret[length:], shown), shown
        assert not prefixes_agree(secret[: length - 1] + "#", shown), shown


@pytest.mark.parametrize(("secret", "length"), SHOWN_PREFIXES)
@pytest.mark.parametrize("mask", [mask for mask in MASKS if mask not in ("", ".")])
def test_the_last_characters_tell_as_well(secret: str, length: int, mask: str) -> None:
    for count in (0, length):
        shown = f"{secret[:count]}{mask}{secret[-4:]}"
        assert is_shown_as(secret, shown), shown
        assert not is_shown_as(secret[:-1] + "#", shown), shown
    assert not is_shown_as(secret, f"{mask}{secret[-3:]}")


@pytest.mark.parametrize("secret", [REGIONAL_1, REGIONAL_2, GLOBAL_2])
@pytest.mark.parametrize("mask", MASKS)
def test_the_prefix_of_every_key_of_a_kind_tells_nothing(secret: str, mask: str) -> None:
    common = secret[: secret.index("ABC" if "ABC" in secret else "abc")]
    for shown in (common, common[:-1], common[:3], ""):
        assert not is_shown_as(secret, shown + mask), shown
        assert not prefixes_agree(secret, shown + mask), shown


def test_what_is_not_shown_is_nobodys() -> None:
    assert not is_shown_as(REGIONAL_1, None)
    assert not prefixes_agree(None, "rk-eu-abc")
    assert not prefixes_agree("rk-eu-abc", None)
    assert is_shown_as(REGIONAL_1, REGIONAL_1)
    assert not is_shown_as(REGIONAL_1, REGIONAL_1 + "x")
    assert not is_shown_as("rk-eu-abcWXYZ", "rk-eu-abc…cWXYZ"), "the two parts overlap"
