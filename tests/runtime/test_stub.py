"""The committed stub describes the extension that was built."""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def test_the_stub_is_up_to_date(tmp_path):
    fresh = tmp_path / "_core.pyi"
    subprocess.run(
        [sys.executable, "-m", "nanobind.stubgen", "-q", "-m", "edgecv_runtime._core", "-o", fresh],
        check=True,
    )
    committed = REPOSITORY / "runtime/python/edgecv_runtime/_core.pyi"
    assert committed.read_text() == fresh.read_text(), "run `make stub` and commit the result"
