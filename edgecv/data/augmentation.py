"""Training and test pipelines on torchvision.transforms.v2; boxes move along with their image."""

from __future__ import annotations

from torchvision.transforms import v2

# Grey that the zoom-out leaves around the image.
FILL = 127


def train_pipeline(size: tuple[int, int], flip: str = "horizontal") -> v2.Compose:
    """Zoom out or an IoU-guided crop, resize, flip, colour jitter; then boxes left without area go.

    Takes (tv_tensors.Image uint8 [3, H, W], {"boxes": tv_tensors.BoundingBoxes, "labels": [N]})
    and gives the same with an image of `size`.

    Args:
        size: height and width in pixels.
        flip: `horizontal`, or `both` for pictures without an upright direction (from a microscope,
            from above).
    """
    flips: list[v2.Transform] = [v2.RandomHorizontalFlip()]
    if flip == "both":
        flips.append(v2.RandomVerticalFlip())
    return v2.Compose(
        [
            v2.RandomZoomOut(fill=FILL, side_range=(1.0, 2.0), p=0.3),
            v2.RandomIoUCrop(min_scale=0.3, trials=10),
            # As the runtime resizes, so that training sees the same sharpness.
            v2.Resize(size, antialias=False),
            *flips,
            v2.ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2),
            v2.ClampBoundingBoxes(),
            v2.SanitizeBoundingBoxes(min_size=2),
        ]
    )


def test_pipeline(size: tuple[int, int]) -> v2.Compose:
    """Resize only; takes and gives what `train_pipeline` does."""
    return v2.Compose([v2.Resize(size, antialias=False), v2.ClampBoundingBoxes()])
