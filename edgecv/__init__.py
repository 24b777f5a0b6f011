"""Takes a vision model trained in PyTorch and runs it at the edge.

The names here are the runtime's; training and export live in ``edgecv.training`` and
``edgecv_export`` and are imported by those who need them.
"""

from edgecv_runtime import (
    BundleError,
    Detections,
    Detector,
    EngineError,
    Error,
    InputError,
    InputSpec,
    Instances,
    InstanceSegmenter,
    Masks,
    Stylized,
    Stylizer,
    load,
    ops,
    read_image,
)
from edgecv_runtime._core import version as __version__

__all__ = [
    "BundleError",
    "Detections",
    "Detector",
    "EngineError",
    "Error",
    "InputError",
    "InputSpec",
    "InstanceSegmenter",
    "Instances",
    "Masks",
    "Stylized",
    "Stylizer",
    "__version__",
    "load",
    "ops",
    "read_image",
]
