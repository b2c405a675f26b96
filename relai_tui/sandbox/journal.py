"""What was asked of the sandbox, so that a test can prove "one POST" and that no key went astray."""

from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from relai_tui.sandbox.incoming import load
from relai_tui.sandbox.keys import shown_prefix

KEPT = 10_000
"""Requests remembered; the oldest are forgotten first."""
LARGEST_BODY = 1024 * 1024
"""Bytes of a request's body that are remembered."""


@dataclass(slots=True)
class Asked:
    """One request. `status`: None until the answer began, 499 when the client left before, 0 when we hung up."""

    method: str
    path: str
    """As sent, `/v1` included."""
    query: str
    headers: dict[str, str]
    """Lower-case names; the key in `authorization` is cut to the prefix that may be shown."""
    body: Any
    """Parsed JSON where it is some, else text; None when empty."""
    at: float
    """Seconds since the epoch."""
    status: int | None = None


class Journal:
    """The requests in the order they came; those below `/__sandbox` are left out."""

    def __init__(self) -> None:
        self._asked: deque[Asked] = deque(maxlen=KEPT)

    def __iter__(self) -> Iterator[Asked]:
        return iter(list(self._asked))

    def __len__(self) -> int:
        return len(self._asked)

    def __getitem__(self, index: int) -> Asked:
        return self._asked[index]

    def of(self, method: str, path: str) -> list[Asked]:
        """Those of a method and a path below `/v1`: `of("POST", "/keys")`."""
        return [asked for asked in self if asked.method == method and below_v1(asked.path) == path]

    def clear(self) -> None:
        """Forget all."""
        self._asked.clear()

    def note(self, asked: Asked) -> Asked:
        """Remember a request."""
        self._asked.append(asked)
        return asked

    def listed(self) -> list[dict[str, Any]]:
        """All of it, for `GET /__sandbox/requests`."""
        return [asdict(asked) for asked in self]


def below_v1(path: str) -> str:
    """The path without the `/v1` in front."""
    return path.removeprefix("/v1") or "/"


def masked(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers fit to be kept: the key is cut to its shown prefix."""
    kept = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}
    if "authorization" in kept:
        scheme, _, secret = kept["authorization"].partition(" ")
        kept["authorization"] = f"{scheme[:16]} {shown_prefix(secret.strip())}…"
    return kept


def parsed(body: bytes) -> Any:
    """A body as the journal keeps it."""
    if not body:
        return None
    if len(body) > LARGEST_BODY:
        return f"({len(body)} bytes)"
    try:
        return load(body)
    except ValueError:
        return body.decode("utf-8", "replace")
