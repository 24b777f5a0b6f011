"""Engines report nothing to their makers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.tiny_bundle import write_tiny_bundle

LOAD = "import sys, edgecv; edgecv.load(sys.argv[1], engine='onnxruntime')"


def cached_by(code: str, bundle: Path, home: Path, **more: str) -> list[str]:
    """The files that a process leaves in its home."""
    home.mkdir()
    unset = {"ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME", "CI", "GITHUB_ACTIONS"}
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    environment |= {"HOME": str(home), **more}
    subprocess.run([sys.executable, "-B", "-c", code, bundle], env=environment, check=True)
    return [path.name for path in home.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    "code",
    [
        LOAD,
        "import edgecv_runtime, onnxruntime",
        "import edgecv_export.outputs.graph_session, onnxruntime",
    ],
)
def test_onnx_runtime_keeps_no_reports(tmp_path: Path, code: str) -> None:
    bundle = write_tiny_bundle(tmp_path / "bundle")
    assert cached_by(code, bundle, tmp_path / "home") == []


def test_a_choice_of_the_user_is_kept(tmp_path: Path) -> None:
    bundle = write_tiny_bundle(tmp_path / "bundle")
    code = f"{LOAD}; import os; sys.exit(os.environ['ORT_DISABLE_TELEMETRY'] != '0')"
    cached_by(code, bundle, tmp_path / "home", ORT_DISABLE_TELEMETRY="0")
