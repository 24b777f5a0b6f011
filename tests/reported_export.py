"""An export and its parity report."""

import json
from pathlib import Path
from typing import Any

from edgecv_export import export
from edgecv_export.comparison import Tolerance
from edgecv_export.report import Report
from edgecv_export.verify import ParityReport


def export_with_report(*arguments: Any, **options: Any) -> tuple[Path, Report]:
    reports: list[Report] = []
    folder = export(*arguments, take_report=reports.append, **options)
    (report,) = reports
    return folder, report


def read_report(bundle: Path) -> ParityReport:
    """A detector's, as its bundle has it."""
    values = json.loads((bundle / "bundle.json").read_text())["provenance"]["parity"]
    return ParityReport(**{**values, "tolerance": Tolerance(**values["tolerance"])})
