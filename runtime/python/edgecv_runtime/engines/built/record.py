"""What was built for a bundle: a record of each engine, and where it is valid."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from edgecv_runtime.engines.nvidia.gpu import Gpu
from edgecv_runtime.engines.tensorrt_modules import KINDS

COMPATIBILITIES = ("none", "same_compute_capability", "ampere_plus")

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
        """Why this engine cannot run here; empty if it can."""
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
