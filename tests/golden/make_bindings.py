"""Writes tests/golden/bindings: what there is in the Python bindings of TensorRT and CUDA.

They come from PyPI without their libraries. TensorRT's need its libraries to be imported; here
libraries that have the same names and do nothing stand in. Then every class, method and signature
can be looked at, though nothing runs.

    python tests/golden/make_bindings.py   # Linux, Python 3.12 or earlier, a C compiler, PyPI
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from helpers.bindings import RECORDED, Described, describe

STUBS = """
#include <stddef.h>
void* createInferBuilder_INTERNAL(void* a, int b) { return NULL; }
void* createInferRefitter_INTERNAL(void* a, void* b, int c) { return NULL; }
void* createInferRuntime_INTERNAL(void* a, int b) { return NULL; }
void* createNvOnnxParserRefitter_INTERNAL(void* a, void* b, int c) { return NULL; }
void* createNvOnnxParser_INTERNAL(void* a, void* b, int c) { return NULL; }
void* getBuilderPluginRegistry(int a) { return NULL; }
int getNvOnnxParserVersion(void) { return 0; }
void* getPluginRegistry(void) { return NULL; }
int initLibNvInferPlugins(void* a, const char* b) { return 0; }
"""
LIBRARIES = ("nvinfer", "nvonnxparser", "nvinfer_plugin")

# Only of these, and of cudart, signatures are kept; of everything else names.
CLASSES = (
    *("Builder", "INetworkDefinition", "ITensor", "OnnxParser", "ParserError", "IBuilderConfig"),
    *("IOptimizationProfile", "ITimingCache", "IProgressMonitor", "ILogger", "Runtime"),
    *("ICudaEngine", "IExecutionContext"),
)


def download(requirement: str, folder: Path) -> Path:
    """A wheel from PyPI, unpacked in the folder."""
    unpacked = folder / requirement.replace("=", "").replace("*", "x")
    if not unpacked.exists():
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
        subprocess.run([*command, "--dest", folder / "wheels", requirement], check=True)
        project = requirement.partition("=")[0].replace("-", "_")
        version = requirement.partition("==")[2].removesuffix("*")
        (wheel,) = (folder / "wheels").glob(f"{project}-{version}*.whl")
        draft = unpacked.with_suffix(".tmp")
        with zipfile.ZipFile(wheel) as zipped:
            zipped.extractall(draft)
        draft.rename(unpacked)
    return unpacked


def describe_tensorrt(requirement: str, major: int, folder: Path) -> Described:
    unpacked = download(requirement, folder)
    source = folder / "stubs.c"
    source.write_text(STUBS)
    libraries = []
    for name in LIBRARIES:
        library = folder / f"lib{name}.so.{major}"
        command = ["cc", "-shared", "-fPIC", f"-Wl,-soname,{library.name}", "-o", library, source]
        subprocess.run(command, check=True, capture_output=True)
        libraries.append(library)
    return describe("tensorrt_bindings.tensorrt", unpacked, libraries)


def write(name: str, found: Described) -> None:
    kept = {
        kind: {member: text if kind in signed else "" for member, text in members.items()}
        for signed in [CLASSES if "tensorrt" in name else ("",)]
        for kind, members in found.items()
        if not kind.startswith("_")
    }
    path = RECORDED / f"{name}.json"
    path.write_text(json.dumps(kept, indent=0, sort_keys=True) + "\n")


def main() -> None:
    RECORDED.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write("tensorrt_10.3", describe_tensorrt("tensorrt-cu12-bindings==10.3.0", 10, folder))
        write("tensorrt_11.4", describe_tensorrt("tensorrt-cu13-bindings==11.4.*", 11, folder))
        unpacked = download("cuda-bindings==12.8.0", folder)
        write("cuda_12.8.0", describe("cuda.bindings.runtime", unpacked))


if __name__ == "__main__":
    main()
