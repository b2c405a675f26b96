"""Proxy settings of the machine, checked before a library reads them (T20)."""

import re
import urllib.request
from typing import NamedTuple
from urllib.parse import urlsplit

from relai_tui.api.address import Address
from relai_tui.api.errors import Misconfigured
from relai_tui.text import clean_line

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")


class Proxy(NamedTuple):
    """A proxy that requests go through."""

    url: str
    """May hold a name and a password: not to be shown."""
    host: str


def proxy_for(address: Address) -> Proxy | None:
    """Return the proxy for an address; None for a direct connection. Raises `Misconfigured`, without the password."""
    if address.loopback:
        return None
    proxies = urllib.request.getproxies()
    told = (proxies.get(address.scheme) or proxies.get("all") or "").strip()
    if not told or urllib.request.proxy_bypass(address.host):
        return None
    scheme, separator, _ = told.partition("://")
    if not separator:
        told, scheme = f"http://{told}", "http"
    if scheme.lower() not in ("http", "https"):
        kind = clean_line(scheme, 20) if _SCHEME.fullmatch(scheme) else "unreadable"
        raise Misconfigured(
            f"The proxy this machine is set to use is of a kind ({kind}) that this client cannot use. {_ADVICE}"
        )
    return _checked(told)


_ADVICE = "Look at HTTPS_PROXY and ALL_PROXY (written like http://host:port), or name the server in NO_PROXY."


def _checked(told: str) -> Proxy:
    fault, host = "", ""
    try:
        parts = urlsplit(told)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        fault = "has a port or a host that cannot be"
    else:
        if port == 0:
            fault = "has a port that cannot be"
        elif not host.strip("."):
            fault = "has no host"
        elif not told.isprintable() or any(character.isspace() for character in told):
            fault = "holds white space or control characters"
    if fault:
        raise Misconfigured(f"The proxy this machine is set to use {fault}. {_ADVICE}")
    return Proxy(told, host)
