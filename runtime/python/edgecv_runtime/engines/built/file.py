"""engines.json: the file that lists the engines built for a bundle."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any

from edgecv_runtime._core import BundleError
from edgecv_runtime.engines.built.record import COMPATIBILITIES, BuiltEngine, ShapeRange
from edgecv_runtime.engines.tensorrt_modules import KINDS
from edgecv_runtime.one_line import brief

FILE = "engines.json"
SCHEMA = 1
_MAX_BYTES = 16 << 20


def to_json(engines: list[BuiltEngine]) -> str:
    """The text of an engines.json."""
    records = []
    for engine in engines:
        record = asdict(engine)
        record["compute_capabilities"] = list(engine.compute_capabilities)
        record["profile"] = {
            name: {"min": [*r.smallest], "opt": [*r.typical], "max": [*r.largest]}
            for name, r in engine.profile.items()
        }
        records.append(record)
    return json.dumps({"schema": SCHEMA, "engines": records}, indent=1) + "\n"


def read_engines(folder: str | os.PathLike[str]) -> list[BuiltEngine]:
    """The engines listed in a folder's engines.json; none where there is no such file.

    Raises:
        BundleError: the file is damaged or of a newer edgecv; the message names the key.
    """
    path = Path(folder) / FILE
    try:
        if path.exists() and not path.is_file():
            raise BundleError(f"{path} is not a file: delete it and build the engines again")
        if path.stat().st_size > _MAX_BYTES:
            raise BundleError(f"{path}: more than {_MAX_BYTES:,} bytes: delete it and build again")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except UnicodeDecodeError as error:
        raise BundleError(f"{path} is not text: delete it and build the engines again") from error
    try:
        return _parse(json.loads(text))
    except RecursionError as error:
        raise BundleError(f"{path}: nested too deeply: delete it and build again") from error
    except json.JSONDecodeError as error:
        raise BundleError(
            f"{path} is not JSON ({error.msg}, line {error.lineno}): delete it and build again"
        ) from error
    except _Wrong as error:
        raise BundleError(
            f"{path}: {brief(error)}: delete it and build the engines again, or update edgecv"
        ) from error


class _Wrong(ValueError):
    pass


def _parse(record: Any) -> list[BuiltEngine]:
    _keys(record, "the file", {"schema", "engines"})
    if record["schema"] != SCHEMA:
        raise _Wrong(f"schema {record['schema']!r}; this edgecv reads {SCHEMA}")
    if not isinstance(record["engines"], list):
        raise _Wrong("engines: expected a list")
    return [_engine(each, f"engines[{i}]") for i, each in enumerate(record["engines"])]


def _engine(record: Any, where: str) -> BuiltEngine:
    _keys(record, where, set(BuiltEngine.__dataclass_fields__))
    for key in ("role", "version", "precision", "built"):
        _require(isinstance(record[key], str) and record[key], f"{where}.{key}", "a text")
    kinds = ", ".join(KINDS)
    _require(record["kind"] in tuple(KINDS), f"{where}.kind", f"one of {kinds}")
    gpu = record["gpu"]
    _require(gpu is None or (isinstance(gpu, str) and gpu), f"{where}.gpu", "a text or null")
    _require(
        record["compatibility"] in COMPATIBILITIES,
        f"{where}.compatibility",
        f"one of {', '.join(COMPATIBILITIES)}",
    )
    for key in ("version_compatible", "tf32"):
        _require(isinstance(record[key], bool), f"{where}.{key}", "true or false")
    capabilities = record["compute_capabilities"]
    _require(
        _is_lengths(capabilities) and len(capabilities) > 0,
        f"{where}.compute_capabilities",
        "a list of numbers such as 86",
    )
    for key in ("sha256", "graph_sha256"):
        fits = isinstance(record[key], str) and re.fullmatch("[0-9a-f]{64}", record[key])
        _require(fits, f"{where}.{key}", "64 hex digits")
    _require(_is_inside(record["file"]), f"{where}.file", "a path that stays in the folder")
    _require(isinstance(record["profile"], dict), f"{where}.profile", "an object")
    profile = {
        name: _range(each, f"{where}.profile.{name}") for name, each in record["profile"].items()
    }
    return BuiltEngine(
        **{**record, "compute_capabilities": tuple(capabilities), "profile": profile}
    )


def _range(record: Any, where: str) -> ShapeRange:
    _keys(record, where, {"min", "opt", "max"})
    shapes = [record[key] for key in ("min", "opt", "max")]
    _require(all(map(_is_lengths, shapes)), where, "lists of lengths")
    ordered = len({len(shape) for shape in shapes}) == 1 and all(
        low <= typical <= high for low, typical, high in zip(*shapes, strict=True)
    )
    _require(ordered, where, "min, opt and max of one rank and rising")
    return ShapeRange(*(tuple(shape) for shape in shapes))


def _keys(record: Any, where: str, expected: set[str]) -> None:
    _require(isinstance(record, dict), where, "an object")
    for key in record:
        _require(key in expected, f"{where}.{key}", f"one of {', '.join(sorted(expected))}")
    for key in sorted(expected):
        _require(key in record, f"{where}.{key}", "it to be there")


def _require(fits: Any, where: str, expected: str) -> None:
    if not fits:
        raise _Wrong(f"{where}: expected {expected}")


def _is_lengths(value: Any) -> bool:
    return isinstance(value, list) and all(type(each) is int and each >= 0 for each in value)


def _is_inside(value: Any) -> bool:
    if not isinstance(value, str) or not value or any(sign in value for sign in "\\:\0"):
        return False
    path = PurePosixPath(value)
    return not path.is_absolute() and ".." not in path.parts
