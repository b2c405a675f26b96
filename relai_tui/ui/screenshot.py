"""A picture of the screen on disk, readable by the user alone: it shows conversations."""

import os
from pathlib import Path

from platformdirs import user_downloads_path

from relai_tui import private_files


def save_picture(svg: str, name: str, folder: str | None = None) -> Path:
    """Write the picture beside what is there; its path. Raises `OSError`.

    The folder is that for downloads, or the user's own where there is none.
    """
    downloads = user_downloads_path()
    where = Path(folder) if folder else downloads if downloads.is_dir() else Path.home()
    path = where / name
    for number in range(2, 1_000):
        if not os.path.lexists(path):
            break
        path = (where / name).with_stem(f"{Path(name).stem}-{number}")
    private_files.write(path, svg)
    return path
