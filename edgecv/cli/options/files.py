"""Files and folders that a command names: looked for before anything slow is loaded."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

from edgecv.cli.options.parser import did_you_mean
from edgecv_runtime import InputError

MOST_NEIGHBOURS = 2000  # entries of a folder that are looked at for a name
# Of `edgecv export`; a package of that name beside it does not help with what its code raises.
_FACTORY = re.compile(r"[\w.]+:\w+")
LIKENESS = 0.7  # a name must be nearer than an option: short ones resemble each other


def require_file(path: str | os.PathLike[str], expected: str) -> None:
    """Raises InputError unless there is such a file; `expected` says what it should be."""
    if not Path(path).is_file():
        found = "is a folder" if Path(path).is_dir() else "no such file"
        raise InputError(f"{path}: {found}; expected {expected}")


def require_data(path: str | os.PathLike[str]) -> None:
    """Raises InputError unless the path exists; the readers check what it is."""
    if not Path(path).exists():
        raise InputError(
            f"{path}: no such folder; expected a data set: edgecv train --help says which"
        )


def near_file(message: str, args: argparse.Namespace) -> str:
    """`` (did you mean X?)`` where a message is about an argument that is not a file, but
    the name of a file is near; or about the folder of a run, which holds a checkpoint."""
    for name, value in vars(args).items():
        if name == "save":  # which need not be there
            continue
        for each in value if isinstance(value, list) else [value]:
            if not isinstance(each, (str, Path)) or not str(each) or _FACTORY.fullmatch(str(each)):
                continue
            if str(each) in message:
                run = _checkpoint_in(Path(each)) if name in ("bundle", "model", "source") else ""
                near = run or _neighbour(Path(each))
                if near:
                    return near
    return ""


def _checkpoint_in(path: Path) -> str:
    """For the folder of a run in place of the checkpoint that it holds."""
    best = path / "best.pt"
    return f" (did you mean {best}?)" if best.is_file() else ""


def _neighbour(path: Path) -> str:
    try:
        if path.exists() or not path.name or not path.parent.is_dir():
            return ""
        with os.scandir(path.parent) as entries:
            names = [entry.name for entry, _ in zip(entries, range(MOST_NEIGHBOURS), strict=False)]
    except OSError:
        return ""
    folder = "" if path.parent == Path() else f"{path.parent}{os.sep}"
    return did_you_mean(path.name, names, LIKENESS).replace("mean ", f"mean {folder}", 1)
