"""The lowest versions of other packages that edgecv works with, as its own metadata lists them."""

from __future__ import annotations

import functools
import re

from edgecv_runtime._core import EngineError


def require(package: str, version: str | None = None, advice: str | None = None) -> None:
    """Does nothing where the package is recent enough, or is not installed at all.

    Args:
        package: its name on PyPI.
        version: the one that is there; left out, it is looked up.
        advice: what to do; left out, the command that updates it.

    Raises:
        EngineError: the package is too old.
    """
    if version is None:
        import importlib.metadata  # here: it imports email, socket and csv

        try:
            version = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            return  # whoever imports it says so
    lowest = lowest_versions().get(package)
    if lowest is not None and _numbers(version) < _numbers(lowest):
        raise EngineError(
            f"{package} {version} is too old: edgecv needs {lowest} or later: "
            + (advice or f"pip install --upgrade '{package}>={lowest}'")
        )


@functools.cache
def lowest_versions() -> dict[str, str]:
    """By package; nothing where edgecv runs from a folder that was never installed."""
    import importlib.metadata

    try:
        declared = importlib.metadata.requires("edgecv") or ()
    except importlib.metadata.PackageNotFoundError:
        return {}
    found = {}
    for requirement in declared:
        match = re.match(r"([\w.-]+?)\s*(?:\[.*?\])?\s*\(?>=\s*([\w.]+)", requirement)
        if match is not None:
            found[match[1]] = match[2]
    return found


def _numbers(version: str) -> tuple[int, ...]:
    """2.8.0a0+cu128 is (2, 8): trailing zeros and what is not a number are left out."""
    release = re.match(r"\d+(?:\.\d+)*", version)
    numbers = [int(number) for number in release[0].split(".")] if release else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
