"""What a caller may ask of an export, as records."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from edgecv.models.architecture.windows import WindowOptions
from edgecv_export.bundle.graph_record import DIALECTS, Dialect
from edgecv_runtime import InputError

# The one that the dynamo exporter's own operators have; TensorRT 10.3 reads up to 20.
DEFAULT_OPSET = 18


@dataclass(frozen=True)
class GraphOptions:
    """How the graphs of a bundle are written.

    Attributes:
        size: (height, width) of the network's input for every image, which is fitted into it from
            the top left; multiples of what the model pads to. None: the model's own resize rule.
            Detectors with one built-in size take none.
        input_dtype: ``uint8``: the graph takes whole levels and normalises inside, a quarter of the
            copy to a device. Not for models that pad with a colour that is not a whole level.
        batch: images that one run of the network takes: ``dynamic`` for any number, or a fixed one.
        opset: version of the ONNX operators.
        proposals: ``caller`` exports a Fast R-CNN: the proposal network is left out, and the bundle
            takes boxes with each image. Two-stage detectors only.
        dialects: forms in which a two-stage detector's second stage is written: ``onnx`` for any
            ONNX engine, ``tensorrt`` for TensorRT. ``onnx`` has to be among them: it is the one
            that is checked.

    Raises:
        InputError: a value that is none of these.
    """

    size: tuple[int, int] | None = None
    input_dtype: Literal["float32", "uint8"] = "float32"
    batch: int | Literal["dynamic"] = "dynamic"
    opset: int = DEFAULT_OPSET
    proposals: Literal["network", "caller"] = "network"
    dialects: Sequence[Dialect] = DIALECTS

    def __post_init__(self) -> None:
        if self.batch != "dynamic" and self.batch < 1:
            raise InputError(f"batch is {self.batch}; expected 'dynamic' or a number of at least 1")
        if "onnx" not in self.dialects or not set(self.dialects) <= set(DIALECTS):
            raise InputError(
                f"dialects are {', '.join(self.dialects) or 'none'}; expected onnx, or onnx and "
                "tensorrt"
            )
        if self.input_dtype not in ("float32", "uint8"):
            raise InputError(f"input_dtype is {self.input_dtype!r}; expected float32 or uint8")


@dataclass(frozen=True)
class Origin:
    """Where a model is from, as the bundle records it.

    Attributes:
        architecture: its name; the module's class if left out.
        provenance: plain values, recorded beside the versions and the parity report.
    """

    architecture: str | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)


Records = tuple[GraphOptions, WindowOptions, Origin]


def with_loose_arguments(records: Records, loose: Mapping[str, Any]) -> Records:
    """The records with the arguments that `export` took one by one before it took records.

    Raises TypeError for a name that never was one.
    """
    graph, windows, origin = records
    if not loose:
        return records
    graph_names = {each.name for each in fields(GraphOptions)}
    window_names = {"crop": "size", "overlap": "overlap", "window": "weight", "whole": "whole"}
    for name, value in loose.items():
        if name in graph_names:
            graph = replace(graph, **{name: value})
        elif name in window_names:
            windows = replace(windows, **{window_names[name]: value})
        elif name == "architecture":
            origin = replace(origin, architecture=value)
        elif name == "provenance":
            origin = replace(origin, provenance=value or {})
        else:
            raise TypeError(f"export() got an unexpected keyword argument {name!r}")
    warnings.warn(
        f"export({', '.join(loose)}=): loose arguments are removed in the next release: give "
        "records: graph=GraphOptions(...), windows=WindowOptions(...), origin=Origin(...)",
        DeprecationWarning,
        stacklevel=3,
    )
    return graph, windows, origin
