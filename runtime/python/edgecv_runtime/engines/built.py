"""engines.json: which engines were built for a bundle, and what each is valid for."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from edgecv_runtime._core import Bundle, BundleError, EngineError, HashedFile
from edgecv_runtime.engines.cache import cache_of_bundle
from edgecv_runtime.engines.tensorrt_modules import KINDS
from edgecv_runtime.one_line import brief

FILE = "engines.json"
SCHEMA = 1
COMPATIBILITIES = ("none", "same_compute_capability", "ampere_plus")
_MAX_BYTES = 16 << 20

Shape = tuple[int, ...]


@dataclass(frozen=True)
class ShapeRange:
    """Shapes that an input may have, and the one that the engine is fastest at."""

    smallest: Shape
    typical: Shape
    largest: Shape

    @property
    def fixed(self) -> bool:
        return self.smallest == self.largest


@dataclass(frozen=True)
class Gpu:
    name: str
    compute_capability: int  # 86 for 8.6


@dataclass(frozen=True)
class BuiltEngine:
    """One engine file. It is valid where all but the last three fields fit."""

    role: str  # of the graph in bundle.json
    kind: str  # tensorrt | tensorrt_rtx
    version: str  # of TensorRT
    gpu: str | None  # it was built on; None: ahead of time, for any with one of the capabilities
    compute_capabilities: tuple[int, ...]
    compatibility: str  # none | same_compute_capability | ampere_plus: with other GPUs
    version_compatible: bool  # with later releases of the same major version
    precision: str
    tf32: bool  # convolutions of float32 may round their factors to 10 bits
    graph_sha256: str
    profile: Mapping[str, ShapeRange]  # of inputs with lengths left open in the graph
    built: str  # ISO 8601, UTC
    file: str  # relative to engines.json
    sha256: str

    def identity(self) -> dict[str, Any]:
        """What two engines must share to be the same engine, as plain values."""
        record = asdict(self)
        for key in ("built", "file", "sha256"):
            del record[key]
        return record

    def misfits(self, version: str, gpu: Gpu, graph_sha256: str) -> list[str]:
        """What keeps this engine from running here; empty if nothing does."""
        found = []
        title = KINDS[self.kind].title
        if self.graph_sha256 != graph_sha256:
            found.append("its graph has changed since")
        if not self._runs_with(version):
            found.append(f"it is for {title} {self.version}, this is {version}")
        if not self._runs_on(gpu):
            targets = self.gpu or "compute capability " + ", ".join(
                map(_dotted, self.compute_capabilities)
            )
            found.append(
                f"it is for {targets}, this GPU is {gpu.name} ({_dotted(gpu.compute_capability)})"
            )
        return found

    def _runs_with(self, version: str) -> bool:
        if not self.version_compatible:
            return self.version == version
        mine, theirs = _numbers(self.version), _numbers(version)
        return mine[:1] == theirs[:1] and mine <= theirs

    def _runs_on(self, gpu: Gpu) -> bool:
        if self.compatibility == "ampere_plus":
            return gpu.compute_capability >= 80
        if gpu.compute_capability not in self.compute_capabilities:
            return False
        return self.compatibility == "same_compute_capability" or self.gpu in (None, gpu.name)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def _dotted(compute_capability: int) -> str:
    return f"{compute_capability // 10}.{compute_capability % 10}"


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
            raise BundleError(f"{path} is no file: delete it and build the engines again")
        if path.stat().st_size > _MAX_BYTES:
            raise BundleError(f"{path}: more than {_MAX_BYTES:,} bytes: delete it and build again")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except UnicodeDecodeError as error:
        raise BundleError(f"{path} is no text: delete it and build the engines again") from error
    try:
        return _parse(json.loads(text))
    except RecursionError as error:
        raise BundleError(f"{path}: nested too deeply: delete it and build again") from error
    except json.JSONDecodeError as error:
        raise BundleError(
            f"{path} is no JSON ({error.msg}, line {error.lineno}): delete it and build again"
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
    if not isinstance(value, str) or not value or "\\" in value or ":" in value:
        return False
    path = PurePosixPath(value)
    return not path.is_absolute() and ".." not in path.parts


def engines_of(bundle: Bundle) -> list[tuple[Path, BuiltEngine]]:
    """All engines built for a bundle, each with its folder: the bundle's own, then those of the
    cache, which serves bundles that cannot be written to."""
    folders = (Path(bundle.folder), cache_of_bundle(bundle.folder))
    return [(folder, engine) for folder in folders for engine in read_engines(folder)]


def fitting_engine(
    bundle: Bundle,
    role: str,
    kind: str,
    precision: str,
    version: str,
    gpu: Gpu,
    path: str | None = None,
) -> tuple[HashedFile, BuiltEngine]:
    """File and record of the engine to run a role with. Nothing is deserialised.

    Args:
        version, gpu: of this machine.
        path: what the user calls the bundle, for messages.

    Raises:
        EngineError: there is none, or none that fits: the message says what differs and which
            command builds the right one.
        BundleError: its file is missing or altered.
    """
    shown = path or bundle.folder
    command = f"edgecv build {shown} --engine {kind} --precision {precision}"
    here = [(folder, engine) for folder, engine in engines_of(bundle) if engine.role == role]
    asked = [e for e in here if (e[1].kind, e[1].precision) == (kind, precision)]
    if not asked:
        others = sorted({f"{engine.kind} {engine.precision}" for _, engine in here})
        there = f" (only {', '.join(others)})" if others else ""
        raise EngineError(
            f'{shown} has no {kind} engine for its graph "{role}" in {precision}{there}: '
            f"run {command}"
        )
    graphs = {g.sha256 for g in bundle.manifest.graphs[role] if g.precision == precision}
    judged = []
    for folder, engine in asked:
        graph = engine.graph_sha256 if engine.graph_sha256 in graphs else ""
        judged.append((engine.misfits(version, gpu, graph), engine.built, folder, engine))
    fitting = [entry for entry in judged if not entry[0]]
    if not fitting:
        differences = min((entry[0] for entry in judged), key=len)
        raise EngineError(
            f'the {kind} engine for the graph "{role}" does not fit: '
            f"{'; '.join(differences)}: run {command}"
        )
    _, _, folder, engine = max(fitting, key=lambda entry: entry[1])
    return _verified(folder / engine.file, engine.sha256, command), engine


def _verified(path: Path, sha256: str, command: str) -> HashedFile:
    try:
        path.stat()
        file = HashedFile.open(path)
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror}: run {command}") from error
    except BundleError as error:
        raise BundleError(f"{error}: run {command}") from error
    if file.sha256 != sha256:
        raise BundleError(
            f"{path} differs from engines.json (its sha256 is another): run {command}"
        )
    return file
