"""A receipt on disk: readable by the user alone, whole or not at all."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from relai_tui import private_files

if TYPE_CHECKING:
    from pathlib import Path


def write_receipt(path: Path, text: str, *, replace: bool = False) -> None:
    """Write it. Raises `FileExistsError` for a file that is there, unless it may be replaced, and other `OSError`s.

    It is written beside its place and then moved there, so that a failure leaves what was there as it was. A link is
    replaced and not followed; a device or a pipe, also behind a link, is never replaced.
    """
    if not replace and os.path.lexists(path):
        raise FileExistsError(path)
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    private_files.write(path, text, newline="")
