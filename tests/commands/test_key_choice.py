"""The key a command means: named by its id, and asked back for anything else."""

import pytest

from relai_tui.api.models import ApiKey
from relai_tui.commands.key_choice import NoSuchKey, given_id, row_of
from relai_tui.keys.listing import KeyRow, Listing

NAMES = {"784c-1111": "Staging", "93ab-2222": "Production", "93ab-3333": "CI", "aaaa-4444": "CI"}


@pytest.fixture
def listing() -> Listing:
    keys = (ApiKey.model_validate({"id": key_id, "name": name}) for key_id, name in NAMES.items())
    revoked = ApiKey.model_validate({"id": "gone-5555", "name": "Old", "revoked": True})
    return Listing((*(KeyRow(key) for key in keys), KeyRow(revoked)), 0.0)


def test_an_id_names_its_key(listing: Listing) -> None:
    assert all(row_of(listing, key_id).key.name == name for key_id, name in NAMES.items())


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("Staging", ["784c-1111 (Staging)"]),
        ("staging", ["784c-1111 (Staging)"]),
        ("Stagin", ["784c-1111 (Staging)"]),
        ("784c", ["784c-1111 (Staging)"]),
        ("784C-1111", ["784c-1111 (Staging)"]),
        ("784c-1112", ["784c-1111 (Staging)"]),
        ("CI", ["93ab-3333 (CI)", "aaaa-4444 (CI)"]),
        ("93ab", ["93ab-2222 (Production)", "93ab-3333 (CI)"]),
    ],
)
def test_anything_else_asks_which_key_is_meant(listing: Listing, given: str, meant: list[str]) -> None:
    with pytest.raises(NoSuchKey) as asked:
        row_of(listing, given)
    assert f"did you mean {' or '.join(meant)}?" in str(asked.value)


@pytest.mark.parametrize("given", ["xyzzy", "Old", "\x1b[31mred"])
def test_what_resembles_no_valid_key_is_told_where_the_ids_are(listing: Listing, given: str) -> None:
    with pytest.raises(NoSuchKey, match="relai-tui keys list") as asked:
        row_of(listing, given)
    assert "\x1b" not in str(asked.value)


@pytest.mark.parametrize("given", [None, "", "  "])
def test_no_id_is_asked_for(given: str | None) -> None:
    with pytest.raises(NoSuchKey, match="which key"):
        given_id(given, "revoke")
