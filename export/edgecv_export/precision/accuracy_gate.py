"""The accuracy gate: what INT8 may lose against FP32, and what it lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.training.measures import measure_of, unheard
from edgecv_export.precision.agreement import agreement
from edgecv_export.precision.pipeline import Pipeline
from edgecv_export.precision.sensitivity import LayerError
from edgecv_runtime import Bundle
from edgecv_runtime.one_line import printable

# Of a metric on labelled data, one point; of the agreement on images without labels, 2 %.
LABELLED_LIMIT, UNLABELLED_LIMIT = 0.01, 0.02
SHOWN_LAYERS = 10


@dataclass(frozen=True)
class Gate:
    """``limit``: the largest loss; the default of either measure if None. ``data`` is a data set's
    folder, with labels; ``say`` takes lines about what was read there."""

    limit: float | None = None
    data: Path | None = None
    split: str = "val"
    say: Callable[[str], None] = unheard


@dataclass
class GateReport:
    """What was measured for one dialect.

    ``fp32`` and ``int8`` are the metric's values, 0..1; the agreement's ``fp32`` is 1.
    """

    dialect: str
    measure: str
    fp32: float
    int8: float
    limit: float
    measured_on: str
    forced: bool = False
    layers: list[LayerError] = field(default_factory=list)  # the most sensitive first

    @property
    def loss(self) -> float:
        return self.fp32 - self.int8

    @property
    def passed(self) -> bool:
        return self.loss <= self.limit

    def failure(self) -> str:
        return (
            f"INT8 (dialect {self.dialect}) loses too much: {self.measure} "
            f"{100 * self.int8:.2f} % against {100 * self.fp32:.2f} % on {self.measured_on}, a "
            f"loss of {100 * self.loss:.2f} points, at most {100 * self.limit:.2f} are allowed: "
            "keep the layers above in float (`keep_float=NAME,...` or auto), calibrate on other "
            "images or by another method, raise `Gate.limit`, or give `force=True`"
        )

    def table(self) -> str:
        """For a person."""
        verdict = "passed" if self.passed else "forced" if self.forced else "NOT passed"
        lines = [
            f"dialect {self.dialect}: {self.measure} {100 * self.fp32:.2f} % in fp32, "
            f"{100 * self.int8:.2f} % in int8 on {self.measured_on}; loss {100 * self.loss:.2f} "
            f"points of {100 * self.limit:.2f}: {verdict}"
        ]
        if self.layers:
            width = max(len(entry.weight) for entry in self.layers[:SHOWN_LAYERS])
            lines.append(f"{'most sensitive layers':{width}}  error of its output")
            for entry in self.layers[:SHOWN_LAYERS]:
                lines.append(f"{entry.weight:{width}}  {100 * entry.error:.2f} %")
        return "\n".join(map(printable, lines))

    def to_dict(self) -> dict[str, Any]:
        return {
            "measure": self.measure,
            "fp32": self.fp32,
            "int8": self.int8,
            "loss": self.loss,
            "limit": self.limit,
            "measured_on": self.measured_on,
            "passed": self.passed,
            "forced": self.forced and not self.passed,
            "most_sensitive_layers": [asdict(entry) for entry in self.layers[:SHOWN_LAYERS]],
        }


class GateKeeper:
    """Measures variants of one bundle; what fp32 gives is measured once for each dialect."""

    def __init__(self, bundle: Bundle, gate: Gate, images: Sequence[npt.NDArray[np.uint8]]) -> None:
        self._bundle = bundle
        self._gate = gate
        self._images = images
        self._reference: dict[str, Any] = {}

    def check(self, dialect: str, fp32: Mapping[str, Path], int8: Mapping[str, Path]) -> GateReport:
        """Compares two sets of graph files.

        Raises InputError where data and model do not fit, or nothing can be compared.
        """
        if self._gate.data is not None:
            return self._on_labels(dialect, fp32, int8)
        if dialect not in self._reference:
            reference = Pipeline(self._bundle, fp32)
            self._reference[dialect] = [reference(image) for image in self._images]
        other = Pipeline(self._bundle, int8, precision="int8")
        pairs = (
            (first, other(image))
            for first, image in zip(self._reference[dialect], self._images, strict=True)
        )
        found = agreement(self._bundle.manifest.task, pairs)
        limit = UNLABELLED_LIMIT if self._gate.limit is None else self._gate.limit
        where = f"{found.count} {found.unit}, {len(self._images)} images"
        return GateReport(dialect, found.measure, 1.0, found.value, limit, where)

    def _on_labels(
        self, dialect: str, fp32: Mapping[str, Path], int8: Mapping[str, Path]
    ) -> GateReport:
        if dialect not in self._reference:
            self._reference[dialect] = self._metric(fp32)
        name, reference, count = self._reference[dialect]
        _, value, _ = self._metric(int8)
        limit = LABELLED_LIMIT if self._gate.limit is None else self._gate.limit
        where = f"{count} labelled images"
        return GateReport(dialect, name, reference, value, limit, where)

    def _metric(self, files: Mapping[str, Path]) -> tuple[str, float, int]:
        assert self._gate.data is not None
        measure = measure_of(self._bundle.manifest.task)
        predict = measure.of_bundle(Pipeline(self._bundle, files).model)
        names = list(self._bundle.manifest.labels)
        result = measure.measure(
            predict,
            names,
            self._gate.data,
            self._gate.split,
            say=unheard if self._reference else self._gate.say,
        )
        name, value = result.headline
        return name, float(value), int(result.images)
