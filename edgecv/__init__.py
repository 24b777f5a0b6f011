"""Takes a vision model trained in PyTorch and runs it at the edge.

The names here are the runtime's; training and export live in ``edgecv.training`` and
``edgecv_export`` and are imported by those who need them.
"""

from edgecv_runtime import (
    BundleError,
    ClassArea,
    Classification,
    Classifier,
    ClassScore,
    Detection,
    Detections,
    Detector,
    EngineError,
    Error,
    InputError,
    InputSpec,
    Instance,
    Instances,
    InstanceSegmenter,
    Masks,
    Segmentation,
    SemanticSegmenter,
    Stylized,
    Stylizer,
    Tiles,
    load,
    ops,
    read_image,
)
from edgecv_runtime._core import version as __version__

__all__ = [
    "BundleError",
    "ClassArea",
    "ClassScore",
    "Classification",
    "Classifier",
    "Detection",
    "Detections",
    "Detector",
    "EngineError",
    "Error",
    "InputError",
    "InputSpec",
    "Instance",
    "InstanceSegmenter",
    "Instances",
    "Masks",
    "Segmentation",
    "SemanticSegmenter",
    "Stylized",
    "Stylizer",
    "Tiles",
    "__version__",
    "load",
    "ops",
    "read_image",
]
