import pytest
from pydantic import SecretStr

from relai_tui.api.client import Client
from relai_tui.api.errors import InsecureAddress, RefusedToSend, WrongRegion

EU = SecretStr("rk-eu-abcdefghijklmnop1234")
EU_2 = SecretStr("relai_sk_eu_live_ABCDEFGHIJKLMNOPQRSTUVWXYZ")
GLOBAL_EU = SecretStr("relai_sk_gbl_eu_live_ABCDEFGHIJKLMNOPQRSTUVWXYZ")
FOREIGN = SecretStr("sk-proj-abcdefghijkl")


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://host/v1/", "https://host/v1"),
        ("https://HOST:8443/api/v1//", "https://host:8443/api/v1"),
        ("https://eu.api.llmrelai.com", "https://eu.api.llmrelai.com/v1"),
        ("https://api.eu.llmrelai.com/", "https://api.eu.llmrelai.com/v1"),
        ("https://eu.api.llmrelai.com./v1", "https://eu.api.llmrelai.com/v1"),
        ("http://localhost:11434/v1", "http://localhost:11434/v1"),
        ("http://127.9.9.9/v1", "http://127.9.9.9/v1"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1"),
        ("https://other.example", "https://other.example"),
    ],
)
def test_base_urls_are_brought_to_one_form(given: str, used: str) -> None:
    assert Client(given, EU).base_url == used


@pytest.mark.parametrize(
    ("key", "region", "used"),
    [
        (EU, None, "https://eu.api.llmrelai.com/v1"),
        (EU_2, "eu", "https://api.eu.llmrelai.com/v1"),
        (GLOBAL_EU, None, "https://api.eu.llmrelai.com/v1"),
        (GLOBAL_EU, "us", "https://api.us.llmrelai.com/v1"),
        (None, "us", "https://us.api.llmrelai.com/v1"),
    ],
)
def test_without_a_base_url_key_and_region_tell_it(key: SecretStr | None, region: str | None, used: str) -> None:
    assert Client(None, key, region=region).base_url == used


@pytest.mark.parametrize("key", [EU, EU_2])
@pytest.mark.parametrize(
    "url", ["https://us.api.llmrelai.com/v1", "https://api.us.llmrelai.com/v1", "https://US.API.llmrelai.com./v1"]
)
def test_a_regional_key_never_goes_to_the_other_region(key: SecretStr, url: str) -> None:
    with pytest.raises(WrongRegion, match="region eu"):
        Client(url, key)


def test_a_wished_region_does_not_overrule_a_regional_key() -> None:
    with pytest.raises(WrongRegion):
        Client(None, EU, region="us")
    with pytest.raises(WrongRegion):
        Client("https://proxy.example/v1", EU, region="us")
    with pytest.raises(WrongRegion):
        Client("https://eu.api.llmrelai.com/v1", EU, region="us")


@pytest.mark.parametrize("url", ["https://us.api.llmrelai.com/v1", "https://api.llmrelai.com/v1"])
def test_a_global_key_goes_everywhere_and_any_key_to_the_nearest(url: str) -> None:
    assert Client(url, GLOBAL_EU).base_url == url
    assert Client("https://api.llmrelai.com/v1", EU_2).base_url == "https://api.llmrelai.com/v1"


@pytest.mark.parametrize(
    "url",
    [
        "http://192.168.1.5:8080/v1",
        "http://eu.api.llmrelai.com/v1",
        "http://127.1/v1",
        "http://localhost.evil.example/v1",
    ],
)
def test_a_key_does_not_travel_in_the_clear(url: str) -> None:
    with pytest.raises(InsecureAddress, match="https"):
        Client(url, EU)
    assert Client(url, None).base_url == url


def test_one_host_may_be_allowed_by_name() -> None:
    allowed = frozenset({"Nas.local"})
    assert Client("http://nas.local:8080/v1", EU, allow_insecure_hosts=allowed).base_url == "http://nas.local:8080/v1"
    with pytest.raises(InsecureAddress):
        Client("http://other.local/v1", EU, allow_insecure_hosts=allowed)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "eu.api.llmrelai.com/v1",
        "ftp://host/v1",
        "file:///etc/passwd",
        "https://",
        "https:///v1",
        "https://user:password@host/v1",
        "http://127.0.0.1\\@evil.example/v1",
        "http://127.0.0.1#@evil.example/v1",
        "https://host/v1?key=x",
        "https://host\n.evil/v1",
        "https://host:99999/v1",
        "https://h\u043est/v1",
        "https://ho st/v1",
    ],
)
def test_what_is_no_plain_base_url_is_refused(url: str) -> None:
    with pytest.raises(RefusedToSend) as caught:
        Client(url, EU)
    assert "password" not in str(caught.value).replace("user name or password", "")


def test_a_key_that_tells_nothing_needs_a_base_url() -> None:
    with pytest.raises(RefusedToSend, match="--base-url"):
        Client(None, FOREIGN)
    with pytest.raises(RefusedToSend, match="--base-url"):
        Client(None, FOREIGN, region="eu")
    with pytest.raises(RefusedToSend, match="--base-url"):
        Client(None, None)
    with pytest.raises(RefusedToSend, match="eu and us"):
        Client(None, EU, region="mars")


def test_the_repr_shows_the_address_only() -> None:
    assert repr(Client(None, EU)) == "Client('https://eu.api.llmrelai.com/v1')"
