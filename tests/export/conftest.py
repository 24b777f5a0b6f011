from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from edgecv_export import export
from edgecv_export.generated_images import generate_images
from helpers import small_rcnn
from helpers import small_ssd as small_detector_parts
from helpers.varied_detections import varied_detector
from helpers.varied_rcnn import varied_rcnn

HERE = Path(__file__).parent
SMALL_LABELS = ["ant", "bee", "cow", "dog"]


@pytest.fixture(scope="session")
def small_parts() -> ModuleType:
    return small_detector_parts


@pytest.fixture(scope="session")
def images() -> list[np.ndarray]:
    """Eight generated images of eight shapes, not those of the parity check's own seed."""
    return generate_images(8, seed=1)


@pytest.fixture(scope="session")
def small_detector(small_parts: ModuleType, images: list[np.ndarray]) -> Any:
    return varied_detector(small_parts.make_detector, images)


@pytest.fixture(scope="session")
def small_bundle(small_detector: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("small") / "bundle"
    return export(small_detector, out, labels=SMALL_LABELS).folder


@pytest.fixture(scope="session")
def mask(images: list[np.ndarray]) -> Any:
    """A small Mask R-CNN with weights that give varied results."""
    return varied_rcnn(small_rcnn.make_mask, images, size=96)


@pytest.fixture(scope="session")
def mask_bundle(mask: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(mask, tmp_path_factory.mktemp("mask") / "bundle", labels=SMALL_LABELS).folder


@pytest.fixture(scope="session")
def make_varied(images: list[np.ndarray]) -> Callable[..., Any]:
    """An architecture of the registry with weights that give varied results."""

    def make(architecture: str, num_classes: int, margin: float, **arguments: Any) -> Any:
        from edgecv.models import registry

        return varied_detector(
            lambda: registry.create(architecture, num_classes=num_classes, **arguments),
            images[:4],
            background_margin=margin,
        )

    return make


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real images; tests that need it are skipped where it is absent."""
    default = HERE.parents[2] / "shared" / "data"
    folder = Path(os.environ.get("EDGECV_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no real images at {folder} (set EDGECV_DATA)")
    return folder
