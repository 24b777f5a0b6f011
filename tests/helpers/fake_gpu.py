"""A machine with a fake GPU and a fake TensorRT, and bundles with plans for it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgecv_runtime import Bundle
from edgecv_runtime.engines.built.file import to_json
from edgecv_runtime.engines.built.record import BuiltEngine, ShapeRange
from helpers.fake_cuda import FakeCuda
from helpers.fake_tensorrt import fake_plan, fake_tensorrt

VERSION = "10.3.0"


class FakeMachine:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cuda = FakeCuda()
        self.modules = {
            "tensorrt": fake_tensorrt(self.cuda, VERSION),
            "tensorrt_rtx": fake_tensorrt(self.cuda, "1.7.1", rtx=True),
        }
        monkeypatch.setattr("edgecv_runtime.engines.nvidia.cuda.import_cuda", lambda: self.cuda)
        for user in ("tensorrt", "choice"):
            monkeypatch.setattr(f"edgecv_runtime.engines.{user}.import_tensorrt", self.modules.get)

    def install(
        self,
        folder: Path,
        kind: str = "tensorrt",
        make: Callable[[bytes], bytes] = fake_plan,
        **changes: Any,
    ) -> None:
        """Adds plans for all roles of a bundle to its engines.json."""
        bundle = Bundle.open(folder)
        engines = []
        (folder / "engines").mkdir(exist_ok=True)
        for role, graphs in bundle.manifest.graphs.items():
            plan = make((folder / graphs[0].file).read_bytes())
            file = f"engines/{role}.{kind}.plan"
            (folder / file).write_bytes(plan)
            record: dict[str, Any] = {
                "role": role,
                "kind": kind,
                "version": self.modules[kind].__version__,
                "gpu": "Fake GPU",
                "compute_capabilities": (87,),
                "compatibility": "none",
                "version_compatible": False,
                "precision": "fp32",
                "tf32": False,
                "graph_sha256": graphs[0].sha256,
                "profile": {"images": ShapeRange((1,), (1,), (8,))},
                "built": "2026-11-24T12:00:00+00:00",
                "file": file,
                "sha256": hashlib.sha256(plan).hexdigest(),
            }
            engines.append(BuiltEngine(**record | changes))
        (folder / "engines.json").write_text(to_json(engines))
