"""What an engine is given to read a graph from."""

from __future__ import annotations

import os
from pathlib import Path


def path_or_content(path: str | os.PathLike[str]) -> str | bytes:
    """The path, or the file's bytes where the path is not UTF-8: ONNX Runtime and OpenVINO take no
    other names."""
    name = os.fspath(path)
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return Path(name).read_bytes()
    return name
