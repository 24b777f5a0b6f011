"""The parity report of an export, read from its bundle."""

import json
from pathlib import Path

from edgecv_export.parity.comparison import Tolerance
from edgecv_export.parity.detection_report import DetectionReport, RawDifference


def read_report(bundle: Path) -> DetectionReport:
    """A detector's, as its bundle has it."""
    values = json.loads((bundle / "bundle.json").read_text())["provenance"]["parity"]
    values["tolerance"] = Tolerance(**values["tolerance"])
    values["raw"] = {name: RawDifference(**raw) for name, raw in values["raw"].items()}
    return DetectionReport(**values)
