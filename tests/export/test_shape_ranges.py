"""Which shapes engines are built for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgecv_export.tensorrt.shape_ranges import ShapeWishes, check_wishes, shape_ranges
from edgecv_runtime import InputError, Manifest
from edgecv_runtime.engines.built.record import ShapeRange

GOLDEN = Path(__file__).parents[1] / "golden"


def manifest(bundle: str, **changes: Any) -> Manifest:
    record = json.loads((GOLDEN / bundle / "bundle.json").read_text())
    record["input"] |= changes
    return Manifest.from_json(json.dumps(record))


def ranges(made: Manifest, role: str, **wishes: Any) -> dict[str, ShapeRange]:
    return shape_ranges(made, role, made.graphs[role][0], ShapeWishes(**wishes))


def fixed(*shape: int) -> ShapeRange:
    return ShapeRange(shape, shape, shape)


def test_a_one_stage_network_takes_one_image_unless_told_otherwise() -> None:
    made = manifest("bundle_v1")
    (images,) = made.graphs["main"][0].inputs
    assert images.shape[0] == -1
    rest = images.shape[1:]
    assert ranges(made, "main") == {"images": fixed(1, *rest)}
    expected = ShapeRange((1, *rest), (4, *rest), (8, *rest))
    assert ranges(made, "main", batch=(1, 4, 8)) == {"images": expected}


def test_a_fixed_size_cannot_be_wished_away() -> None:
    with pytest.raises(InputError, match=r"`height_width`: the graph takes \d+x\d+ and nothing"):
        ranges(manifest("bundle_v1"), "main", height_width=((32, 32),) * 3)


# The golden two-stage bundle: shortest edge 64, at most 128, padded to 16; strides 8 and 16.
def test_a_trunk_takes_what_the_resize_rule_gives() -> None:
    expected = ShapeRange((1, 3, 32, 32), (1, 3, 64, 128), (1, 3, 128, 128))
    assert ranges(manifest("bundle_v1_rcnn"), "trunk") == {"images": expected}


def test_sizes_are_padded() -> None:
    made = manifest("bundle_v1_rcnn", size=[75, 75], max_size=133)
    expected = ShapeRange((1, 3, 48, 48), (1, 3, 80, 144), (1, 3, 144, 144))
    assert ranges(made, "trunk") == {"images": expected}


@pytest.mark.parametrize(
    ("changes", "size"),
    [
        (
            {"resize": "letterbox", "size": [60, 90], "max_size": None, "align": "top_left"},
            (64, 96),
        ),
        ({"resize": "stretch", "size": [64, 96], "max_size": None}, (64, 96)),
    ],
)
def test_records_that_give_one_size(changes: dict[str, Any], size: tuple[int, int]) -> None:
    assert ranges(manifest("bundle_v1_rcnn", **changes), "trunk") == {"images": fixed(1, 3, *size)}


def test_images_as_they_are_go_up_to_full_hd() -> None:
    made = manifest("bundle_v1_rcnn", resize="none", size=None, max_size=None)
    expected = ShapeRange((1, 3, 64, 64), (1, 3, 720, 1280), (1, 3, 1088, 1920))
    assert ranges(made, "trunk") == {"images": expected}


def test_the_second_stage_takes_feature_maps_and_boxes() -> None:
    made = manifest("bundle_v1_rcnn")
    boxes = ShapeRange((1, 4), (40, 4), (40, 4))  # post_nms_top_n
    assert ranges(made, "roi") == {
        "features_0": ShapeRange((1, 4, 4, 4), (1, 4, 8, 16), (1, 4, 16, 16)),
        "features_1": ShapeRange((1, 4, 2, 2), (1, 4, 4, 8), (1, 4, 8, 8)),
        "boxes_0": boxes,
        "boxes_1": boxes,
    }
    mask = ranges(made, "mask")
    assert mask["boxes_0"] == ShapeRange((1, 4), (10, 4), (20, 4))  # max_detections
    assert mask["labels"] == ShapeRange((1,), (10,), (20,))


def test_wishes_reach_every_stage() -> None:
    made = manifest("bundle_v1_rcnn")
    wishes = {"height_width": ((64, 64), (64, 96), (96, 96)), "boxes": (2, 3, 5)}
    assert ranges(made, "trunk", **wishes)["images"].typical == (1, 3, 64, 96)
    roi = ranges(made, "roi", **wishes)
    assert roi["features_1"] == ShapeRange((1, 4, 4, 4), (1, 4, 4, 6), (1, 4, 6, 6))
    assert roi["boxes_1"] == ShapeRange((2, 4), (3, 4), (5, 4))


def test_wishes_that_do_not_fit() -> None:
    made = manifest("bundle_v1_rcnn")
    with pytest.raises(InputError, match="30x32`: expected multiples of 16"):
        ranges(made, "trunk", height_width=((30, 32), (64, 64), (64, 64)))
    with pytest.raises(InputError, match=r"`ShapeWishes\.batch`: the graph takes 1 images"):
        ranges(made, "trunk", batch=(1, 2, 4))
    with pytest.raises(InputError, match="`boxes`: this bundle has no second stage"):
        check_wishes(manifest("bundle_v1"), ShapeWishes(boxes=(1, 2, 3)))
    check_wishes(made, ShapeWishes(boxes=(1, 2, 3)))


def test_a_style_network_is_built_for_thumbnails_and_tiles() -> None:
    made = manifest("bundle_v2_style")
    assert ranges(made, "main")["images"].largest == (1, 3, 1088, 1920)
    expected = ShapeRange((1, 3, 8, 8), (1, 3, 22, 40), (1, 3, 40, 40))
    assert ranges(made, "statistics") == {"images": expected}
    expected = ShapeRange((1, 3, 8, 8), (1, 3, 32, 32), (1, 3, 32, 32))
    assert ranges(made, "tile") == {"images": expected}
