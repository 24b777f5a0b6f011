"""An export and its parity report."""

import json
from pathlib import Path
from typing import Any

from edgecv_export import export
from edgecv_export.parity.comparison import Tolerance
from edgecv_export.parity.detection_report import DetectionReport, RawDifference
from edgecv_export.parity.report import Report


def export_with_report(*arguments: Any, **options: Any) -> tuple[Path, Report]:
    reports: list[Report] = []
    folder = export(*arguments, take_report=reports.append, **options)
    (report,) = reports
    return folder, report


def read_report(bundle: Path) -> DetectionReport:
    """A detector's, as its bundle has it."""
    values = json.loads((bundle / "bundle.json").read_text())["provenance"]["parity"]
    values["tolerance"] = Tolerance(**values["tolerance"])
    values["raw"] = {name: RawDifference(**raw) for name, raw in values["raw"].items()}
    return DetectionReport(**values)
