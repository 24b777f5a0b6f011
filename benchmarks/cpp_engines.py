"""C++ with the ONNX Runtime engine: start to first result, memory, and a frame, for ssdlite320.

    python benchmarks/cpp_engines.py

Start and memory are compared with a C++ program that has ONNX Runtime alone (load and run, nothing
before or behind), a frame of 1080p with Python. All take turns, in processes of their own, and the
least of each counts. The table goes to benchmarks/results/cpp_engines.md.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import subprocess
import sys
import tempfile
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path

from latency import make_bundle
from timing import THREADS, header, row

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "cpp-benchmarks"
RESULT = Path(__file__).parent / "results" / "cpp_engines.md"
NETWORK = "ssdlite320_mobilenet_v3_large"
FRAMES = 60  # of a process
PYTHON = """
import sys, time
import numpy as np
import edgecv
model = edgecv.load(sys.argv[1], engine="onnxruntime", device="cpu", threads=int(sys.argv[2]))
index = np.arange(1080 * 1920 * 3)
frame = (index // 97 * 31 % 253 // 2 + index % 128).astype(np.uint8).reshape(1080, 1920, 3)
for k in range(5 + int(sys.argv[3])):
    started = time.perf_counter()
    model(frame)
    if k >= 5:
        print((time.perf_counter() - started) * 1000)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20, help="processes of each kind")
    args = parser.parse_args()
    build()
    with tempfile.TemporaryDirectory() as folder:
        bundle = make_bundle(NETWORK, Path(folder) / "model" / "bundle")
        starts = measure_starts(bundle, Path(folder) / "cache", args.rounds)
        frames = measure_frames(bundle, args.rounds)
    lines = [
        header("", "start to first result, ms", "of ONNX Runtime alone", "memory, MB", "ratio")
    ]
    alone = starts["ONNX Runtime alone"]
    for name, (seconds, memory) in starts.items():
        lines.append(row(name, seconds * 1000, seconds / alone[0], memory, memory / alone[1]))
    lines += ["", header("a 1080p frame", "least, ms", "of Python")]
    for name, least in frames.items():
        lines.append(row(name, least, least / frames["Python"]))
    text = "\n".join(lines)
    print(text)
    RESULT.write_text(
        f"# The C++ engine of ONNX Runtime\n\n{NETWORK}, {platform.machine()}, "
        f"onnxruntime {version('onnxruntime')}, {THREADS} threads, {args.rounds} processes of each "
        f"kind in turn, the least of each. `python benchmarks/cpp_engines.py` makes this file.\n\n"
        f"{text}\n",
        encoding="utf-8",
    )


def build() -> None:
    script = ROOT / "tests" / "cpp" / "onnxruntime_headers"
    include = subprocess.run([script, "forky"], capture_output=True, text=True, check=True).stdout
    configure = ["cmake", "-S", ROOT / "benchmarks" / "cpp", "-B", BUILD, "-G", "Ninja"]
    subprocess.run([*configure, f"-DONNXRUNTIME_INCLUDE={include.strip()}"], check=True)
    subprocess.run(["cmake", "--build", BUILD], check=True)


def library() -> Path:
    spec = importlib.util.find_spec("onnxruntime")
    assert spec is not None and spec.origin is not None
    (found,) = (Path(spec.origin).parent / "capi").glob("libonnxruntime.so*")
    return found


def printed(*command: object) -> list[list[float]]:
    """Lines of numbers that a program prints."""
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "EDGECV_ONNXRUNTIME": str(library()), "ORT_DISABLE_TELEMETRY": "1"},
    )
    return [[float(word) for word in line.split()] for line in done.stdout.splitlines()]


def measure_starts(bundle: Path, cache: Path, rounds: int) -> dict[str, tuple[float, float]]:
    """Seconds and megabytes."""
    ours = [BUILD / "first_result", bundle, THREADS]
    shape = "1x3x320x320"
    peers = {
        "ONNX Runtime alone": [
            *[BUILD / "bare_onnxruntime", library(), bundle / "main.onnx", THREADS, shape]
        ],
        "edgecv": ours,
        "edgecv, optimized graph kept": [*ours, cache],
    }
    found: dict[str, list[list[float]]] = defaultdict(list)
    for _ in range(rounds):
        for name, command in peers.items():
            found[name] += printed(*command)
    return {
        name: (min(line[0] for line in lines), min(line[1] for line in lines))
        for name, lines in found.items()
    }


def measure_frames(bundle: Path, rounds: int) -> dict[str, float]:
    """Milliseconds."""
    peers = {
        "C++": [BUILD / "frames", bundle, "cpu", THREADS, FRAMES],
        "Python": [sys.executable, "-c", PYTHON, bundle, THREADS, FRAMES],
    }
    least: dict[str, float] = defaultdict(lambda: float("inf"))
    for _ in range(rounds):
        for name, command in peers.items():
            least[name] = min(least[name], *(line[0] for line in printed(*command)))
    return least


if __name__ == "__main__":
    main()
