"""data.yaml of YOLO data sets: where the images of each split are, and the names of the classes."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgecv_runtime import InputError
from edgecv_runtime.one_line import brief

from ..reading.duplicates import first_repeated
from ..reading.image_files import LONGEST_PATH
from ..reading.names_file import require_distinct
from ..reading.splits import SPLIT_NAMES, aliases
from ..reading.text import read_text

_NOTHING: tuple[Any, ...] = (None, "", "~", "null", [])  # how YAML says so, read as text


@dataclass(frozen=True)
class DataFile:
    """keypoints: numbers for each object (`kpt_shape`), None for boxes and polygons."""

    path: Path
    root: Path  # what its entries are relative to
    names: list[str]
    entries: dict[str, Any]
    keypoints: tuple[int, int] | None

    def places(self, split: str) -> list[Path]:
        """Folders and lists of images. Raises InputError if the split or one of them is missing."""
        filled = {name for name, value in self.entries.items() if value not in _NOTHING}
        key = next((name for name in aliases(split) if name in filled), None)
        if key is None:
            known = [name for name in SPLIT_NAMES if name in filled]
            raise InputError(
                f"{self.path}: the data file has no entry {split!r}; it has "
                f"{', '.join(known) or 'no split'}"
            )
        value = self.entries[key]
        values = value if isinstance(value, list) else [value]
        return [self._resolve(entry) for entry in values]

    def _resolve(self, value: Any) -> Path:
        if not isinstance(value, str) or not value:
            raise InputError(
                f"{self.path}: a split is {brief(value)}; expected a folder or a list file"
            )
        if len(value) > LONGEST_PATH:
            raise InputError(f"{self.path}: names {brief(value)}; no path is as long")
        parts = [part for part in re.split(r"[\\/]+", value) if part not in ("", ".")]
        # Roboflow writes ../train/images although the folder lies beside the file.
        below = [part for part in parts if part != ".."]
        choices = [self.root / value, self.root.joinpath(*parts)]
        # An absolute path of another machine: the end of it that is here.
        choices += [self.root.joinpath(*below[start:]) for start in range(len(below))]
        for choice in choices:
            if choice.exists():
                return _of_users(choice, self.path)
        raise InputError(
            f"{self.path}: names {value[:200]}, which does not exist; looked in {self.root}"
        )


def _of_users(place: Path, path: Path) -> Path:
    """Raises InputError for folders of the system, which hold no images and have no end."""
    if place.resolve().parts[:2] in ((os.sep, "proc"), (os.sep, "sys"), (os.sep, "dev")):
        raise InputError(f"{path}: names {place}, which is of the system; expected images")
    return place


def is_data_file(path: Path) -> bool:
    """Whether a YAML file has the entries of a data file at its top."""
    try:
        text = read_text(path)
    except InputError:  # no text, and not asked for
        return False
    return all(re.search(rf"^{key}\s*:", text, re.MULTILINE) for key in ("train", "names"))


def read_data_file(path: Path) -> DataFile:
    """Reads the file. Every value stays text, so that `no`, `007`, `1e3` and dates are names.

    Raises:
        InputError: broken YAML, no names, names that are not numbered from 0, or another count of
            them than `nc` says.
    """
    content = _load(path)
    names = _names(content["names"], path)
    count = content.get("nc")
    if count is not None and count != str(len(names)):
        raise InputError(
            f"{path}: nc is {count}, but there are {len(names)} names; correct the one that is "
            "wrong"
        )
    root = path.parent / str(content.get("path", ""))
    return DataFile(
        path,
        root if root.is_dir() else path.parent,
        names,
        content,
        _keypoints(content.get("kpt_shape"), path),
    )


def _load(path: Path) -> dict[str, Any]:
    try:
        import yaml
    except ImportError as error:
        raise InputError(f"{path}: reading it needs PyYAML; pip install pyyaml") from error

    class Loader(yaml.BaseLoader):
        """Text only. A duplicate key is an error, and aliases are not followed: a few lines of them
        can expand to more than the memory holds."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise yaml.composer.ComposerError(None, None, "aliases (*name) are not read")
            return super().compose_node(parent, index)

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            keys = [self.construct_object(key) for key, _ in node.value]
            twice = first_repeated(keys)
            if twice is not None:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {twice!r} is there twice", node.start_mark
                )
            mapping: dict[Any, Any] = super().construct_mapping(node, deep)
            return mapping

    text = read_text(path)
    try:
        content = yaml.load(text, Loader)
    except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: broken YAML: {brief(error)}") from error
    if not isinstance(content, dict) or "names" not in content:
        raise InputError(f"{path}: not a YOLO data file: expected the keys train, val and names")
    return content


def _names(names: Any, path: Path) -> list[str]:
    if isinstance(names, dict):
        # As in 0: cat, 1: dog; the numbers in any order.
        if set(names) != {str(i) for i in range(len(names))}:
            raise InputError(
                f"{path}: names must be numbered 0, 1, 2, ...; found {brief(list(names))}"
            )
        names = [names[str(i)] for i in range(len(names))]
    if not isinstance(names, list) or not names:
        raise InputError(
            f"{path}: names is {brief(names)}; expected a list, or 0: NAME, 1: NAME, ..."
        )
    for name in names:
        if not isinstance(name, str) or not name.strip():
            raise InputError(f"{path}: a name is {brief(name)}; expected text")
    require_distinct(names, path)
    return names


def _keypoints(shape: Any, path: Path) -> tuple[int, int] | None:
    if shape is None:
        return None
    try:
        count, each = (int(value) for value in shape)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{path}: kpt_shape is {brief(shape)}; expected such as [17, 3]"
        ) from error
    return count, each
