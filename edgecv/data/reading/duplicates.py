"""What is there twice, in one pass: files from elsewhere have 100,000 names."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TypeVar

Name = TypeVar("Name", bound=Hashable)


def first_repeated(names: Iterable[Name]) -> Name | None:
    """The first name that was there before, None where there is none.

    Example:
        >>> first_repeated(["cat", "dog", "cat"])
        'cat'
    """
    seen: set[Name] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
