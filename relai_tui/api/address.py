"""Where requests go, and the rules of what may go there: nothing is sent to an address that breaks one.

One strict reading of the URL, so that what was checked is what is used: two readers that differ about a backslash or
an `@` would send a key to a host nobody checked.
"""

import ipaddress
import re
from typing import TYPE_CHECKING, NamedTuple

from relai_tui.api.errors import InsecureAddress, RefusedToSend, WrongRegion
from relai_tui.api.keys import NEAREST, REGIONS, base_url_for, key_format

if TYPE_CHECKING:
    from pydantic import SecretStr

_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*)://(?P<authority>[^/?#\\]*)(?P<path>/[!-~]*)?",
)
_AUTHORITY = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9._\-]*[A-Za-z0-9_])?\.?)(?::(?P<port>[0-9]{1,5}))?"
)
_OFFICIAL = {
    base_url.removeprefix("https://").removesuffix("/v1"): region
    for region in REGIONS
    for edition in (1, 2)
    if (base_url := base_url_for(region, edition))
} | {NEAREST.removeprefix("https://").removesuffix("/v1"): None}


class Address(NamedTuple):
    """A base URL that was read and found usable."""

    base_url: str
    """Without a trailing slash."""
    scheme: str
    """`http` or `https`."""
    host: str
    """Lower case, without a port; IPv6 without brackets."""

    @property
    def loopback(self) -> bool:
        """True when it is this machine: 127.0.0.0/8, ::1 or localhost."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def official(self) -> bool:
        """True when it is one of Relai's own hosts."""
        return self.host in _OFFICIAL

    @property
    def region(self) -> str | None:
        """The region an official host serves; None elsewhere."""
        return _OFFICIAL.get(self.host)


def read_address(text: str) -> Address:
    """The base URL in a text. Raises `RefusedToSend` when it is not an http(s) URL of host and path alone.

    Trailing slashes go; the bare origin of an official host gets its `/v1`.
    """
    found = _URL.fullmatch(text.strip())
    if found is None:
        raise RefusedToSend("That is not a base URL. Write it like https://host/v1.")
    scheme, path = found["scheme"].lower(), (found["path"] or "").rstrip("/")
    if scheme not in ("http", "https"):
        raise RefusedToSend(f"The base URL must begin with https:// or http://, not {scheme}://.")
    if "@" in found["authority"]:
        raise RefusedToSend("The base URL holds a user name or password. Take it out; the key is given apart from it.")
    authority = _AUTHORITY.fullmatch(found["authority"])
    if authority is None or int(authority["port"] or 0) > 65_535:
        raise RefusedToSend(
            "The host in the base URL is not one this client accepts. Write it in ASCII, like https://host/v1."
        )
    if any(mark in path for mark in "?#\\"):
        raise RefusedToSend("The base URL holds a query, a fragment or a backslash. Write it like https://host/v1.")
    host = authority["host"].lower().rstrip(".")
    port = f":{authority['port']}" if authority["port"] else ""
    if host in _OFFICIAL and not path:
        path = "/v1"
    return Address(f"{scheme}://{host}{port}{path}", scheme, host.strip("[]"))


def choose_address(base_url: str | None, key: "SecretStr | None", region: str | None) -> Address:
    """The address to use: the one given, else the one of the key's region and edition, a wished region before that.

    Raises `RefusedToSend` when neither tells one.
    """
    if region is not None and region not in REGIONS:
        raise RefusedToSend("There is no such region. Relai has eu and us.")
    if base_url is not None:
        return read_address(base_url)
    told = key_format(key) if key is not None else None
    chosen = (
        base_url_for(region, told.edition) if region and told else told.base_url if told else base_url_for(region, 1)
    )
    if told is None and chosen is None:
        raise RefusedToSend("There is neither a key nor a server. Enter a key, or give the server with --base-url.")
    if chosen is None or (told is not None and told.edition is None):
        raise RefusedToSend("This key does not tell which server it belongs to. Give the server with --base-url.")
    return read_address(chosen)


def check_allowed(
    address: Address, key: "SecretStr | None", region: str | None, allow_insecure_hosts: frozenset[str]
) -> None:
    """Raises `WrongRegion` or `InsecureAddress` when the key may not go to the address (T13)."""
    if key is None:
        return
    told = key_format(key)
    target = address.region or region
    if told.scope == "regional" and target is not None and target != told.region:
        raise WrongRegion(
            f"This key belongs to the region {told.region} and was not sent to {target}. "
            f"Use it with --region {told.region}, or enter a key of {target}."
        )
    if told.scope == "regional" and region is not None and region != told.region:
        raise WrongRegion(f"This key belongs to the region {told.region}, not {region}. Nothing was sent.")
    allowed = {host.lower() for host in allow_insecure_hosts}
    if address.scheme == "http" and not address.loopback and address.host not in allowed:
        raise InsecureAddress(
            f"The key was not sent to {address.host}: plain http would show it to everyone on the way. "
            "Use https, or allow this host by name."
        )
