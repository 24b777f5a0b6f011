"""ssd_tiny against formulas written differently and against torchvision's SSD."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torchvision.models.detection.ssd import SSD
from torchvision.models.detection.transform import resize_boxes

from edgecv.models import registry
from edgecv.models.ssd_tiny import RATIOS, SCALES, SsdTiny
from edgecv_runtime import InputError, InputSpec, ops

SIZE = (96, 128)
FEATURES = [(12, 16), (6, 8), (3, 4), (2, 2), (1, 1)]


def tiny(num_classes: int = 4, **arguments: object) -> SsdTiny:
    torch.manual_seed(0)
    return registry.create(
        "ssd_tiny", **{"num_classes": num_classes, "size": SIZE, "width": 8} | arguments
    )


def test_anchors_are_multibox_prior_level_by_level() -> None:
    module = tiny()
    height, width = SIZE
    expected = []
    for (rows, columns), scales in zip(FEATURES, SCALES, strict=True):
        for row in range(rows):
            for column in range(columns):
                x, y = (column + 0.5) * width / columns, (row + 0.5) * height / rows
                shapes = [(s, RATIOS[0]) for s in scales] + [(scales[0], r) for r in RATIOS[1:]]
                for s, r in shapes:
                    w, h = height * s * r**0.5, height * s / r**0.5
                    expected.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    assert len(expected) == 4 * sum(rows * columns for rows, columns in FEATURES)
    np.testing.assert_allclose(module.anchors, expected, atol=1e-4)
    assert module.anchor_spec["feature_sizes"] == [list(size) for size in FEATURES]


@pytest.mark.parametrize("size", [(64, 64), (96, 128), (100, 75), (272, 320)])
def test_outputs_have_a_row_for_each_anchor(size: tuple[int, int]) -> None:
    module = tiny(size=size).eval()
    logits, deltas = module.forward_head(torch.zeros(2, 3, *size))
    assert logits.shape == (2, len(module.anchors), 4)
    assert deltas.shape == (2, len(module.anchors), 4)


def test_outputs_stand_at_their_anchors() -> None:
    # A bright spot changes the rows of the finest map around its own place most.
    module = tiny().eval()
    blank = torch.zeros(1, 3, *SIZE)
    spot = blank.clone()
    spot[:, :, 28:36, 92:100] = 3.0  # centre (96, 32)
    with torch.inference_mode():
        change = (module.forward_head(spot)[0] - module.forward_head(blank)[0])[0].abs().sum(1)
    first_map = change[: 4 * 12 * 16]
    x1, y1, x2, y2 = module.anchors[first_map.reshape(-1, 4).sum(1).argmax() * 4]
    assert abs((x1 + x2) / 2 - 96) <= 12
    assert abs((y1 + y2) / 2 - 32) <= 12


def test_detections_are_torchvisions() -> None:
    """The same raw outputs through torchvision's SSD.postprocess_detections."""
    module = tiny(topk_candidates=30, max_detections=50).eval()
    generator = torch.Generator().manual_seed(1)
    count = len(module.anchors)
    logits = torch.randn(2, count, 4, generator=generator) * 2
    deltas = torch.randn(2, count, 4, generator=generator)
    module.forward_head = lambda images: (logits, deltas)  # type: ignore[method-assign]
    images = [torch.rand(3, 70, 200), torch.rand(3, 96, 128)]
    results = module(images)

    twin = SimpleNamespace(
        box_coder=module.box_coder,
        score_thresh=module.score_threshold,
        nms_thresh=module.iou_threshold,
        topk_candidates=30,
        detections_per_img=50,
    )
    expected = SSD.postprocess_detections(
        twin, {"bbox_regression": deltas, "cls_logits": logits}, [module.anchors] * 2, [SIZE] * 2
    )
    for image, own, other in zip(images, results, expected, strict=True):
        assert len(own["boxes"]) == 50
        boxes = resize_boxes(other["boxes"], SIZE, image.shape[-2:])
        torch.testing.assert_close(own["boxes"], boxes, atol=1e-3, rtol=0)
        torch.testing.assert_close(own["scores"], other["scores"])
        assert torch.equal(own["labels"], other["labels"])


def test_input_record_is_what_the_module_does() -> None:
    module = tiny().eval()
    record = module.input
    spec = InputSpec(**{k: tuple(v) if isinstance(v, list) else v for k, v in record.items()})
    generator = np.random.default_rng(0)
    bgr = generator.integers(0, 256, (120, 90, 3), np.uint8)
    image = torch.from_numpy(bgr[:, :, ::-1].copy()).permute(2, 0, 1).float() / 255
    np.testing.assert_allclose(ops.preprocess(bgr, spec), module.prepare(image), atol=1e-4)


