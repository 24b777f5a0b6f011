"""What an instance segmenter found on one image: detections with masks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime._core import InputError
from edgecv_runtime.drawing.masks import draw_masks
from edgecv_runtime.results.detections import Detection, Detections
from edgecv_runtime.results.masks import Masks
from edgecv_runtime.results.result import Several


@dataclass(frozen=True)
class Instance(Detection):
    """One object with its mask.

    Attributes, beside those of :class:`Detection`:
        mask_crops: its one mask as it is held, cut to its box; gives its code and polygons.
    """

    mask_crops: Masks = field(compare=False, repr=False)

    @property
    def mask(self) -> NDArray[np.bool_]:
        """bool [H, W] of the whole image, a new array each time."""
        frames = self.mask_crops.paint()
        mask: NDArray[np.bool_] = frames[0]
        return mask


class Instances(Detections):
    """Boxes with scores, labels and masks, sorted by falling score.

    ``for instance in result`` gives each as an :class:`Instance`.

    Attributes, beside those of :class:`Detections`:
        mask_crops: the masks as they are held, each cut to its box; also gives run-length codes and
            polygons.
    """

    _color_by = "instance"  # neighbours are mostly of the same class

    def __init__(
        self,
        boxes: NDArray[np.float32],
        scores: NDArray[np.float32],
        labels: NDArray[np.int64],
        names: Sequence[str],
        masks: Masks,
        image: NDArray[np.uint8] | None = None,
        color: str = "bgr",
        source: str | None = None,
    ) -> None:
        if len(masks) != len(scores):
            raise InputError(f"Instances: expected {len(scores)} masks, got {len(masks)}")
        super().__init__(boxes, scores, labels, names, image, color, source, masks.image_size)
        self.mask_crops = masks

    @cached_property
    def masks(self) -> NDArray[np.bool_]:
        """bool [N, H, W], made when first asked for and kept from then on."""
        return self.mask_crops.paint()

    def _item(self, index: int) -> Instance:
        mask = self.mask_crops.select(np.array([index]))
        return Instance(*self._fields(index), mask, track_id=self._track_id(index))

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, index: int) -> Instance: ...
        @overload
        def __getitem__(self, index: Several) -> Instances: ...
        def __getitem__(self, index: Any) -> Any: ...
        def __iter__(self) -> Iterator[Instance]: ...

    def _keep(self, keep: NDArray[np.int64]) -> None:
        super()._keep(keep)
        self.mask_crops = self.mask_crops.select(keep)
        self.__dict__.pop("masks", None)  # those of all

    def _paint(
        self,
        image: NDArray[np.uint8],
        colors: NDArray[np.int64],
        line_width: int | None,
        labels: bool,
    ) -> NDArray[np.uint8]:
        canvas = np.array(image, order="C")
        draw_masks(canvas, self.mask_crops, colors, line_width)
        return super()._paint(canvas, colors, line_width, labels)

    def to_dict(self, masks: Literal["rle", "polygons"] = "rle") -> dict[str, Any]:
        """Plain values for JSON; the schema is described in docs/python.md.

        Args:
            masks: how each ``"segmentation"`` is written, both in COCO's form: ``"rle"``, exact and
                short, or ``"polygons"``, lists of x1, y1, x2, y2, ... COCO's own tools fill the
                holes of polygons.

        Raises:
            InputError: another form.
        """
        if masks == "rle":
            segmentations: Sequence[Any] = self.mask_crops.rle()
        elif masks == "polygons":
            segmentations = [
                [polygon.ravel().tolist() for polygon in parts]
                for parts in self.mask_crops.polygons()
            ]
        else:
            raise InputError(f'masks: expected "rle" or "polygons", got "{masks}"')
        record = super().to_dict()
        for detection, segmentation in zip(record["detections"], segmentations, strict=True):
            detection["segmentation"] = segmentation
        return record

    def to_supervision(self) -> Any:
        """A supervision.Detections with masks, and the names in data["class_name"]; its arrays are
        copies.

        Raises:
            EngineError: the package supervision is not installed.
        """
        found = super().to_supervision()
        found.mask = self.mask_crops.paint()
        return found
