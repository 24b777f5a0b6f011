"""From a trained PyTorch model to a bundle that runs without PyTorch."""

from edgecv_export.errors import ExportError
from edgecv_export.exporting import export
from edgecv_export.parity.comparison import Tolerance
from edgecv_export.parity.detection_report import DetectionReport
from edgecv_export.wrapping.wrap import wrap

__all__ = ["DetectionReport", "ExportError", "Tolerance", "export", "wrap"]
