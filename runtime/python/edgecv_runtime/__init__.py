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