def test_perfect_and_flat_outputs_have_known_losses() -> None:
    module = tiny()
    boxes = torch.tensor([[13.0, 13, 35, 35], [62, 30, 98, 66]])
    labels = torch.tensor([1, 3])
    assigned = ops.assign_anchors(module.anchors.numpy(), boxes.numpy())
    positive = torch.from_numpy(assigned >= 0)
    count = int(positive.sum())
    assert count > 2

    # All logits equal: cross-entropy log 4 on every positive and on 3 others for each.
    logits = torch.zeros(1, len(assigned), 4)
    deltas = torch.zeros(1, len(assigned), 4)
    deltas[0, positive] = torch.from_numpy(
        ops.encode_boxes(boxes.numpy()[assigned[positive]], module.anchors.numpy()[positive])
    )
    losses = module.losses(logits, deltas, [boxes], [labels])
    assert float(losses["classification"]) == pytest.approx(4 * np.log(4), rel=1e-5)
    assert float(losses["bbox_regression"]) == pytest.approx(0, abs=1e-6)

    # One offset off by 3: smooth L1 gives 2.5.
    deltas[0, positive.nonzero()[0, 0], 2] += 3
    losses = module.losses(logits, deltas, [boxes], [labels])
    assert float(losses["bbox_regression"]) == pytest.approx(2.5 / count, rel=1e-5)

    logits[0, ~positive, 0] = 50
    logits[0, positive, labels[assigned[positive]]] = 50
    assert float(module.losses(logits, deltas, [boxes], [labels])["classification"]) < 1e-6
    # One confident mistake among the others is always found.
    mistaken = int((~positive).nonzero()[17, 0])
    logits[0, mistaken, 2] = 60
    wrong = module.losses(logits, deltas, [boxes], [labels])["classification"]
    assert float(wrong) == pytest.approx(10 / count, rel=1e-3)


def test_images_without_objects_teach_the_background() -> None:
    module = tiny()
    empty = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    full = {"boxes": torch.tensor([[10.0, 10, 60, 60]]), "labels": torch.tensor([1])}
    images = [torch.rand(3, *SIZE), torch.rand(3, *SIZE)]
    for targets in ([empty, full], [empty, empty]):
        losses = module(images, targets)
        assert all(torch.isfinite(value) for value in losses.values())
        sum(losses.values()).backward()


def test_loss_falls_on_four_images_and_the_boxes_are_found() -> None:
    module = tiny(width=16)
    generator = torch.Generator().manual_seed(0)
    images, targets = [], []
    for i in range(4):
        image = torch.rand(3, *SIZE, generator=generator) * 0.2
        x, y = 12 + 20 * i, 14 + 9 * i
        image[i % 3, y : y + 40, x : x + 44] = 1.0
        images.append(image)
        box = torch.tensor([[x, y, x + 44, y + 40]], dtype=torch.float32)
        targets.append({"boxes": box, "labels": torch.tensor([i % 3 + 1])})
    optimizer = torch.optim.AdamW(module.parameters(), lr=3e-3)
    totals = []
    for _ in range(60):
        total = sum(module(images, targets).values())
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        totals.append(total.item())
    assert np.mean(totals[-5:]) < 0.1 * totals[0]
    module.eval()
    for result, target in zip(module(images), targets, strict=True):
        assert int(result["labels"][0]) == int(target["labels"])
        iou = ops.box_iou(result["boxes"][:1].detach().numpy(), target["boxes"].numpy())
        assert iou[0, 0] > 0.7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 1}, "counts the background"),
        ({"size": (32, 320)}, "at least 64x64"),
        ({"scales": ((0.1,),)}, "each of 5 levels"),
        ({"depth": 3}, "unexpected keyword argument 'depth'"),
    ],
)
def test_bad_arguments(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        tiny(**arguments)


def test_unknown_architecture() -> None:
    with pytest.raises(InputError, match=r"unknown architecture 'ssd_big'; did you mean ssd_tiny"):
        registry.create("ssd_big", num_classes=2)


def test_the_last_map_is_the_largest_value_of_each_channel() -> None:
    """Bit by bit what AdaptiveMaxPool2d(1) gives, which torch.onnx before 2.11 cannot export; and
    the same gradient where no two cells have the largest value."""
    torch.manual_seed(0)
    last = tiny().stages[-1]
    features = torch.randn(3, 5, 2, 3)
    pairs = []
    for pool in (last, torch.nn.AdaptiveMaxPool2d(1)):
        taken = features.clone().requires_grad_()
        pooled = pool(taken)
        (pooled * torch.arange(15.0).view(3, 5, 1, 1)).sum().backward()
        pairs.append((pooled.detach(), taken.grad))
    assert pairs[0][0].shape == (3, 5, 1, 1)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(*pairs, strict=True))
    assert "AdaptiveMaxPool2d" not in {type(part).__name__ for part in tiny().modules()}
