"""Commands that build C++, with the CMake and Ninja of this environment first."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
# That of `make test-cpp`, so that the library is compiled once.
BUILD = ROOT / "build" / "cpp-tests-sanitize-OFF"


def attempt(*command: object, **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": path, **environment},
    )


def run(*command: object, **environment: str) -> str:
    done = attempt(*command, **environment)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def openvino_package() -> Path:
    spec = importlib.util.find_spec("openvino")
    assert spec is not None and spec.origin is not None, "pip install 'edgecv[dev]'"
    return Path(spec.origin).parent


def configure(source: Path, folder: Path, *options: str) -> str:
    return run("cmake", "-S", source, "-B", folder, "-G", "Ninja", *options)


def install(build: Path, prefix: Path, *options: str) -> Path:
    """The library, built in `build`, which tests share, and installed in `prefix`."""
    with alone_in(build):
        engines = []
        if build == BUILD:
            options = (*options, *engine_options())
            engines = ["edgecv_openvino", "edgecv_onnxruntime"]
        configure(ROOT / "runtime", build, *options)
        run("cmake", "--build", build, "--target", "edgecv_core", *engines)
        run("cmake", "--install", build, "--prefix", prefix, "--component", "cpp")
    return prefix


@contextmanager
def alone_in(build: Path) -> Iterator[None]:
    """Tests of other processes that build in this folder wait."""
    build.mkdir(parents=True, exist_ok=True)
    with (build / "tests.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def engine_options() -> list[str]:
    """Both engines, in the one folder that is built with them."""
    headers = run(ROOT / "tests" / "cpp" / "onnxruntime_headers", "forky").strip()
    found = ["-DEDGECV_ONNXRUNTIME=ON", f"-DONNXRUNTIME_INCLUDE={headers}"]
    return [*found, "-DEDGECV_OPENVINO=ON", f"-DOpenVINO_DIR={openvino_package() / 'cmake'}"]


def build(project: Path, folder: Path, *packages: Path, options: tuple[str, ...] = ()) -> Path:
    """A project that finds its packages in these folders."""
    configure(project, folder, f"-DCMAKE_PREFIX_PATH={';'.join(map(str, packages))}", *options)
    run("cmake", "--build", folder)
    return folder
