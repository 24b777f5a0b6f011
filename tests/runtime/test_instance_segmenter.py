"""Two-stage bundles over ONNX Runtime, against torchvision's own steps around the same graphs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import edgecv
from edgecv import BundleError, EngineError, InputError

GOLDEN = Path(__file__).parents[1] / "golden" / "bundle_v1_rcnn"
# Height and width: usual ones, below 32 pixels, very long ones.
SIZES = [(64, 64), (100, 160), (480, 640), (333, 77), (31, 20), (72, 900), (700, 60)]
# Their tensors hold cells of padding alone. These score alike, and torch leaves open which of them
# topk takes.
TIED_SIZES = [(7, 9), (1, 1), (40, 900), (700, 30)]


def random_image(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Blocks of random colours, about 8 in each direction, with noise."""
    rng = np.random.default_rng([seed, height, width])
    rows, columns = -(-height // 8), -(-width // 8)
    blocks = rng.integers(0, 256, (min(height, 8), min(width, 8), 3), np.uint8)
    blocks = blocks.repeat(rows, 0).repeat(columns, 1)[:height, :width]
    return (blocks // 2 + rng.integers(0, 128, blocks.shape)).astype(np.uint8)


@pytest.fixture(scope="module")
def model() -> edgecv.InstanceSegmenter:
    model = edgecv.load(GOLDEN, threads=2)
    model.thresholds = model.measuring_threshold  # as torchvision has it
    assert isinstance(model, edgecv.InstanceSegmenter)
    return model


def altered(folder: Path, change) -> Path:
    """A copy of the golden bundle whose manifest `change` has altered."""
    shutil.copytree(GOLDEN, folder)
    manifest = json.loads((folder / "bundle.json").read_text())
    change(manifest)
    (folder / "bundle.json").write_text(json.dumps(manifest))
    return folder


def without_masks(manifest: dict) -> None:
    manifest["task"] = "detect"
    manifest["postprocess"]["mask"] = None
    del manifest["graphs"]["mask"]


def without_proposal_network(manifest: dict) -> None:
    manifest["postprocess"]["rpn"] = None


def assert_same(result, expected) -> None:
    assert len(result) == len(expected.scores)
    np.testing.assert_allclose(result.scores, expected.scores, atol=2e-5)
    np.testing.assert_array_equal(result.labels, expected.labels)
    np.testing.assert_allclose(result.boxes, expected.boxes, atol=1e-3, rtol=1e-5)
    if hasattr(result, "masks"):
        assert result.masks.shape == expected.masks.shape
        # A pixel whose value is 0.5 may fall on either side.
        assert (result.masks != expected.masks).sum() <= 1e-3 * result.masks.size


class TestAgainstTorchvision:
    @pytest.fixture(scope="class")
    @classmethod
    def oracle(cls):
        pytest.importorskip("torchvision")
        from helpers.two_stage_oracle import Oracle

        return Oracle(GOLDEN)

    @pytest.mark.parametrize("size", SIZES)
    def test_images_of_all_shapes(self, model, oracle, size):
        for seed in range(3):
            image = random_image(*size, seed=seed)
            expected = oracle(image)
            assert expected.proposals > 3
            assert_same(model(image), expected)

    def test_the_comparison_sees_detections_of_every_class(self, oracle):
        found = [oracle(random_image(*size, seed=seed)) for size in SIZES[:4] for seed in range(3)]
        assert sum(len(one.scores) for one in found) > 50
        assert {label for one in found for label in one.labels} == {0, 1}
        assert all(one.masks.sum() > 5 for one in found if len(one.scores))

    @pytest.mark.parametrize("size", [*SIZES, (7, 9), (40, 900), (700, 30)])
    def test_the_callers_boxes(self, model, oracle, size):
        height, width = size
        rng = np.random.default_rng(5)
        corners = rng.uniform(0, 1, (30, 2, 2)) * [width, height]
        boxes = np.hstack([corners.min(1), corners.max(1)]).astype(np.float32)
        image = random_image(*size)
        assert_same(model(image, proposals=boxes), oracle(image, boxes))

    def test_boxes_without_masks(self, oracle, tmp_path):
        detector = edgecv.load(altered(tmp_path / "boxes", without_masks), threads=2)
        detector.thresholds = detector.measuring_threshold
        assert type(detector) is edgecv.Detector
        image = random_image(100, 160)
        result = detector(image)
        assert type(result) is edgecv.Detections
        assert_same(result, oracle(image))
        assert detector.steps == ("preprocess", "trunk", "proposals", "roi", "postprocess")


def test_every_size_gives_boxes_inside_the_image(model):
    for height, width in SIZES + TIED_SIZES:
        result = model(random_image(height, width))
        assert result.masks.shape == (len(result), height, width)
        assert (result.boxes >= 0).all()
        assert (result.boxes <= np.float32([width, height] * 2) * (1 + 1e-6)).all()


def test_openvino_gives_what_onnxruntime_gives(model):
    """OpenVINO calls an output by the name of a node before it where it has merged the two."""
    pytest.importorskip("openvino")
    other = edgecv.load(GOLDEN, engine="openvino", threads=2)
    other.thresholds = model.thresholds
    seen = random_image(150, 200)
    assert len(model(seen)) > 3
    assert_same(other(seen), model(seen))


def test_a_list_gives_what_each_image_gives_alone(model):
    images = [random_image(*size) for size in SIZES[:5]]
    images[1] = images[1][..., 0]
    for together, alone in zip(model(images), [model(image) for image in images], strict=True):
        np.testing.assert_array_equal(together.boxes, alone.boxes)
        np.testing.assert_array_equal(together.scores, alone.scores)
        np.testing.assert_array_equal(together.masks, alone.masks)
    assert model([]) == []


def test_nothing_above_the_threshold_and_no_proposal(model, tmp_path):
    image = random_image(100, 160)
    model.thresholds = 1.0
    assert len(model(image)) == 0 and model(image).masks.shape == (0, 100, 160)
    assert model.timing.roi_ms > 0 and model.timing.mask_ms == 0
    model.thresholds = 0.4

    def no_box_is_large_enough(manifest):
        manifest["postprocess"]["rpn"]["min_size"] = 1000

    empty = edgecv.load(altered(tmp_path / "empty", no_box_is_large_enough), threads=2)
    result = empty(image)
    assert len(result) == 0 and result.boxes.shape == (0, 4)
    assert empty.timing.roi_ms == empty.timing.mask_ms == 0


class TestProposals:
    @pytest.fixture(scope="class")
    @classmethod
    def fast(cls, tmp_path_factory):
        folder = tmp_path_factory.mktemp("fast") / "bundle"
        model = edgecv.load(altered(folder, without_proposal_network), threads=2)
        model.thresholds = model.measuring_threshold
        return model

    def test_without_a_proposal_network_they_give_the_same(self, model, fast):
        image, boxes = random_image(100, 160), [[10, 10, 90, 80], [30, 5, 60, 99]]
        np.testing.assert_array_equal(
            fast(image, proposals=boxes).boxes, model(image, proposals=boxes).boxes
        )
        fast.warmup(1)
        with pytest.raises(InputError, match=r"proposals: expected boxes \[N, 4\].*got none"):
            fast(image)

    def test_they_are_clipped_and_dropped(self, model):
        image = random_image(100, 160)
        clipped = model(image, proposals=[[100, 40, 160, 100]])
        reaching = model(image, proposals=[[100, 40, 1e6, 500], [-9, -9, -1, 50], [8, 8, 8, 20]])
        np.testing.assert_array_equal(reaching.boxes, clipped.boxes)
        for nothing in ([], np.zeros((0, 4)), [[-50, 0, 0, 10]], [[50, 50, 40, 60]]):
            assert len(model(image, proposals=nothing)) == 0

    def test_a_list_of_images_takes_a_list_of_boxes(self, model):
        images = [random_image(100, 160), random_image(64, 64)[..., 0], random_image(64, 64)]
        boxes = [np.float32([[0, 0, 80, 60]]), [], [[5, 5, 60, 60], [1, 1, 30, 30]]]
        together = model(images, proposals=boxes)
        for result, image, own in zip(together, images, boxes, strict=True):
            np.testing.assert_array_equal(result.boxes, model(image, proposals=own).boxes)
        assert len(together[1]) == 0

    @pytest.mark.parametrize(
        ("boxes", "message"),
        [
            ([[0, 0, 9, np.nan]], "proposals: box 0 holds NaN or infinity"),
            ([[0, 0, 9, 9], [0, 0, np.inf, 9]], "proposals: box 1 holds NaN or infinity"),
            ([[0, 0, 9, 1e300]], "proposals: box 0 holds NaN or infinity"),
            ([0, 0, 9, 9], r"expected float32 \[N, 4\].* got \[4\]"),
            (np.zeros((2, 5)), r"got \[2, 5\]"),
            (np.zeros((0, 5)), r"got \[0, 5\]"),
            ([[0, 0, 9, 9], [0, 0, 9]], "rows of different lengths"),
            ([["a", "b", "c", "d"]], "got an array of <U1"),
        ],
    )
    def test_unusable_ones_are_one_clear_error(self, model, boxes, message):
        with pytest.raises(InputError, match=message) as caught:
            model(random_image(64, 64), proposals=boxes)
        assert "\n" not in str(caught.value)

    def test_lists_that_do_not_fit_the_images(self, model):
        images = [random_image(64, 64)] * 2
        with pytest.raises(InputError, match="each of 2 images, got 1 items"):
            model(images, proposals=[[[0, 0, 9, 9]]])
        with pytest.raises(InputError, match="each of 2 images, got no list"):
            model(images, proposals=np.zeros((2, 4)))

    def test_a_one_stage_model_takes_none(self):
        ssd = edgecv.load(GOLDEN.parent / "bundle_v1", threads=1)
        with pytest.raises(InputError, match="expected none, since tiny_ssd is not a two-stage"):
            ssd(random_image(64, 64), proposals=[[0, 0, 9, 9]])


class TestLoading:
    def test_every_role_has_its_engine(self, model):
        assert sorted(model.engines) == ["mask", "roi", "trunk"]
        assert model.steps == ("preprocess", "trunk", "proposals", "roi", "mask", "postprocess")
        model(random_image(100, 160))
        timing = model.timing
        assert all(getattr(timing, f"{step}_ms") > 0 for step in model.steps)
        for step in model.steps:
            assert f"{step}_ms={getattr(timing, f'{step}_ms'):.2f}" in repr(timing)

    def test_an_altered_graph_of_any_role_is_refused(self, tmp_path):
        for role in ("trunk", "roi", "mask"):
            folder = Path(shutil.copytree(GOLDEN, tmp_path / role))
            with open(folder / f"{role}.onnx", "ab") as file:
                file.write(b"\0")
            with pytest.raises(BundleError, match=rf"{role}\.onnx differs from bundle\.json"):
                edgecv.load(folder)

    def test_a_precision_that_one_role_lacks(self, tmp_path):
        def halve(manifest):
            manifest["graphs"]["trunk"][0]["precision"] = "fp16"

        with pytest.raises(BundleError, match='no graph "trunk" in precision "fp32"'):
            edgecv.load(altered(tmp_path / "mixed", halve))

    def test_graphs_of_one_precision_are_found(self, tmp_path):
        def halve(manifest):
            for (graph,) in manifest["graphs"].values():
                graph["precision"] = "fp16"

        assert edgecv.load(altered(tmp_path / "half", halve)).precision == "fp16"

    def test_a_graph_with_other_inputs_than_the_manifest_says(self, tmp_path):
        def swap(manifest):
            manifest["graphs"]["roi"][0] |= {
                key: manifest["graphs"]["trunk"][0][key] for key in ("file", "sha256")
            }

        with pytest.raises(EngineError, match='no input "features_0", only "images"'):
            edgecv.load(altered(tmp_path / "swapped", swap))


def test_thresholds_by_class(model):
    image = random_image(100, 160)
    before = model(image)
    assert set(before.labels) == {0, 1}
    model.thresholds = {"dog": 1.0}
    assert set(model(image).labels) == {0}
    model.thresholds = 0.4
    np.testing.assert_array_equal(model(image).boxes, before.boxes)


def test_stream_gives_instances(model, tmp_path):
    cv2 = pytest.importorskip("cv2")
    for index in range(3):
        cv2.imwrite(str(tmp_path / f"{index}.png"), random_image(64, 64, seed=index))
    results = list(model.stream(tmp_path, batch=2))
    assert [Path(result.source).name for result in results] == ["0.png", "1.png", "2.png"]
    for index, result in enumerate(results):
        np.testing.assert_array_equal(result.masks, model(random_image(64, 64, seed=index)).masks)
