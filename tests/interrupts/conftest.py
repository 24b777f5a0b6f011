"""What the sweeps share: the stage, and the tiny bundle."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.tiny_bundle import write_tiny_bundle
from interrupts.sweep import Stage

# Loaded once for all runs. Not engines: their threads do not survive a fork.
LOADED = """
import cv2, numpy, onnx
import edgecv.cli.main, edgecv_export.bundle.draft, edgecv_export.bundle.additions
edgecv.cli.main.build_parser()
"""


@pytest.fixture(scope="session")
def everything() -> bool:
    """Whether all points are tried (`make interrupts`), or a few of each fault."""
    return bool(os.environ.get("EDGECV_ALL_INTERRUPTS"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sweep")


@pytest.fixture(scope="module")
def stage(folder: Path) -> Iterator[Stage]:
    if sys.platform != "linux":
        pytest.skip("strace is Linux's")
    assert shutil.which("strace"), "these tests need strace: apt install strace"
    stage = Stage(folder)
    stage.load(LOADED)
    yield stage
    stage.close()


@pytest.fixture(scope="module")
def bundle(folder: Path) -> Path:
    return write_tiny_bundle(folder / "bundles" / "tiny")
