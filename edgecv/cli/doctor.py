"""edgecv doctor: what this machine can run, and what would bring the rest."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from edgecv import __version__
from edgecv.cli.diagnosis.finding import Finding
from edgecv.cli.diagnosis.nvidia import gpu_finding, jetson_findings, tensorrt_finding
from edgecv.cli.output.exit_status import REFUSED
from edgecv_runtime import EngineError
from edgecv_runtime.engines.nvidia.driver import gpu_count
from edgecv_runtime.one_line import joined
from edgecv_runtime.versions import require


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "doctor",
        help="say what this machine can run",
        description="Says what this machine can run and how to install the rest. "
        "Exit status 2 if no engine can run a bundle or OpenCV is missing.",
    )
    parser.add_argument(
        "--self-test",
        action="store_true",
        help="run a small network of every family through every engine, and print a table",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    findings = examine()
    if args.self_test:
        return _self_test(findings, args.json)
    ready = all(finding.state == "ok" for finding in findings if finding.needed)
    if args.json:
        print(json.dumps({"ready": ready, "findings": [asdict(f) for f in findings]}, indent=1))
    else:
        width = max(len(finding.name) for finding in findings)
        for finding in findings:
            print(f"{finding.name:{width}}  {finding.state:12}{finding.detail}")
            if finding.advice is not None:
                print(f"{'':{width}}              -> {finding.advice}")
        print()
        print("ready" if ready else "not ready: follow the first advice above")
    return 0 if ready else 2


def _self_test(findings: list[Finding], as_json: bool) -> int:
    """Exit status 3 if an engine gives wrong results, 2 if there is none."""
    from edgecv.cli.diagnosis.self_test import count_tests, find_targets, run_self_test, table
    from edgecv.cli.output.progress import Progress

    with Progress(count_tests(), "test") as progress:
        outcomes = run_self_test(lambda _: progress.update())
    if as_json:
        record = {"outcomes": [asdict(each) for each in outcomes], "absent": find_targets()[1]}
        print(json.dumps(record, indent=1))
    else:
        shown = [f"{each.name}: {each.detail}" for each in findings if each.state == "ok"]
        print(table(outcomes, find_targets()[1], shown))
    if not outcomes:
        return 2
    return 0 if all(outcome.good for outcome in outcomes) else REFUSED


def examine() -> list[Finding]:
    onnxruntime, tensorrt = _onnxruntime(), tensorrt_finding("tensorrt")
    openvino = package_finding(
        "openvino", "OpenVINO", "pip install 'edgecv[openvino]'", _openvino_devices
    )
    if "ok" in (openvino.state, tensorrt.state):  # there is another that runs bundles
        onnxruntime = replace(onnxruntime, needed=False)
    return [
        Finding("python", "ok", f"{platform.python_version()} on {platform.platform()}"),
        Finding("edgecv", "ok", __version__),
        Finding("cpu", "ok", _processor()),
        onnxruntime,
        tensorrt,
        tensorrt_finding("tensorrt_rtx"),
        openvino,
        opencv_finding(),
        readers_finding(),
        torch_finding(),
        gpu_finding(),
        *jetson_findings(),
    ]


_INSTRUCTION_SETS = {
    "x86_64": ("sse4_2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512_vnni", "amx_int8"),
    "aarch64": ("asimd", "asimdhp", "asimddp", "i8mm", "bf16", "sve"),
}


def _processor() -> str:
    """Model, processors that this process may use, instruction sets that matter."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    fields: dict[str, str] = {}
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            fields.setdefault(name.strip(), value.strip())
    model = fields.get("model name") or platform.processor() or platform.machine()
    flags = set((fields.get("flags") or fields.get("Features") or "").split())
    sets = [name for name in _INSTRUCTION_SETS.get(platform.machine(), ()) if name in flags]
    return f"{model} ({platform.machine()}), {count} usable, {' '.join(sets) or 'flags unknown'}"


