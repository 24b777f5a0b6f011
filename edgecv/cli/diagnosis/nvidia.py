"""What `edgecv doctor` says of TensorRT, TensorRT for RTX and what they need."""

from __future__ import annotations

import subprocess
from importlib.util import find_spec
from pathlib import Path

from edgecv.cli.diagnosis.finding import Finding
from edgecv_runtime.one_line import joined


def tensorrt_finding(kind: str) -> Finding:
    """One of the two: installed, recent enough, and with a GPU to run on?"""
    from edgecv_runtime import EngineError
    from edgecv_runtime.engines.nvidia.cuda import describe_gpu
    from edgecv_runtime.engines.tensorrt_modules import (
        KINDS,
        import_tensorrt,
        known_capabilities,
        why_unsupported,
    )

    described = KINDS[kind]
    if find_spec(kind) is None:
        return Finding(
            kind, "missing", f"{described.title} is not installed", _advice(described.advice)
        )
    try:
        trt = import_tensorrt(kind)
    except EngineError as error:
        return Finding(kind, "broken", str(error), _advice(described.advice))
    detail = str(trt.__version__)
    try:
        gpu = describe_gpu()
        why_not = None
    except EngineError as error:
        gpu, why_not = None, str(error)
    if kind == "tensorrt":
        if gpu is None:
            return Finding(kind, "broken", f"{detail}, cannot be used: {why_not}")
        return Finding(kind, "ok", f"{detail}, builds for and runs on {gpu.name}")
    known = known_capabilities(trt)
    detail += f", builds for compute capabilities {', '.join(map(str, known))}"
    if gpu is None:
        return Finding(kind, "ok", f"{detail}; runs none here: {why_not}")
    unsupported = why_unsupported(trt, kind, gpu)
    if unsupported is not None:
        return Finding(kind, "unsupported", unsupported)
    return Finding(kind, "ok", f"{detail}; runs on {gpu.name}")


def _advice(advice: str) -> str:
    if on_jetson():
        return "comes with JetPack, seen from a venv with --system-site-packages: docs/jetson.md"
    return advice.partition(";")[0]


def gpu_finding() -> Finding:
    query = "name,compute_cap,memory.total,driver_version"
    command = ["nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except FileNotFoundError:
        return _gpu_of_driver()
    except subprocess.TimeoutExpired:
        return Finding("gpu", "broken", "nvidia-smi does not answer", "restart the machine")
    if done.returncode != 0:
        message = joined(done.stdout + done.stderr)
        return Finding("gpu", "broken", message, "check the NVIDIA driver")
    return Finding("gpu", "ok", "; ".join(done.stdout.strip().splitlines()))


def _gpu_of_driver() -> Finding:
    """Where there is no nvidia-smi, as on JetPack 6.0 and before."""
    from edgecv_runtime.engines.nvidia.driver import gpu_count

    if gpu_count():
        return Finding("gpu", "ok", f"{gpu_count()} by the driver; no nvidia-smi")
    return Finding("gpu", "missing", "no nvidia-smi: no NVIDIA driver on this machine")


def on_jetson() -> bool:
    return Path("/etc/nv_tegra_release").exists()


def jetson_findings() -> list[Finding]:
    if not on_jetson():
        return []
    model = Path("/proc/device-tree/model")
    name = model.read_text(encoding="utf-8").strip("\0\n") + ", " if model.exists() else ""
    release = Path("/etc/nv_tegra_release").read_text(encoding="utf-8").splitlines()[0].strip("# ")
    return [Finding("jetson", "ok", name + release)]
