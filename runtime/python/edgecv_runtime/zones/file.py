"""The JSON file of zones and lines: read, and each mistake in it named."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgecv_runtime._core import InputError, Line, Zone, ZoneCounter
from edgecv_runtime.files.regular import check_regular
from edgecv_runtime.one_line import printable

_LARGEST_FILE = 1 << 20  # bytes
_ANCHORS = ("bottom", "center", "top")


@dataclass(frozen=True)
class ZoneSettings:
    """What a file of zones says, checked."""

    counter: ZoneCounter
    zones: tuple[str, ...]
    lines: tuple[str, ...]


def read_zone_file(path: str | os.PathLike[str], names: Sequence[str]) -> ZoneSettings:
    """Raises InputError that names the file and what is wrong in it."""
    shown = printable(os.fspath(path))
    check_regular(Path(path))
    try:
        with open(path, "rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise InputError(f"{shown}: cannot be read: {error.strerror}") from error
    if len(content) > _LARGEST_FILE:
        raise InputError(f"{shown}: expected a file of zones, at most 1 MB, got a larger one")
    try:
        record = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_no_key_twice)
    except UnicodeDecodeError as error:
        raise InputError(f"{shown}: not UTF-8: see byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise InputError(
            f"{shown}: not JSON: {error.msg} in line {error.lineno}, column {error.colno}"
        ) from error
    except RecursionError as error:
        raise InputError(f"{shown}: nested too deeply") from error
    except ValueError as error:  # a key twice, or a number with too many digits
        raise InputError(f"{shown}: {error}") from error
    return zone_settings(record, names, f"{shown}: ")


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f'the key "{printable(key)}" is there twice')
        found[key] = value
    return found


def zone_settings(record: Any, names: Sequence[str], where: str = "") -> ZoneSettings:
    """What the object of the file says.

    Args:
        record: the object.
        names: the model's classes.
        where: what messages begin with.

    Raises:
        InputError: a key, a type or a class that is not known; a zone or line that cannot be.
    """
    try:
        return _settings(record, names)
    except InputError as error:
        raise InputError(f"{where}{error}") from error


def _settings(record: Any, names: Sequence[str]) -> ZoneSettings:
    top = _object(record, "the file", (), ("zones", "lines", "margin", "forget_s", "image_size"))
    zones = [
        _zone(each, f"zones[{index}]", names)
        for index, each in enumerate(_list(top.get("zones", []), "zones"))
    ]
    lines = [
        _line(each, f"lines[{index}]", names)
        for index, each in enumerate(_list(top.get("lines", []), "lines"))
    ]
    if not zones and not lines:
        raise InputError("expected zones or lines, there is neither")
    counter = ZoneCounter(
        [Zone(**each) for each in zones],
        [Line(**each) for each in lines],
        margin=_number(top.get("margin", 0.1), "margin"),
        forget_s=_number(top.get("forget_s", 2.0), "forget_s"),
        image_size=_image_size(top.get("image_size")),
    )
    return ZoneSettings(
        counter, tuple(each["name"] for each in zones), tuple(each["name"] for each in lines)
    )


def _zone(value: Any, path: str, names: Sequence[str]) -> dict[str, Any]:
    zone = _object(value, path, ("name", "polygon"), ("classes", "anchor"))
    corners = _list(zone["polygon"], f"{path}.polygon")
    return {
        "polygon": [
            _point(corner, f"{path}.polygon[{index}]") for index, corner in enumerate(corners)
        ],
        **_common(zone, path, names),
    }


def _line(value: Any, path: str, names: Sequence[str]) -> dict[str, Any]:
    line = _object(value, path, ("name", "from", "to"), ("classes", "anchor"))
    return {
        "start": _point(line["from"], f"{path}.from"),
        "end": _point(line["to"], f"{path}.to"),
        **_common(line, path, names),
    }


def _common(value: Mapping[str, Any], path: str, names: Sequence[str]) -> dict[str, Any]:
    name, anchor = value["name"], value.get("anchor", "bottom")
    if not isinstance(name, str) or not name.isprintable():
        raise InputError(f"{path}.name: expected a string on one line, got {_shown(name)}")
    if anchor not in _ANCHORS:
        raise InputError(
            f"{path}.anchor: expected one of {', '.join(_ANCHORS)}, got {_shown(anchor)}"
        )
    labels = []
    if "classes" in value:
        for index, each in enumerate(_list(value["classes"], f"{path}.classes")):
            labels.append(_label(each, f"{path}.classes[{index}]", names))
        if not labels:
            raise InputError(f"{path}.classes: expected class names; for all leave it out")
    return {"name": name, "anchor": anchor, "labels": labels}


def _label(value: Any, path: str, names: Sequence[str]) -> int:
    if isinstance(value, str) and value in names:
        return list(names).index(value)
    near = _nearest(value, names)
    hint = near or f"; expected some of {', '.join(map(printable, names))}"
    raise InputError(f"{path}: the model has no class {_shown(value)}{hint}")


def _object(
    value: Any, path: str, keys: Sequence[str], optional: Sequence[str]
) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"{path}: expected an object, got {_shown(value)}")
    known = (*keys, *optional)
    for key in value:
        if key not in known:
            hint = _nearest(key, known) or f"; expected some of {', '.join(known)}"
            raise InputError(f"{path}: unknown key {_shown(key)}{hint}")
    for key in keys:
        if key not in value:
            raise InputError(f'{path}: "{key}" is missing')
    return value


def _list(value: Any, path: str) -> Sequence[Any]:
    if not isinstance(value, (list, tuple)):
        raise InputError(f"{path}: expected a list, got {_shown(value)}")
    return value


def _point(value: Any, path: str) -> tuple[float, float]:
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise InputError(f"{path}: expected a point [x, y], got {_shown(value)}")
    return _number(value[0], f"{path}[0]"), _number(value[1], f"{path}[1]")


def _number(value: Any, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 1e300:
        raise InputError(f"{path}: expected a number, got {_shown(value)}")
    return float(value)


def _image_size(value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    sides = value if isinstance(value, (list, tuple)) else ()
    if len(sides) != 2 or not all(type(side) is int and 0 < side < 65536 for side in sides):
        raise InputError(f"image_size: expected [height, width] in pixels, got {_shown(value)}")
    return sides[0], sides[1]


def _nearest(word: Any, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(word), list(known), n=1)
    return f' (did you mean "{printable(near[0])}"?)' if near else ""


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."
