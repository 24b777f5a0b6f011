"""The real bindings of TensorRT and CUDA, which install from PyPI without their libraries.

TensorRT's bindings need its libraries to be imported; here libraries that have the same names and
do nothing stand in. Then every class, method and signature can be looked at, though nothing runs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

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

# Prints, as JSON: class -> member -> first line of its documentation, which is its signature.
DESCRIBE = """
import ctypes, importlib, json, sys
name, *libraries = sys.argv[1:]
for library in libraries:
    ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
module = importlib.import_module(name)
def first(thing):
    return ((getattr(thing, "__doc__", None) or "").strip().splitlines() or [""])[0]
found = {"": {key: first(getattr(module, key)) for key in dir(module)}}
for key in dir(module):
    thing = getattr(module, key)
    if isinstance(thing, type):
        found[key] = {m: first(getattr(thing, m)) for m in dir(thing) if not m.startswith("__")}
print(json.dumps(found))
"""
Described = dict[str, dict[str, str]]


def download(requirement: str, folder: Path) -> Path:
    """A wheel from PyPI, unpacked and kept in the folder. Skips the test where there is no PyPI."""
    unpacked = folder / requirement.replace("=", "").replace("*", "x")
    if not unpacked.exists():
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
        done = subprocess.run(
            [*command, "--dest", folder / "wheels", requirement], capture_output=True, text=True
        )
        if done.returncode != 0:
            pytest.skip(f"PyPI does not give {requirement}: {done.stderr.strip().splitlines()[-1]}")
        project = requirement.partition("=")[0].replace("-", "_")
        version = requirement.partition("==")[2].removesuffix("*")
        (wheel,) = (folder / "wheels").glob(f"{project}-{version}*.whl")
        draft = unpacked.with_suffix(".tmp")
        with zipfile.ZipFile(wheel) as zipped:
            zipped.extractall(draft)
        draft.rename(unpacked)
    return unpacked


def describe(
    module: str, path: Path | None = None, libraries: list[Path] | None = None
) -> Described:
    """Classes and members of a module, looked at in a process of its own."""
    code = (
        DESCRIBE if path is None else f"import sys; sys.path.insert(0, {str(path)!r})\n{DESCRIBE}"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, module, *map(str, libraries or [])],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    described: Described = json.loads(done.stdout)
    return described


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
