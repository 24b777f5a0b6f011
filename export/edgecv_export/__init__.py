"""From a trained PyTorch model to a bundle that runs without PyTorch."""

from edgecv.models.architecture.windows import WindowOptions
from edgecv_export import _moved as _moved  # old names of modules
from edgecv_export.errors import ExportError, RefusedError
from edgecv_export.exporting import Exported, export
from edgecv_export.options import GraphOptions, Origin
from edgecv_export.parity.comparison import Tolerance
from edgecv_export.parity.detection_report import DetectionReport
from edgecv_export.wrapping.wrap import wrap

__all__ = [
    "DetectionReport",
    "ExportError",
    "Exported",
    "GraphOptions",
    "Origin",
    "RefusedError",
    "Tolerance",
    "WindowOptions",
    "export",
    "wrap",
]
