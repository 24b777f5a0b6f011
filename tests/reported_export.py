"""An export with its parity report beside it."""

from pathlib import Path
from typing import Any

from edgecv_export import export
from edgecv_export.report import Report


def export_with_report(*arguments: Any, **options: Any) -> tuple[Path, Report]:
    reports: list[Report] = []
    folder = export(*arguments, take_report=reports.append, **options)
    (report,) = reports
    return folder, report
