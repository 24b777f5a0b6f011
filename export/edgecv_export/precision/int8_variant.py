"""INT8 graphs for a bundle: calibrated, gated, and written or refused."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from edgecv_export.bundle.additions import Additions
from edgecv_export.bundle.node_names import graph_bytes
from edgecv_export.errors import RefusedError
from edgecv_export.precision.accuracy_gate import Gate, GateKeeper, GateReport
from edgecv_export.precision.byte_arithmetic import byte_arithmetic
from edgecv_export.precision.calibration import METHODS
from edgecv_export.precision.calibration_images import hold_out, read_calibration
from edgecv_export.precision.int8_graph import Quantizer, check_patterns
from edgecv_export.precision.pipeline import collect_feeds
from edgecv_export.precision.sensitivity import LayerError, rank_layers
from edgecv_export.precision.sources import (
    Source,
    add_graph_file,
    fp32_files,
    new_files,
    read_graph,
)
from edgecv_runtime import Bundle, InputError

RANKED_ON = 4  # runs of a network that layers are ranked on


@dataclass(frozen=True)
class Quantization:
    """How to make INT8 graphs.

    Attributes:
        images: a folder, or images uint8 [H, W, 3] BGR: what the model will see in use.
        method: ``minmax``, ``entropy`` or ``percentile``.
        keep_float: layers that stay in float, by patterns such as ``head.*`` over their names or
            those of their weights; ``"auto"`` keeps the most sensitive ones, one, two, four and so
            on, until the gate is passed.
        gate: what may be lost.
        force: write the graphs even if the gate is not passed.
    """

    images: str | os.PathLike[str] | Sequence[npt.NDArray[np.uint8]]
    method: str = "minmax"
    keep_float: Sequence[str] | Literal["auto"] = ()
    gate: Gate = field(default_factory=Gate)
    force: bool = False


def add_int8(
    bundle: Bundle,
    added: Additions,
    sources: Sequence[Source],
    how: Quantization,
    step: Callable[[str], None],
) -> tuple[dict[str, Any], list[GateReport]]:
    """Adds INT8 graphs and returns the notes for the manifest and what the gate says.

    Raises:
        InputError: no images, an unknown method or layer.
        RefusedError: the gate is not passed; the table is in its ``report``.
    """
    if how.method not in METHODS:
        raise InputError(f"calibration is {how.method!r}; expected one of {', '.join(METHODS)}")
    if isinstance(how.images, (str, os.PathLike)):
        images: Sequence[npt.NDArray[np.uint8]] = read_calibration(how.images)
    else:
        images = how.images
    if not len(images):
        raise InputError("calibration: no images are given")
    calibrate_on, compare_on = hold_out(images)
    cpu = byte_arithmetic()
    work = [_Work(bundle, source, calibrate_on, cpu.saturates) for source in sources]
    if how.keep_float != "auto":
        check_patterns(how.keep_float, [each.quantizer for each in work])
    for each in work:
        step(f"calibrating {each.source.graph.file} for {each.source.dialect}")
        each.calibrate(how.method)
    keeper = GateKeeper(bundle, how.gate, compare_on)
    reports = []
    for dialect in sorted({source.dialect for source in sources}):
        mine = [each for each in work if each.source.dialect == dialect]
        step(f"checking the results, dialect {dialect}")
        reports.append(_pass_gate(bundle, added, mine, how, keeper))
    notes = {
        "calibration": {"method": how.method, "pictures": len(calibrate_on)},
        "cpu": cpu.name,
        "weight_bits": {"onnx": 7 if cpu.saturates else 8, "tensorrt": 8},
        "kept_in_float": {
            each.source.file("int8"): [each.quantizer.weight_name(layer) for layer in each.kept]
            for each in work
        },
        "gate": {report.dialect: report.to_dict() for report in reports},
    }
    return notes, reports


class _Work:
    """One graph on its way."""

    def __init__(
        self,
        bundle: Bundle,
        source: Source,
        images: Sequence[npt.NDArray[np.uint8]],
        saturates: bool,
    ) -> None:
        self.source = source
        self._bundle = bundle
        self._images = images
        self.quantizer = Quantizer(
            read_graph(bundle, source), source.dialect, reduce_range=saturates
        )
        self.kept: list[str] = []

    def calibrate(self, method: str) -> None:
        self.quantizer.calibrate(self._feeds(), method)

    def write(self, added: Additions) -> None:
        model = self.quantizer.quantize(self.kept)
        content = graph_bytes(model)
        add_graph_file(added, self._bundle, self.source, "int8", content)

    def rank(self) -> list[LayerError]:
        """The layers that are quantised, the most sensitive first."""
        model = self.quantizer.quantize(self.kept)
        return rank_layers(self.quantizer, model, islice(self._feeds(), RANKED_ON))

    def _feeds(self) -> Any:
        files = fp32_files(self._bundle, self.source.dialect)
        return collect_feeds(self._bundle, files, self.source.role, self._images)


def _pass_gate(
    bundle: Bundle,
    added: Additions,
    work: Sequence[_Work],
    how: Quantization,
    keeper: GateKeeper,
) -> GateReport:
    dialect = work[0].source.dialect
    reference = fp32_files(bundle, dialect)
    sources = [each.source for each in work]

    def check() -> GateReport:
        for each in work:
            each.write(added)
        files = new_files(added, sources, dialect, "int8", reference)
        return keeper.check(dialect, reference, files)

    if how.keep_float != "auto":
        for each in work:
            each.kept = each.quantizer.find(how.keep_float)
    report = check()
    if report.passed:
        return report
    ranked = sorted(
        ((entry, each) for each in work for entry in each.rank()),
        key=lambda pair: -pair[0].error,
    )
    if how.keep_float == "auto":
        count = 1
        while not report.passed and count <= len(ranked) // 2:
            for each in work:
                each.kept = [entry.layer for entry, owner in ranked[:count] if owner is each]
            report = check()
            count *= 2
    report.layers = [entry for entry, _ in ranked]
    if not report.passed:
        report.forced = how.force
        if not how.force:
            raise RefusedError(report.failure(), report)
    return report
