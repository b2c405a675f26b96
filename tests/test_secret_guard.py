"""Keys in a text that is about to be sent."""

import random
import string
import time

import pytest

from relai_tui.sandbox.keys import new_secret
from relai_tui.secret_guard import find_secrets, redacted
from relai_tui.text import clean

CHANCE = random.Random(7)


def some(length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    return "".join(CHANCE.choices(alphabet, k=length))


KEYS = [
    *(
        ("Relai API key", new_secret(CHANCE, edition=edition, region=region, scope=scope))
        for edition, region, scope in (
            (1, "eu", "regional"), (1, "us", "regional"), (2, "eu", "regional"), (2, "us", "global"),
        )
    ),
    ("OpenAI API key", f"sk-proj-{some(48)}"),
    ("OpenAI API key", f"sk-{some(48)}"),
    ("Anthropic API key", f"sk-ant-api03-{some(60)}"),
    ("OpenRouter API key", f"sk-or-v1-{some(64, '0123456789abcdef')}"),
    ("GitHub token", f"ghp_{some(36)}"),
    ("GitHub token", f"github_pat_{some(22)}_{some(59)}"),
    ("GitLab token", f"glpat-{some(20)}"),
    ("AWS access key", f"AKIA{some(16, string.ascii_uppercase + string.digits)}"),
    ("Google API key", f"AIza{some(35)}"),
    ("Slack token", f"xoxb-{some(12, string.digits)}-{some(24)}"),
    ("Stripe key", f"sk_live_{some(24)}"),
    ("Hugging Face token", f"hf_{some(34)}"),
    ("npm token", f"npm_{some(36)}"),
    ("PyPI token", f"pypi-AgEIcHlwaS5vcmc{some(120)}"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "key"), KEYS, ids=[f"{n} {kind}" for n, (kind, _) in enumerate(KEYS)])
@pytest.mark.parametrize(
    "around", ["{}", "export X={}\n", '"{}",', "see `{}`.", "Authorization: Bearer {}\r\n", "日本{}語"]
)
def test_a_key_is_found_wherever_it_stands_and_its_hint_does_not_tell_it(kind: str, key: str, around: str) -> None:
    text = clean(around.format(key))
    (found,) = find_secrets(text)
    assert found.kind == kind
    assert text[found.start : found.end] == key
    assert key not in repr(found)
    assert found.is_relai is (kind == "Relai API key")
    assert redacted(text, (found,)) == text.replace(key, f"‹{kind} removed›")


def test_a_private_key_goes_whole() -> None:
    lines = "\n".join(some(64, string.ascii_letters + string.digits + "+/") for _ in range(20))
    text = clean(f"here:\n-----BEGIN OPENSSH PRIVATE KEY-----\n{lines}\n-----END OPENSSH PRIVATE KEY-----\nbye")
    assert lines not in redacted(text, find_secrets(text))


INNOCENT = [
    "rk-eu-… or rk-us-…",
    "RELAI_API_KEY=rk-eu-xxxxxxxxxxxxxxxxxxxx",
    "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "sk-your-api-key-goes-here-and-nowhere-else-please",
    "a desk-lamp-with-a-very-long-hyphenated-description-in-it",
    "task-0123456789abcdef0123456789abcdef0123456789",
    "the prefix rk-eu-abc and relai_sk_eu_live_A",
    "git commit 3f786850e387550fdab836ed7e6dc881de23001b",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUA",
    "npm_config_registry and hf_hub_download(repo_id)",
    "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQ==\n-----END PUBLIC KEY-----",
    "AKIAIOSFODNN7",
    "",
]


@pytest.mark.parametrize("text", INNOCENT)
def test_innocent_text_is_left_alone(text: str) -> None:
    assert find_secrets(text) == ()


def test_several_are_found_in_their_order() -> None:
    text = clean(" and ".join(key for _, key in KEYS))
    found = find_secrets(text)
    assert [each.kind for each in found] == [kind for kind, _ in KEYS]
    assert not find_secrets(redacted(text, found))


@pytest.mark.parametrize(
    "text",
    ["sk-" * 700_000, "a" * 2_000_000, "-----BEGIN PRIVATE KEY-----" * 70_000, "rk-eu-" * 300_000, "- " * 900_000],
)
def test_two_megabytes_take_no_time(text: str) -> None:
    start = time.process_time()
    find_secrets(text)
    assert time.process_time() - start < 2
