"""After any pipeline a box is still the extent of its object's pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision import tv_tensors
from torchvision.transforms import v2

from edgecv.data.batches.augmentation import train_pipeline
from edgecv.data.batches.minibatch import collate

# One object for each colour channel; label = channel.
BOXES = [[20, 30, 90, 80], [110, 12, 150, 100], [40, 95, 100, 118]]


def sample() -> tuple[tv_tensors.Image, dict[str, torch.Tensor]]:
    image = torch.zeros(3, 128, 160, dtype=torch.uint8)
    for channel, (x1, y1, x2, y2) in enumerate(BOXES):
        image[channel, y1:y2, x1:x2] = 255
    boxes = tv_tensors.BoundingBoxes(
        torch.tensor(BOXES, dtype=torch.float32), format="XYXY", canvas_size=(128, 160)
    )
    return tv_tensors.Image(image), {"boxes": boxes, "labels": torch.arange(3)}


def extent(image: np.ndarray, channel: int) -> np.ndarray:
    """xyxy of the pixels in which the channel stands out: half of its highest excess."""
    others = np.delete(image, channel, 0).max(0)
    excess = image[channel].astype(int) - others
    rows, columns = np.nonzero(excess > excess.max() / 2)
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])


@pytest.mark.parametrize("flip", ["horizontal", "both"])
def test_training_boxes_stay_on_their_objects(flip: str) -> None:
    torch.manual_seed(0)
    pipeline = train_pipeline((96, 128), flip)
    seen = 0
    flipped = set()
    for _ in range(60):
        image, target = pipeline(*sample())
        assert image.shape == (3, 96, 128)
        assert image.dtype == torch.uint8
        assert len(target["boxes"]) == len(target["labels"])
        centres = {}
        for box, label in zip(target["boxes"].numpy(), target["labels"].tolist(), strict=True):
            seen += 1
            centres[label] = (box[:2] + box[2:]) / 2
            # One source pixel may be several pixels here: a crop is enlarged.
            np.testing.assert_allclose(box, extent(image.numpy(), label), atol=3)
        if {0, 1, 2} <= centres.keys():
            flipped.add((centres[0][0] > centres[1][0], centres[0][1] > centres[2][1]))
    assert seen > 100
    every = {(False, False), (True, False), (False, True), (True, True)}
    assert flipped == (every if flip == "both" else {(False, False), (True, False)})


def test_training_varies_and_testing_does_not() -> None:
    torch.manual_seed(0)
    pipeline = train_pipeline((96, 128))
    first, second = (pipeline(*sample())[0] for _ in range(2))
    assert not torch.equal(first, second)
    torch.manual_seed(0)
    assert torch.equal(train_pipeline((96, 128))(*sample())[0], first)


def test_images_without_boxes_pass() -> None:
    torch.manual_seed(0)
    image, target = sample()
    none = v2.functional.get_dimensions(image)[1:]
    target = {
        "boxes": tv_tensors.BoundingBoxes(torch.zeros(0, 4), format="XYXY", canvas_size=none),
        "labels": torch.zeros(0, dtype=torch.int64),
    }
    for _ in range(5):
        out, moved = train_pipeline((96, 128))(image, target)
        assert out.shape == (3, 96, 128)
        assert moved["boxes"].shape == (0, 4)


def test_minibatch_is_padded_with_minus_one() -> None:
    images = torch.arange(2 * 3 * 4 * 5, dtype=torch.uint8).reshape(2, 3, 4, 5)
    two = torch.tensor([[0.0, 1, 2, 3], [1, 1, 4, 4]])
    batch = collate(
        [
            (images[0], two[:0], torch.zeros(0, dtype=torch.int64)),
            (images[1], two, torch.tensor([2, 0])),
        ]
    )
    assert torch.equal(batch.images, images)
    assert batch.labels.tolist() == [[-1, -1], [2, 0]]
    assert batch.boxes.tolist() == [[[-1] * 4] * 2, two.tolist()]
    empty, full = batch.targets()
    assert empty["boxes"].shape == (0, 4)
    assert torch.equal(full["boxes"], two)
    assert full["labels"].tolist() == [3, 1]  # 0 is the background
