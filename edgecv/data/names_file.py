"""Text files of class names, one on each line."""

from __future__ import annotations

import os
from pathlib import Path

from edgecv_runtime import InputError


def read_names(path: str | os.PathLike[str]) -> list[str]:
    """The names in the order of the classes. Raises InputError for an empty line between them."""
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").rstrip().splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected UTF-8 text with one name on each line") from error
    names = [line.strip() for line in lines]
    if not names or not all(names):
        raise InputError(f"{path}: expected one name on each line and no empty lines")
    return names
