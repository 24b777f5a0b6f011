"""Text files of class names, one on each line."""

from __future__ import annotations

import os

from edgecv_runtime import InputError

from .duplicates import first_repeated
from .text import read_lines


def read_names(path: str | os.PathLike[str]) -> list[str]:
    """The names in the order of the classes. Raises InputError for an empty line between them."""
    names = [line.strip() for line in read_lines(path)]
    while names and not names[-1]:
        names.pop()
    if not names or not all(names):
        empty = f"line {names.index('') + 1} is empty" if names else "the file is empty"
        raise InputError(f"{path}: {empty}; expected one name on each line and no empty lines")
    return names


def require_distinct(names: list[str], where: object) -> None:
    """Raises InputError if two classes of a data set have one name."""
    twice = first_repeated(names)
    if twice is not None:
        numbers = [str(number) for number, name in enumerate(names) if name == twice]
        raise InputError(
            f"{where}: classes {' and '.join(numbers)} are both called {twice!r}; give each class "
            "a name of its own"
        )
