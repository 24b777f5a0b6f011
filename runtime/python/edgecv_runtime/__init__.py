"""The lightweight runtime: a bundle and an engine become a model. Needs NumPy only.

Each name is imported when it is first used: a program pays for what it takes.
"""

import os

TYPE_CHECKING = False  # typing.TYPE_CHECKING, without importing typing

if TYPE_CHECKING:
    from edgecv_runtime import ops
    from edgecv_runtime._core import (
        Bundle,
        BundleError,
        Engine,
        EngineError,
        Error,
        Geometry,
        GraphFile,
        InputError,
        InputSpec,
        Manifest,
        TensorSpec,
    )
    from edgecv_runtime.images.read import read_image
    from edgecv_runtime.models.classifier import Classifier
    from edgecv_runtime.models.detector import Detector
    from edgecv_runtime.models.instance_segmenter import InstanceSegmenter
    from edgecv_runtime.models.load import load
    from edgecv_runtime.models.semantic_segmenter import SemanticSegmenter
    from edgecv_runtime.models.stylizer import Stylizer
    from edgecv_runtime.models.tiles import Tiles
    from edgecv_runtime.results.classification import Classification, ClassScore
    from edgecv_runtime.results.detections import Detection, Detections
    from edgecv_runtime.results.instances import Instance, Instances
    from edgecv_runtime.results.masks import Masks
    from edgecv_runtime.results.result import Result, ScoredResult
    from edgecv_runtime.results.segmentation import ClassArea, Segmentation
    from edgecv_runtime.results.stylized import Stylized
    from edgecv_runtime.tracking.tracker import Tracker
    from edgecv_runtime.zones.report import ZoneEvent, ZoneReport
    from edgecv_runtime.zones.zones import Zones

# From 1.29 on, ONNX Runtime reports to its makers what it is used for, unless this is set before it
# is imported. Who sets it to 0 is not overruled.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_HOMES = {
    "Bundle": "_core",
    "BundleError": "_core",
    "ClassArea": "results.segmentation",
    "ClassScore": "results.classification",
    "Classification": "results.classification",
    "Classifier": "models.classifier",
    "Detection": "results.detections",
    "Detections": "results.detections",
    "Detector": "models.detector",
    "Engine": "_core",
    "EngineError": "_core",
    "Error": "_core",
    "Geometry": "_core",
    "GraphFile": "_core",
    "InputError": "_core",
    "InputSpec": "_core",
    "Instance": "results.instances",
    "InstanceSegmenter": "models.instance_segmenter",
    "Instances": "results.instances",
    "Manifest": "_core",
    "Masks": "results.masks",
    "Result": "results.result",
    "ScoredResult": "results.result",
    "Segmentation": "results.segmentation",
    "SemanticSegmenter": "models.semantic_segmenter",
    "Stylized": "results.stylized",
    "Stylizer": "models.stylizer",
    "TensorSpec": "_core",
    "Tiles": "models.tiles",
    "Tracker": "tracking.tracker",
    "ZoneEvent": "zones.report",
    "ZoneReport": "zones.report",
    "Zones": "zones.zones",
    "load": "models.load",
    "ops": "",
    "read_image": "images.read",
}

__all__ = [
    "Bundle",
    "BundleError",
    "ClassArea",
    "ClassScore",
    "Classification",
    "Classifier",
    "Detection",
    "Detections",
    "Detector",
    "Engine",
    "EngineError",
    "Error",
    "Geometry",
    "GraphFile",
    "InputError",
    "InputSpec",
    "Instance",
    "InstanceSegmenter",
    "Instances",
    "Manifest",
    "Masks",
    "Result",
    "ScoredResult",
    "Segmentation",
    "SemanticSegmenter",
    "Stylized",
    "Stylizer",
    "TensorSpec",
    "Tiles",
    "Tracker",
    "ZoneEvent",
    "ZoneReport",
    "Zones",
    "load",
    "ops",
    "read_image",
]

if not TYPE_CHECKING:

    def __getattr__(name):
        from importlib import import_module

        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home = _HOMES[name]
        if not home:
            return import_module(f"{__name__}.{name}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
        return value

    def __dir__():
        return sorted({*globals(), *__all__})
