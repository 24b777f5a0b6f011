"""A bundle that gives other results than its model is found out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgecv_export import ExportError, Tolerance, export
from edgecv_export.generated_images import generate_images
from edgecv_export.graphs.families import cut_model
from edgecv_export.parity.detection_report import DetectionReport
from edgecv_export.parity.ssd import verify_ssd
from helpers.altered_graph import with_altered_weights
from helpers.parity_report import read_report


@pytest.fixture
def tamper(
    small_bundle: Path, small_detector: Any, images: list[np.ndarray], tmp_path: Path
) -> Callable[..., DetectionReport]:
    """Changes the bundle's manifest and verifies it again."""

    def run(change: Callable[[dict[str, Any]], None]) -> DetectionReport:
        folder = tmp_path / "tampered"
        shutil.copytree(small_bundle, folder)
        manifest = json.loads((folder / "bundle.json").read_text())
        change(manifest)
        (folder / "bundle.json").write_text(json.dumps(manifest))
        return verify_ssd(cut_model(small_detector), folder, images[:5], Tolerance())

    return run


def test_an_untouched_bundle_passes(tamper: Callable[..., DetectionReport]) -> None:
    report = tamper(lambda manifest: None)
    assert report.passed
    assert not report.degenerate
    assert report.pictures == 5
    assert report.matched >= 100
    assert report.unmatched == 0
    assert report.matched + report.excepted >= report.detections
    assert 0 < report.score_difference < 1e-4
    assert 0 < report.box_difference_1080p < 0.1


def _change(*path: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(manifest: dict[str, Any]) -> None:
        record: Any = manifest
        for key in path[:-1]:
            record = record[key]
        record[path[-1]] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        _change("input", "mean", value=[0.4, 0.5, 0.63]),
        _change("input", "std", value=[0.2, 0.25, 0.31]),
        _change("input", "color", value="bgr"),
        _change("input", "antialias", value=True),
        _change("postprocess", "anchors", "scales", value=[0.15, 0.35, 0.6, 0.93]),
        _change("postprocess", "anchors", "aspect_ratios", 1, value=[3, 2]),
        _change("postprocess", "anchors", "clip", value=True),
        _change("postprocess", "boxes", "weights", value=[8, 9, 4, 5.3]),
        _change("postprocess", "score_threshold", value=0.07),
        _change("postprocess", "iou_threshold", value=0.55),
        _change("postprocess", "topk_candidates", value=25),
        _change("postprocess", "max_detections", value=50),
    ],
    ids=[
        "mean", "std", "color", "antialias", "scales", "ratios", "clip", "weights", "score", "iou",
        "topk", "max_detections",
    ],
)  # fmt: skip
def test_a_changed_bundle_fails(
    change: Callable[[dict[str, Any]], None], tamper: Callable[..., DetectionReport]
) -> None:
    report = tamper(change)
    assert not report.passed
    assert (
        report.unmatched > 0
        or report.box_difference_1080p > report.tolerance.box
        or report.score_difference > report.tolerance.score
    )


def test_the_report_is_in_the_bundle(small_bundle: Path) -> None:
    report = read_report(small_bundle)
    assert report.passed
    assert report.pictures == 8
    assert report.tolerance == Tolerance(box=0.5, score=1e-3, raw=1e-3)
    assert "matched one to one" in report.table()
    assert str(small_bundle) not in (small_bundle / "bundle.json").read_text()


def test_export_of_a_model_that_does_more_than_its_attributes_say(
    small_parts: Any, images: list[np.ndarray], tmp_path: Path
) -> None:
    from helpers.varied_detections import varied_detector

    detector: Any = varied_detector(small_parts.make_detector, images)

    class Halving(type(detector)):  # type: ignore[misc]
        def postprocess_detections(self, *args: Any) -> Any:
            results = super().postprocess_detections(*args)
            return [{**r, "boxes": r["boxes"] / 2} for r in results]

    detector.__class__ = Halving
    with pytest.raises(ExportError, match="does not give the model's results") as caught:
        export(detector, tmp_path / "out", labels=["a", "b", "c", "d"])
    assert caught.value.report is not None
    assert caught.value.report.box_difference_1080p > 5
    assert list(tmp_path.iterdir()) == []


def test_untrained_weights_compare_raw_outputs(small_parts: Any, tmp_path: Path) -> None:
    detector = small_parts.make_seeded()
    detector.score_thresh = 0.99
    report = read_report(export(detector, tmp_path / "out", labels=["a", "b", "c", "d"]).folder)
    assert report.degenerate
    assert report.passed
    assert report.detections == 0
    assert "parity proves little" in report.table()
    assert set(report.raw) == {"logits", "deltas"}
    for raw in report.raw.values():
        assert 0 < raw.difference <= 1e-3 * max(raw.largest, 1)


def test_another_network_fails(
    small_bundle: Path, small_detector: Any, images: list[np.ndarray], tmp_path: Path
) -> None:
    """What the model's own code makes of its outputs is what the runtime makes of them: nothing
    but the outputs themselves shows it."""
    folder = with_altered_weights(small_bundle, "main", tmp_path / "out")
    report = verify_ssd(cut_model(small_detector), folder, images[:2], Tolerance())
    assert not report.passed
    assert "raw logits differ by" in report.failure()


def test_untrained_weights_with_another_graph_fail(small_parts: Any, tmp_path: Path) -> None:
    detector = small_parts.make_seeded()
    detector.score_thresh = 0.99
    folder = export(detector, tmp_path / "out", labels=["a", "b", "c", "d"]).folder
    altered = with_altered_weights(folder, "main", tmp_path / "altered")
    report = verify_ssd(cut_model(detector), altered, generate_images(2), Tolerance())
    assert report.degenerate and not report.passed
