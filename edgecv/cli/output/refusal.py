"""What is said when nothing was written: a check refused what was made, or torch failed."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from edgecv.cli.output.exit_status import OUR_FAULT, REFUSED
from edgecv.cli.output.flags import in_flags
from edgecv_runtime.one_line import joined

if TYPE_CHECKING:
    from edgecv_export import ExportError


def say_failure(error: ExportError, record: dict[str, Any] | None = None, key: str = "") -> int:
    """Prints what was measured, where something was, and why it failed; the exit status.

    Args:
        record: what ``--json`` prints besides, with what was measured under ``key``; None: a table
            for a person is printed.
    """
    from edgecv_export import RefusedError

    if error.report is not None:
        found = error.report
        print(found.table() if record is None else json.dumps({**record, key: found.to_dict()}))
    print("edgecv: error:", joined(in_flags(error)), file=sys.stderr)
    return REFUSED if isinstance(error, RefusedError) else OUR_FAULT