def _onnxruntime() -> Finding:
    name = "onnxruntime"
    both = [package for package in ("onnxruntime", "onnxruntime-gpu") if _installed(package)]
    if len(both) == 2:
        return Finding(
            name,
            "broken",
            "onnxruntime and onnxruntime-gpu are both installed and overwrite each other",
            "pip uninstall onnxruntime onnxruntime-gpu, then pip install 'edgecv[cpu]' or [gpu]",
            needed=True,
        )
    advice = "pip install 'edgecv[cpu]', with an NVIDIA GPU 'edgecv[gpu]'"
    finding = package_finding(name, "ONNX Runtime", advice, _providers, needed=True)
    if finding.state == "ok" and gpu_count() and "CUDA" not in finding.detail:
        return replace(
            finding,
            detail=f"{finding.detail}; it cannot use the GPU",
            advice="pip uninstall onnxruntime, then pip install 'edgecv[gpu]'",
        )
    return finding


def package_finding(
    module: str,
    title: str,
    advice: str,
    describe: Callable[[Any], str] | None = None,
    needed: bool = False,
) -> Finding:
    """An engine's package: there, and importable?"""
    if find_spec(module) is None:
        return Finding(module, "missing", f"{title} is not installed", advice, needed)
    try:
        package = importlib.import_module(module)
        require(module)
        detail = getattr(package, "__version__", "version unknown")
        if describe is not None:
            detail += f", {describe(package)}"
    except EngineError as error:  # too old
        return _faulty(module, "broken", error, needed)
    except Exception as error:  # a library that is not there, a driver that does not fit, …
        message = joined(f"{type(error).__name__}: {error}")
        return Finding(module, "broken", f"cannot be imported: {message}", advice, needed)
    return Finding(module, "ok", detail, needed=needed)


def _faulty(name: str, state: str, error: EngineError, needed: bool = False) -> Finding:
    """What the message says is wrong, and, behind its last colon, what to do."""
    detail, _, advice = str(error).rpartition(": ")
    return Finding(name, state, detail, advice, needed)


def _providers(onnxruntime: Any) -> str:
    return ", ".join(onnxruntime.get_available_providers())


def _openvino_devices(openvino: Any) -> str:
    return "devices " + ", ".join(openvino.Core().available_devices)


def opencv_finding() -> Finding:
    from edgecv_runtime.opencv import import_cv2, opencv_has

    try:
        cv2 = import_cv2()
    except EngineError as error:
        absent = isinstance(error.__cause__, ModuleNotFoundError)
        return _faulty("opencv", "missing" if absent else "broken", error, needed=True)
    features = {
        "FFmpeg": opencv_has("FFMPEG"),
        "GStreamer": opencv_has("GStreamer"),
        "V4L2": opencv_has("v4l/v4l2"),
        "windows": "GUI: NONE" not in " ".join(cv2.getBuildInformation().split()),
    }
    listed = ", ".join(f"{name} {'yes' if there else 'no'}" for name, there in features.items())
    return Finding("opencv", "ok", f"{cv2.__version__}, {listed}", needed=True)


def readers_finding() -> Finding:
    """What reads cameras and streams."""
    from edgecv_runtime.sources.live.readers.choice import READERS, reader_is_here
    from edgecv_runtime.sources.live.readers.gstreamer import has_hardware_decoder

    here = [reader for reader in READERS if reader_is_here(reader)]
    if not here:
        advice = "pip install 'edgecv[av]' or an OpenCV; docs/live.md, Readers"
        return Finding("cameras", "missing", "no reader: OpenCV, PyAV or GStreamer", advice)
    detail = ", ".join(here)
    if "gstreamer" in here:
        decoder = "a" if has_hardware_decoder() else "no"
        detail += f" with {decoder} hardware decoder for H.264"
    return Finding("cameras", "ok", detail)


def torch_finding() -> Finding:
    # Importing torch takes seconds and is not needed to know its version.
    found = [f"{name} {version(name)}" for name in ("torch", "torchvision") if _installed(name)]
    if len(found) == 2:
        try:
            for package in ("torch", "torchvision", "lightning", "onnx", "onnxscript"):
                require(package)
        except EngineError as error:  # too old
            return _faulty("torch", "broken", error)
        return Finding("torch", "ok", ", ".join(found))
    advice = "pip install 'edgecv[train,export]'"
    return Finding("torch", "missing", "needed only to train and export", advice)


def _installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True
