"""Bundles whose networks are not the model's any more."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper


def with_altered_weights(bundle: Path, role: str, folder: Path, factor: float = 1.05) -> Path:
    """A copy, in ``folder``, with all weights of the first graph of ``role`` scaled."""
    shutil.copytree(bundle, folder)
    manifest: Any = json.loads((folder / "bundle.json").read_text())
    record = manifest["graphs"][role][0]
    path = folder / record["file"]
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.ndim >= 2:
            tensor.CopyFrom(numpy_helper.from_array(values * np.float32(factor), tensor.name))
    path.write_bytes(model.SerializeToString())
    record["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "bundle.json").write_text(json.dumps(manifest))
    return folder
