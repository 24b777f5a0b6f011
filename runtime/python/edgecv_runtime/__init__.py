"""The lightweight runtime: a bundle and an engine become a model. Needs NumPy only."""

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
from edgecv_runtime.classification import Classification, ClassScore
from edgecv_runtime.classifier import Classifier
from edgecv_runtime.detector import Detector
from edgecv_runtime.images import read_image
from edgecv_runtime.instance_segmenter import InstanceSegmenter
from edgecv_runtime.instances import Instance, Instances
from edgecv_runtime.load import load
from edgecv_runtime.masks import Masks
from edgecv_runtime.result import Result, ScoredResult
from edgecv_runtime.results import Detection, Detections
from edgecv_runtime.segmentation import ClassArea, Segmentation
from edgecv_runtime.semantic_segmenter import SemanticSegmenter
from edgecv_runtime.stylized import Stylized
from edgecv_runtime.stylizer import Stylizer
from edgecv_runtime.tiles import Tiles

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
    "load",
    "ops",
    "read_image",
]
