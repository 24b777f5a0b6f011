"""What a detector found on one picture."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime._core import EngineError, InputError
from edgecv_runtime.drawing import draw_boxes
from edgecv_runtime.images import check_image
from edgecv_runtime.picture_files import save_picture


class Detections:
    """Boxes with scores and labels, sorted by falling score.

    Attributes:
        boxes: float32 [N, 4], xyxy in pixels of the picture.
        scores: float32 [N], 0..1.
        labels: int64 [N], indices of `names`; the background is no label.
        names: the model's labels.
        image_size: height and width of the picture in pixels.
        source: the file or stream that the picture came from; None for an array.
        image: the picture, for `plot`; held, not copied.
        color: the order of its channels, "bgr" or "rgb"; a fourth one is alpha.
    """

    def __init__(
        self,
        boxes: NDArray[np.float32],
        scores: NDArray[np.float32],
        labels: NDArray[np.int64],
        names: Sequence[str],
        image: NDArray[np.uint8] | None = None,
        color: str = "bgr",
        source: str | None = None,
        image_size: tuple[int, int] | None = None,
    ) -> None:
        if image_size is None:
            if image is None:
                raise InputError("Detections: expected the picture or its image_size")
            image_size = (image.shape[0], image.shape[1])
        self.boxes = boxes
        self.scores = scores
        self.labels = labels
        self.names = list(names)
        self.image_size = image_size
        self.source = source
        self.image = image
        self.color = color

    def __len__(self) -> int:
        return len(self.scores)

    def __repr__(self) -> str:
        height, width = self.image_size
        where = f" on {self.source!r}" if self.source else ""
        return f"<{type(self).__name__}: {self.summary()}{where}, {width} x {height} pixels>"

    def summary(self) -> str:
        """Like "2 cat, 1 dog": the four most frequent labels, "nothing" if there is nothing."""
        counts = np.bincount(self.labels, minlength=len(self.names))
        order = np.argsort(-counts, kind="stable")
        found = [f"{counts[label]} {self.names[label]}" for label in order if counts[label]]
        if len(found) > 4:
            found[4:] = [f"{counts[order[4:]].sum()} others"]
        return ", ".join(found) or "nothing"

    def filter(self, threshold: float) -> Detections:
        """Those with a score of at least `threshold`, 0..1."""
        keep = self._reaching(threshold)
        return Detections(
            self.boxes[keep],
            self.scores[keep],
            self.labels[keep],
            self.names,
            self.image,
            self.color,
            self.source,
            self.image_size,
        )

    def _reaching(self, threshold: float) -> NDArray[np.bool_]:
        reaching: NDArray[np.bool_] = self.scores >= np.float32(threshold)
        return reaching

    def plot(
        self, image: NDArray[np.uint8] | None = None, threshold: float = 0.5
    ) -> NDArray[np.uint8]:
        """Draws what was found on a copy of the picture.

        Args:
            image: uint8 [H, W, 3] or [H, W, 4] in BGR order, or [H, W]; without it the picture that
                the model was given.
            threshold: lowest score to draw, 0..1.

        Returns:
            uint8 [H, W, 3], BGR.

        Raises:
            InputError: there is no picture, or one of another size.
            EngineError: OpenCV is not installed.
        """
        color = "bgr"
        if image is None:
            image, color = self.image, self.color
        if image is None:
            raise InputError("this result holds no picture: give one, plot(image)")
        image = check_image(image)
        if image.shape[:2] != self.image_size:
            raise InputError(
                f"this result belongs to a picture of {list(self.image_size)} (height, width), "
                f"got one of {list(image.shape[:2])}"
            )
        return self.filter(threshold)._draw(_to_bgr(image, color))

    def _draw(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """On a copy of uint8 [H, W, 3], BGR."""
        return draw_boxes(image, self.boxes, self.scores, self.labels, self.names)

    def save(self, path: str | os.PathLike[str], threshold: float = 0.5) -> None:
        """Writes JSON (all detections, as `to_dict`) or a picture (as `plot`), by the suffix.

        Raises:
            InputError: no format of that suffix, or no picture to draw on.
            OSError: the file cannot be written.
        """
        path = Path(path)
        if path.suffix.lower() == ".json":
            path.write_text(json.dumps(self.to_dict(), indent=1) + "\n", encoding="utf-8")
            return
        save_picture(path, self.plot(threshold=threshold))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; the schema is described in docs/python.md."""
        height, width = self.image_size
        return {
            "source": self.source,
            "height": height,
            "width": width,
            "detections": [
                {
                    "label": int(label),
                    "name": self.names[label],
                    "score": _shortest(score),
                    "box_xyxy": [_shortest(value) for value in box],
                }
                for box, score, label in zip(self.boxes, self.scores, self.labels, strict=True)
            ],
        }

    def to_supervision(self) -> Any:
        """A supervision.Detections with the names in data["class_name"].

        Raises:
            EngineError: the package supervision is not installed.
        """
        try:
            import supervision
        except ImportError as error:
            raise EngineError(
                "to_supervision needs supervision: pip install supervision"
            ) from error
        return supervision.Detections(
            xyxy=self.boxes,
            confidence=self.scores,
            class_id=self.labels,
            data={"class_name": np.array([self.names[label] for label in self.labels], dtype=str)},
        )


def _shortest(value: np.float32) -> float:
    """The float with the fewest digits that is this float32: 0.9, not 0.8999999761581421."""
    return float(str(value))


def _to_bgr(image: NDArray[np.uint8], color: str) -> NDArray[np.uint8]:
    if image.ndim == 2:
        return np.repeat(image[:, :, None], 3, axis=2)
    return image[:, :, 2::-1] if color == "rgb" else image[:, :, :3]
