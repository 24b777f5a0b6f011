"""Names of a model's classes: given, published, or numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgecv_runtime import InputError

BACKGROUND = "__background__"  # a class of segmentation networks, but not of detectors


def without_background(labels: Sequence[str]) -> list[str]:
    """A detector's, whose background takes no label."""
    return list(labels[1:] if labels[:1] == [BACKGROUND] else labels)


def settle_labels(
    labels: Sequence[str] | None, task: str, classes: int, *, one_score: bool = False
) -> list[str]:
    """The names that the bundle has.

    Args:
        labels: those given; None: the classes are numbered.
        task: the manifest's.
        classes: how many the model has.
        one_score: the model gives one score, which decides between two classes; a single name is
            that of the second.

    Raises InputError where there are more or fewer names than classes.
    """
    detects = task in ("detect", "instance")
    if labels is None:
        first = 1 if detects else 0
        return [f"class_{number}" for number in range(first, classes + first)]
    names = without_background(labels) if detects else list(labels)
    if one_score and len(names) == 1:
        return ["background", *names]
    if len(names) != classes:
        background = " (and the background, which takes no label)" if detects else ""
        if one_score:
            background = " (one score decides between them)"
        raise InputError(
            f"{len(names)} labels are given; the model has {classes} classes{background}: "
            f"give {classes}"
        )
    return names


def published_labels(task: str, classes: int) -> tuple[str, list[str]] | None:
    """The data set and the names of torchvision's published weights with so many classes, a
    detector's background included; None where there are none."""
    published = _PUBLISHED.get((task, classes))
    return None if published is None else (published[0], published[1]())


def _coco() -> list[str]:
    from torchvision.models.detection import SSD300_VGG16_Weights

    return list(SSD300_VGG16_Weights.COCO_V1.meta["categories"][1:])


def _imagenet() -> list[str]:
    from torchvision.models import ResNet18_Weights

    return list(ResNet18_Weights.IMAGENET1K_V1.meta["categories"])


def _voc() -> list[str]:
    from torchvision.models.segmentation import FCN_ResNet50_Weights

    return list(FCN_ResNet50_Weights.COCO_WITH_VOC_LABELS_V1.meta["categories"])


_PUBLISHED: dict[tuple[str, int], tuple[str, Callable[[], list[str]]]] = {
    ("detect", 91): ("COCO", _coco),
    ("instance", 91): ("COCO", _coco),
    ("classify", 1000): ("ImageNet", _imagenet),
    ("segment", 21): ("Pascal VOC", _voc),
}
