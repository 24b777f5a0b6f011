"""Time to import, size of the wheel, peak memory of a process that detects."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from edgecv.models import registry
from edgecv_export import export
from edgecv_export.pictures import generate_pictures
from lively import lively
from timing import header, row

REPOSITORY = Path(__file__).parents[1]

_IMPORT = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
_DETECT = """
import edgecv, numpy, resource
model = edgecv.load({bundle!r}, threads=2)
for _ in range(10):
    model(numpy.zeros((1080, 1920, 3), numpy.uint8))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def number(code: str) -> float:
    return float(
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    )


def main() -> None:
    print(header("what", "measured", "target"))
    imports = {"numpy": [], "edgecv": []}
    for _ in range(15):
        for name, runs in imports.items():
            runs.append(1000 * number(_IMPORT.format(name)))
    numpy_ms, edgecv_ms = median(imports["numpy"]), median(imports["edgecv"])
    print(row("import numpy", f"{numpy_ms:.0f} ms", ""))
    print(row("import edgecv", f"{edgecv_ms:.0f} ms", ""))
    print(row("import edgecv / import numpy", f"{edgecv_ms / numpy_ms:.2f}×", "≤ 1.3×"))
    with tempfile.TemporaryDirectory() as folder:
        build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
        subprocess.run([*build, "-w", folder, str(REPOSITORY)], check=True)
        wheel = next(Path(folder).glob("*.whl"))
        print(row("wheel", f"{wheel.stat().st_size / 1e6:.2f} MB", "< 1 MB"))
        network = lively(
            lambda: registry.create("ssdlite320_mobilenet_v3_large", num_classes=91),
            generate_pictures(8),
        )
        labels = [f"class {index}" for index in range(1, 91)]
        bundle = export(network, Path(folder) / "ssdlite", labels=labels)
        peak = number(_DETECT.format(bundle=str(bundle)))
        print(row("peak memory, ssdlite320 on 1080p frames", f"{peak:.0f} MiB", ""))
        print(row("peak memory, import numpy alone", f"{number(_IDLE):.0f} MiB", ""))


_IDLE = """
import numpy, resource
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


if __name__ == "__main__":
    main()
