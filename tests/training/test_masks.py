"""Instance masks: readers, augmentation and the metric."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torch import Tensor
from torchvision import tv_tensors

from edgecv.data.batches.augmentation import instance_pipeline
from edgecv.data.batches.instances import TrainingInstances, collate_instances
from edgecv.data.coco.masks import from_coco, run_lengths
from edgecv.data.detection_folder import read_folder
from edgecv.data.reading.masks import decode_masks, encode_masks
from edgecv.data.reading.records import DetectionData, Record
from edgecv.data.synthetic import instance_image, write_shapes
from edgecv.training.detection.evaluation import match_labels
from edgecv.training.detection.metrics import Detected, average_precision
from edgecv_runtime import InputError, read_image

HEIGHT, WIDTH = 40, 60


def write_png(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels)


def extent(mask: np.ndarray) -> list[int]:
    rows, columns = np.nonzero(mask)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def rectangle(x1: int, y1: int, x2: int, y2: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[y1:y2, x1:x2] = 1
    return mask


def make_folder(folder: Path, stems: list[str], mask: np.ndarray, suffix: str = "") -> Path:
    for stem in stems:
        write_png(folder / "images" / f"{stem}.jpg", np.zeros((HEIGHT, WIDTH, 3), np.uint8))
        write_png(folder / "masks" / f"{stem}{suffix}.png", mask)
    return folder


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", ["", "_mask"])
def test_mask_folder(tmp_path: Path, dtype: type, suffix: str) -> None:
    mask = np.zeros((HEIGHT, WIDTH), dtype)
    # Ids need not be consecutive; an object may be in two parts; 16 bits hold more than 255.
    other = 300 if dtype is np.uint16 else 7
    mask[5:15, 10:20] = 2
    mask[20:25, 30:33] = other
    mask[39, 59] = other
    make_folder(tmp_path, [str(i) for i in range(30)], mask, suffix)
    data = read_folder(tmp_path, "train")
    assert data.labels == ["object"]
    record = data.records[0]
    assert record.boxes.tolist() == [[10, 5, 20, 15], [30, 20, 60, 40]]
    assert record.labels.tolist() == [0, 0]
    assert not record.ignore.any()
    assert record.masks is not None
    expected = np.stack([mask == 2, mask == other])
    np.testing.assert_array_equal(decode_masks(record.masks, (HEIGHT, WIDTH)), expected)


def test_a_folder_without_splits_is_divided_by_the_names(tmp_path: Path) -> None:
    stems = [f"photo {i}" for i in range(60)]
    make_folder(tmp_path, stems, np.ones((HEIGHT, WIDTH), np.uint8))
    val = {s for s in stems if int.from_bytes(hashlib.sha256(s.encode()).digest(), "big") % 5 == 0}
    assert 6 <= len(val) <= 18
    assert {r.image.stem for r in read_folder(tmp_path, "val").records} == val
    assert {r.image.stem for r in read_folder(tmp_path, "train").records} == set(stems) - val


def test_split_folders_and_class_name(tmp_path: Path) -> None:
    write_shapes(tmp_path, train=2, val=3, size=(64, 80), layout="masks")
    data = read_folder(tmp_path, "val")
    assert data.labels == ["shape"]
    assert len(data.records) == 3
    for record in data.records:
        path = tmp_path / "masks" / "val" / record.image.name
        instances = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        size = read_image(record.image).shape[:2]
        assert record.masks is not None
        each = decode_masks(record.masks, size)
        assert len(each) == instances.max()
        for number, (mask, box) in enumerate(zip(each, record.boxes, strict=True), 1):
            np.testing.assert_array_equal(mask, instances == number)
            assert box.tolist() == extent(mask)


def test_an_image_without_objects(tmp_path: Path) -> None:
    make_folder(tmp_path, [str(i) for i in range(30)], np.zeros((HEIGHT, WIDTH), np.uint8))
    record = read_folder(tmp_path, "train").records[0]
    assert record.boxes.shape == (0, 4)
    assert record.masks == []
    assert decode_masks([], (3, 4)).shape == (0, 3, 4)


def without_mask(folder: Path) -> None:
    (folder / "masks" / "a.png").unlink()


def mask_of_another_size(folder: Path) -> None:
    write_png(folder / "masks" / "a.png", np.zeros((WIDTH, HEIGHT), np.uint8))


def coloured_mask(folder: Path) -> None:
    colours = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    colours[:9] = (0, 128, 255)
    write_png(folder / "masks" / "a.png", colours)


def broken_mask(folder: Path) -> None:
    (folder / "masks" / "a.png").write_bytes(b"not an image")


def two_names(folder: Path) -> None:
    (folder / "classes.txt").write_text("cat\ndog\n")


def other_splits(folder: Path) -> None:
    (folder / "images" / "test").mkdir()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (without_mask, r"masks: no mask for a\.jpg; expected a\.png"),
        (mask_of_another_size, r"a\.png: 40 x 60 pixels, its image a\.jpg has 60 x 40"),
        (
            coloured_mask,
            r"a\.png: 3 channels of uint8, 2 colours such as .*\(255, 128, 0\) \(r, g, b\)",
        ),
        (broken_mask, r"a\.png: cannot be decoded"),
        (two_names, r"classes\.txt: 2 names"),
        (other_splits, r"images: no folder train; there are test"),
    ],
)
def test_bad_mask_folders(tmp_path: Path, spoil: Any, message: str) -> None:
    make_folder(tmp_path, ["a"], np.ones((HEIGHT, WIDTH), np.uint8))
    spoil(tmp_path)
    with pytest.raises(InputError, match=message):
        read_folder(tmp_path, "train")


def test_no_image_in_a_split(tmp_path: Path) -> None:
    make_folder(tmp_path, ["a"], np.ones((HEIGHT, WIDTH), np.uint8))  # "a" falls to train
    with pytest.raises(InputError, match="no image falls to val; sort them into"):
        read_folder(tmp_path, "val")


def write_coco(folder: Path, annotations: list[dict[str, Any]]) -> None:
    write_png(folder / "images" / "train" / "a.png", np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    content = {
        "images": [{"id": 7, "file_name": "a.png", "height": HEIGHT, "width": WIDTH}],
        "categories": [{"id": 9, "name": "dog"}],
        "annotations": [
            {"image_id": 7, "category_id": 9, "bbox": [1, 2, 30, 30], "id": i} | annotation
            for i, annotation in enumerate(annotations, 1)
        ],
    }
    (folder / "instances_train.json").write_text(json.dumps(content))


def test_coco_polygons_and_run_lengths(tmp_path: Path) -> None:
    square, tail = [10, 5, 20, 5, 20, 15, 10, 15], [30.5, 20, 40, 20, 40, 30]
    crowd = rectangle(3, 4, 9, 30)
    # Run lengths by hand: column after column, zeros first.
    runs = [3 * HEIGHT + 4] + [26, HEIGHT - 26] * 5 + [26, HEIGHT - 30 + (WIDTH - 9) * HEIGHT]
    code = coco_mask.encode(np.asfortranarray(crowd))
    size = [HEIGHT, WIDTH]
    write_coco(
        tmp_path,
        [
            {"segmentation": [square, tail]},
            {"segmentation": {"size": size, "counts": runs}, "iscrowd": 1},
            {"segmentation": {"size": size, "counts": code["counts"].decode()}},
        ],
    )
    record = read_folder(tmp_path, "train").records[0]
    assert record.ignore.tolist() == [False, True, False]
    assert record.masks is not None
    first, second, third = decode_masks(record.masks, (HEIGHT, WIDTH))
    np.testing.assert_array_equal(second, crowd)
    np.testing.assert_array_equal(third, crowd)
    # pycocotools' own reader of the file gives the same.
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(tmp_path / "instances_train.json"))
    np.testing.assert_array_equal(first, coco.annToMask(coco.loadAnns([1])[0]))
    np.testing.assert_array_equal(first[5:15, 10:20], 1)
    assert first.sum() == 100 + first[20:30, 30:40].sum()


NO_MASK = [
    {},
    {"segmentation": []},
    {"segmentation": None},
    {"segmentation": [[1, 2, 30, 30]]},  # two points
    {"segmentation": [[5, 5, 5, 5, 5, 5]]},  # no pixel
    {"segmentation": {"size": [HEIGHT, WIDTH], "counts": [HEIGHT * WIDTH]}},
]


@pytest.mark.parametrize("without", NO_MASK, ids=str)
def test_an_object_without_a_mask_leaves_the_others_theirs(
    tmp_path: Path, without: dict[str, Any]
) -> None:
    polygon = {"segmentation": [[1, 2, 31, 2, 31, 32, 1, 32]]}
    write_coco(tmp_path, [polygon, {"bbox": [40, 2, 9, 9], **without}])
    data = read_folder(tmp_path, "train")
    record = data.records[0]
    assert record.masks is not None
    assert (record.masks[0] is not None, record.masks[1]) == (True, None)
    assert record.boxes.tolist() == [[1, 2, 31, 32], [40, 2, 49, 11]]
    assert data.report.lines()[1:] == [
        "train: objects without a mask, which a model of masks does not learn: 1 (a.png)"
    ]
    # It is not learnt, and what is found in its place is no error.
    images = TrainingInstances([record], instance_pipeline(40, 60), masks=True)
    images.pipeline.transforms = [t for t in images.pipeline.transforms if "Resize" in str(t)]
    assert images[0].boxes.shape == (1, 4) and images[0].masks.shape[0] == 1
    images = TrainingInstances([record], instance_pipeline(40, 60), masks=False)
    images.pipeline.transforms = [t for t in images.pipeline.transforms if "Resize" in str(t)]
    assert images[0].boxes.shape == (2, 4)
    found = Detected(
        record.boxes,
        np.array([0.5, 0.9], np.float32),
        record.labels,
        [record.masks[0], encode_masks(rectangle(41, 3, 48, 9)[None])[0]],
    )
    result = average_precision([record], [found], data.labels).masks
    assert result is not None and (result.map, result.objects) == (pytest.approx(1.0), 1)


def test_coco_without_any_mask_has_boxes_only(tmp_path: Path) -> None:
    write_coco(tmp_path, [{}, *({"bbox": [40, 2, 9, 9], **without} for without in NO_MASK)])
    record = read_folder(tmp_path, "train").records[0]
    assert record.masks is None
    assert len(record.boxes) == 2  # those that repeat another are left out


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        ([[1, 2, 3, 4, 5]], "needs pairs of numbers"),
        ([[[1, 2], [3, 4], [5, 6]]], "a polygon of pairs"),
        ([[1, 2, 3, 4, 5, float("nan")]], "has the coordinate nan"),
        ([[1, 2, 3, 4, 5e8, 6]], "has the coordinate 500000000.0, far from its image"),
        ({"size": [HEIGHT, WIDTH], "counts": [2500, -100]}, "damaged .* one of them is -100"),
        ({"size": [HEIGHT, WIDTH], "counts": [2400.0]}, "need whole numbers"),
        ({"size": [HEIGHT, WIDTH], "counts": "PPP"}, "a number without an end"),
        ({"size": [HEIGHT, WIDTH], "counts": "a b"}, "a character that they never hold"),
        ({"size": [HEIGHT, WIDTH], "counts": "1" * 9}, "add up to 21 pixels of 2400"),
        ({"size": [HEIGHT, WIDTH], "counts": ""}, "add up to 0 pixels of 2400"),
        ({"size": [5, 5], "counts": [25]}, r"run lengths for \[5, 5\], the image is \[40, 60\]"),
        ({"size": [HEIGHT, WIDTH], "counts": [25]}, "add up to 25 pixels of 2400"),
        ("abc", "expected polygons or run lengths"),
    ],
)
def test_broken_segmentations(tmp_path: Path, segmentation: Any, message: str) -> None:
    write_coco(tmp_path, [{"segmentation": segmentation}])
    with pytest.raises(InputError, match=f"of a.png: broken segmentation: .*{message}"):
        read_folder(tmp_path, "train")


def test_compressed_run_lengths_are_read_without_pycocotools() -> None:
    generator = np.random.default_rng(0)
    for density in (0.02, 0.5, 0.98):
        mask = (generator.random((HEIGHT, WIDTH)) < density).astype(np.uint8)
        pixels = np.concatenate([[0], mask.ravel(order="F"), [2]])
        starts = np.flatnonzero(np.diff(pixels))
        expected = np.diff(np.concatenate([[0], starts]))
        counts = run_lengths(encode_masks(mask[None])[0]["counts"])
        np.testing.assert_array_equal(counts, expected)


def test_damaged_run_lengths_are_refused_or_hold_a_mask() -> None:
    generator = np.random.default_rng(1)
    whole = encode_masks((generator.random((1, HEIGHT, WIDTH)) < 0.1).astype(np.uint8))[0]
    refused = 0
    for _ in range(400):
        code = bytearray(whole["counts"])
        for _ in range(generator.integers(1, 4)):
            code[generator.integers(len(code))] = generator.integers(40, 120)
        segmentation = {"size": whole["size"], "counts": bytes(code).decode("ascii")}
        try:
            found = from_coco(segmentation, (HEIGHT, WIDTH))
        except ValueError:
            refused += 1
            continue
        assert found is not None
        assert set(np.unique(decode_masks([found], (HEIGHT, WIDTH)))) <= {0, 1}
    assert 350 < refused < 400


def test_synthetic_masks_are_the_same_in_both_layouts(tmp_path: Path) -> None:
    for layout in ("coco", "masks"):
        write_shapes(tmp_path / layout, train=4, val=0, size=(80, 96), seed=5, layout=layout)
    pairs = zip(
        read_folder(tmp_path / "coco", "train").records,
        read_folder(tmp_path / "masks", "train").records,
        strict=True,
    )
    for coco, masks in pairs:
        np.testing.assert_array_equal(read_image(coco.image), read_image(masks.image))
        assert coco.masks == masks.masks
        assert len(coco.masks or []) == len(coco.boxes)


def test_later_shapes_lie_over_earlier_ones() -> None:
    image = instance_image((10, 12), [(0, 0, 6, 6), (4, 4, 8, 8)], [1, 1])
    expected = np.zeros((10, 12), np.uint8)
    expected[:6, :6] = 1
    expected[4:8, 4:8] = 2
    np.testing.assert_array_equal(image, expected)


# One object for each colour channel, none of them a rectangle; label = channel.
CIRCLES = [(50, 40, 25), (120, 50, 30), (70, 100, 16)]


def labelled_image() -> tuple[tv_tensors.Image, dict[str, Tensor]]:
    yy, xx = np.mgrid[:128, :160]
    masks = np.stack([(xx - x) ** 2 + (yy - y) ** 2 <= r**2 for x, y, r in CIRCLES])
    boxes = torch.tensor([extent(mask) for mask in masks], dtype=torch.float32)
    return tv_tensors.Image(torch.from_numpy(masks.astype(np.uint8) * 255)), {
        "boxes": tv_tensors.BoundingBoxes(boxes, format="XYXY", canvas_size=(128, 160)),
        "labels": torch.arange(3),
        "masks": tv_tensors.Mask(torch.from_numpy(masks.astype(np.uint8))),
    }


@pytest.mark.parametrize("flip", ["horizontal", "both"])
def test_masks_move_along_with_image_and_boxes(flip: str) -> None:
    torch.manual_seed(0)
    pipeline = instance_pipeline(96, 160, flip)
    cropped = 0
    for _ in range(60):
        image, target = pipeline(*labelled_image())
        assert min(image.shape[1:]) == 96 or max(image.shape[1:]) == 160
        assert max(image.shape[1:]) <= 160
        masks, boxes = target["masks"].numpy(), target["boxes"].numpy()
        assert masks.shape == (len(boxes), *image.shape[1:])
        assert set(np.unique(masks)) <= {0, 1}
        for mask, box, label in zip(masks, boxes, target["labels"].tolist(), strict=True):
            # The mask is resampled by the nearest pixel; a source pixel may be 3 pixels here.
            np.testing.assert_allclose(extent(mask), box, atol=2.5)
            others = np.delete(image.numpy(), label, 0).max(0)
            excess = image[label].numpy().astype(int) - others
            seen = excess > excess.max() / 2
            overlap = (seen & (mask > 0)).sum() / (seen | (mask > 0)).sum()
            assert overlap > 0.85
            cropped += bool((mask[0] | mask[-1]).any() or (mask[:, 0] | mask[:, -1]).any())
    assert cropped > 20


def test_without_a_resize_box_and_mask_agree_to_the_pixel() -> None:
    torch.manual_seed(1)
    pipeline = instance_pipeline(96, 160)
    steps = [t for t in pipeline.transforms if type(t).__name__ != "Resize"]
    for _ in range(60):
        target: Any = labelled_image()
        for step in steps:
            target = step(*target)
        for mask, box in zip(target[1]["masks"], target[1]["boxes"], strict=True):
            assert box.tolist() == extent(mask.numpy())


def test_zooming_out_adds_background_only() -> None:
    torch.manual_seed(2)
    zoom = instance_pipeline(96, 160).transforms[0]
    zoom.p = 1.0
    area = labelled_image()[1]["masks"].sum()
    for _ in range(5):
        image, target = zoom(*labelled_image())
        assert image.shape[1] > 128
        assert target["masks"].sum() == area
        assert (image[:, target["masks"].sum(0) == 0] <= 127).all()


def test_training_instances_and_batch(tmp_path: Path) -> None:
    write_shapes(tmp_path, train=3, val=0, size=(64, 80), layout="coco")
    records = read_folder(tmp_path, "train").records
    ignored = replace(records[0], ignore=np.ones(len(records[0].labels), np.bool_))
    torch.manual_seed(0)
    for masks in (True, False):
        images = TrainingInstances([ignored, *records[1:]], instance_pipeline(48, 80), masks)
        batch = collate_instances([images[i] for i in range(len(images))])
        assert len({tuple(image.shape) for image in batch.images}) > 1
        empty, *full = batch.targets()
        assert empty["boxes"].shape == (0, 4)
        for image, target in zip(batch.images[1:], full, strict=True):
            assert image.dtype == torch.uint8
            assert target["labels"].min() >= 1
            assert target.keys() == ({"boxes", "labels", "masks"} if masks else {"boxes", "labels"})
            if masks:
                assert target["masks"].shape == (len(target["boxes"]), *image.shape[1:])


def record_of(masks: list[np.ndarray], labels: list[int], ignore: list[bool]) -> Record:
    boxes = np.array([extent(mask) for mask in masks], np.float32).reshape(-1, 4)
    codes = encode_masks(np.array(masks, np.uint8).reshape(-1, HEIGHT, WIDTH))
    return Record(Path("a.png"), boxes, np.array(labels), np.array(ignore, np.bool_), codes)


def detected_of(masks: list[np.ndarray], labels: list[int], scores: list[float]) -> Detected:
    record = record_of(masks, labels, [False] * len(labels))
    return Detected(record.boxes, np.array(scores, np.float32), record.labels, record.masks)


def test_mask_precision_by_hand() -> None:
    # The whole box against its left 7 of 10 columns and one far corner pixel: boxes agree, masks
    # overlap by 0.71: right at 0.5 .. 0.7, wrong from 0.75.
    part = rectangle(10, 5, 17, 15)
    part[14, 19] = 1
    truth = [record_of([rectangle(10, 5, 20, 15)], [0], [False])]
    found = [detected_of([part], [0], [0.9])]
    result = average_precision(truth, found, ["x"])
    assert result.map == pytest.approx(1)
    assert result.masks is not None
    assert result.masks.map50 == pytest.approx(1)
    assert result.masks.map75 == 0
    assert result.masks.map == pytest.approx(0.5)
    plain = result.to_dict()
    assert plain["masks"]["map"] == result.masks.map
    assert plain["masks"]["objects"] == 1
    assert "masks" not in plain["masks"]


def test_no_mask_figures_without_masks_on_both_sides() -> None:
    truth = [record_of([rectangle(10, 5, 20, 15)], [0], [False])]
    boxes_only = Detected(truth[0].boxes, np.ones(1, np.float32), truth[0].labels)
    result = average_precision(truth, [boxes_only], ["x"])
    assert result.masks is None
    assert "masks" not in result.to_dict()


def test_mask_precision_is_pycocotools(tmp_path: Path) -> None:
    """Many images with shifted and spurious masks and crowds, through files and COCO.loadRes."""
    generator = np.random.default_rng(0)

    def boxes(count: int) -> list[tuple[int, ...]]:
        x1, y1 = generator.integers(0, 45, count), generator.integers(0, 25, count)
        return list(zip(x1, y1, x1 + generator.integers(4, 15, count),
                        y1 + generator.integers(4, 15, count), strict=True))  # fmt: skip

    truth, found = [], []
    for _ in range(12):
        objects = boxes(3)
        labels = generator.integers(0, 2, 3)
        truth.append(
            record_of([rectangle(*b) for b in objects], labels.tolist(), [False, False, True])
        )
        moved = [tuple(np.array(b) + generator.integers(0, 3, 4) % 2) for b in objects] + boxes(2)
        found.append(
            detected_of(
                [rectangle(*b) for b in moved],
                [*labels.tolist(), 0, 1],
                generator.uniform(0.1, 1, 5).tolist(),
            )
        )
    result = average_precision(truth, found, ["x", "y"])

    def plain(code: Any) -> dict[str, Any]:
        return {"size": code["size"], "counts": code["counts"].decode()}

    annotations, results = [], []
    for number, (record, detections) in enumerate(zip(truth, found, strict=True), 1):
        for code, label, crowd in zip(record.masks or [], record.labels, record.ignore,
                                      strict=True):  # fmt: skip
            annotations.append(
                {"id": len(annotations) + 1, "image_id": number, "category_id": int(label) + 1,
                 "segmentation": plain(code), "area": float(coco_mask.area(code)),
                 "bbox": coco_mask.toBbox(code).tolist(), "iscrowd": int(crowd)}
            )  # fmt: skip
        for code, label, score in zip(detections.masks or [], detections.labels,
                                      detections.scores, strict=True):  # fmt: skip
            results.append(
                {"image_id": number, "category_id": int(label) + 1, "score": float(score),
                 "segmentation": plain(code)}
            )  # fmt: skip
    images = [{"id": i + 1, "height": HEIGHT, "width": WIDTH} for i in range(len(truth))]
    (tmp_path / "truth.json").write_text(json.dumps({
        "images": images, "annotations": annotations,
        "categories": [{"id": 1, "name": "x"}, {"id": 2, "name": "y"}]}))  # fmt: skip
    (tmp_path / "found.json").write_text(json.dumps(results))
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(tmp_path / "truth.json"))
        evaluation = COCOeval(coco, coco.loadRes(str(tmp_path / "found.json")), "segm")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    assert result.masks is not None
    metrics = [result.masks.map, result.masks.map50, result.masks.map75]
    assert metrics == pytest.approx(evaluation.stats[:3])
    assert 0.1 < result.masks.map < result.masks.map50 < 1
    assert result.masks.objects == 24


def test_the_class_without_a_name_is_the_model_s_only_one() -> None:
    data = DetectionData(["object"], [record_of([rectangle(1, 1, 5, 5)], [0], [False])])
    matched = match_labels(data, ["person"])
    assert matched.labels == ["person"]
    assert matched.records[0].labels.tolist() == [0]
    with pytest.raises(InputError, match="does not know: object"):
        match_labels(data, ["person", "dog"])
