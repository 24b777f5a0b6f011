"""Time to import, size of the wheel, peak memory of a process that detects."""

from __future__ import annotations

import compileall
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from edgecv.models import registry
from edgecv_export import export
from edgecv_export.generated_images import generate_images
from helpers.varied_detections import varied_detector
from timing import header, row

REPOSITORY = Path(__file__).parents[1]

_IMPORT = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
# Not ru_maxrss: a child begins with its parent's.
_PEAK = """
import re
print(int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024)
"""
_DETECT = """
import edgecv, numpy
model = edgecv.load({bundle!r}, threads=2)
for _ in range(10):
    model(numpy.zeros((1080, 1920, 3), numpy.uint8))
"""


def number(code: str, packages: list[str]) -> float:
    """What a fresh interpreter prints. -S leaves out site, and with it the hooks of this editable
    installation: packages are found as a user of the wheel has them."""
    path = f"import sys; sys.path[:0] = {packages!r}\n"
    command = [sys.executable, "-S", "-c", path + code]
    return float(subprocess.run(command, capture_output=True, check=True).stdout)


def main() -> None:
    print(header("what", "measured", "target"))
    with tempfile.TemporaryDirectory() as folder:
        build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
        subprocess.run([*build, "-w", folder, str(REPOSITORY)], check=True)
        wheel = next(Path(folder).glob("*.whl"))
        installed = str(Path(folder) / "installed")
        zipfile.ZipFile(wheel).extractall(installed)
        compileall.compile_dir(installed, quiet=1)  # as pip does
        packages = [installed, sysconfig.get_paths()["platlib"]]
        imports: dict[str, list[float]] = {"numpy": [], "edgecv": []}
        for _ in range(16):
            for name, runs in imports.items():
                runs.append(1000 * number(_IMPORT.format(name), packages))
        numpy_ms, edgecv_ms = (median(runs[1:]) for runs in imports.values())
        print(row("import numpy", f"{numpy_ms:.0f} ms", ""))
        print(row("import edgecv", f"{edgecv_ms:.0f} ms", ""))
        print(row("import edgecv / import numpy", f"{edgecv_ms / numpy_ms:.2f}×", "≤ 1.3×"))
        print(row("wheel", f"{wheel.stat().st_size / 1e6:.3f} MB", "< 1 MB"))
        network = varied_detector(
            lambda: registry.create("ssdlite320_mobilenet_v3_large", num_classes=91),
            generate_images(8),
        )
        labels = [f"class {index}" for index in range(1, 91)]
        bundle = export(network, Path(folder) / "ssdlite", labels=labels).folder
        peak = number(_DETECT.format(bundle=str(bundle)) + _PEAK, packages)
        print(row("peak memory, ssdlite320 on 1080p frames", f"{peak:.0f} MiB", ""))
        idle = number("import numpy" + _PEAK, packages)
        print(row("peak memory, import numpy alone", f"{idle:.0f} MiB", ""))


if __name__ == "__main__":
    main()
