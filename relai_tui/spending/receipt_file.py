"""A receipt on disk: readable by the user alone, whole or not at all."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_receipt(path: Path, text: str, *, replace: bool = False) -> None:
    """Write it. Raises `FileExistsError` for a file that is there, unless it may be replaced, and other `OSError`s.

    It is written beside its place and then moved there, so that a failure leaves what was there as it was, and a
    link is replaced and not followed.
    """
    if not replace and os.path.lexists(path):
        raise FileExistsError(path)
    beside = path.with_name(f".{path.name[:80]}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
