"""From a trained PyTorch model to a bundle that runs without PyTorch."""

from edgecv_export.comparison import Tolerance
from edgecv_export.errors import ExportError
from edgecv_export.exporting import export
from edgecv_export.verify import ParityReport
from edgecv_export.wrap import wrap

__all__ = ["ExportError", "ParityReport", "Tolerance", "export", "wrap"]
