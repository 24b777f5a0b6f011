"""What a detector found on one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime._core import InputError
from edgecv_runtime.drawing.boxes import check_line_width, draw_boxes
from edgecv_runtime.results.result import ScoredResult, import_supervision, shortest


@dataclass(frozen=True)
class Detection:
    """One object.

    Attributes:
        box: x1, y1, x2, y2 in pixels of the image.
        score: 0..1.
        label: index of the model's labels.
        name: that label's name.
    """

    box: tuple[float, float, float, float]
    score: float
    label: int
    name: str


class Detections(ScoredResult[Detection]):
    """Boxes with scores and labels, sorted by falling score.

    ``for detection in result`` gives each as a :class:`Detection`.

    Attributes:
        boxes: float32 [N, 4], xyxy in pixels of the image.
        scores: float32 [N], 0..1.
        labels: int64 [N], indices of `names`; the background is not one of them.
        names: the model's labels.
        image_size: height and width of the image in pixels.
        source: the file or stream that the image came from; None for an array.
        image: the image, for `plot`; held, not copied.
        color: the order of its channels, "bgr" or "rgb"; a fourth one is alpha.
    """

    _color_by: ClassVar[str] = "class"  # without another wish

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
        super().__init__(names, image, color, source, image_size)
        self.boxes = boxes
        self.scores = scores
        self.labels = labels

    def summary(self) -> str:
        """Like "2 cat, 1 dog": the four most frequent labels, "nothing" if there is nothing."""
        counts = np.bincount(self.labels, minlength=len(self.names))
        order = np.argsort(-counts, kind="stable")
        found = [f"{counts[label]} {self.names[label]}" for label in order if counts[label]]
        if len(found) > 4:
            found[4:] = [f"{counts[order[4:]].sum()} others"]
        return ", ".join(found) or "nothing"

    def _item(self, index: int) -> Detection:
        return Detection(*self._fields(index))

    def _fields(self, index: int) -> tuple[tuple[float, float, float, float], float, int, str]:
        x1, y1, x2, y2 = (shortest(value) for value in self.boxes[index])
        label = int(self.labels[index])
        return (x1, y1, x2, y2), shortest(self.scores[index]), label, self.names[label]

    def _keep(self, keep: NDArray[np.int64]) -> None:
        self.boxes, self.scores = self.boxes[keep], self.scores[keep]
        self.labels = self.labels[keep]

    def plot(
        self,
        image: NDArray[np.uint8] | None = None,
        threshold: float | None = None,
        *,
        labels: bool = True,
        line_width: int | None = None,
        color_by: str | None = None,
    ) -> NDArray[np.uint8]:
        """Draws what was found on a copy of the image.

        Args:
            image: uint8 [H, W, 3] or [H, W, 4] in BGR order, or [H, W]; without it the image that
                the model was given.
            threshold: lowest score to draw, 0..1; without it all that the result holds is drawn.
            labels: whether names and scores are written. Where captions have no room they are left
                out.
            line_width: of the boxes, in pixels; None: by the image, thinner on small boxes.
            color_by: ``"class"`` or ``"instance"``: what gets a colour of its own; None: the class,
                and the instance where there are masks.

        Returns:
            uint8 [H, W, 3], BGR.

        Raises:
            InputError: there is no image, or one of another size; another word or width.
            EngineError: OpenCV is not installed.

        Example:
            cv2.imwrite("boxes.jpg", result.plot(line_width=3, color_by="instance"))
        """
        check_line_width(line_width)
        shown = self if threshold is None else self.filter(threshold)
        colors = shown._colors(color_by)
        return shown._paint(self._canvas_of(image), colors, line_width, labels)

    def _colors(self, color_by: str | None) -> NDArray[np.int64]:
        """For each box an index of the palette."""
        color_by = self._color_by if color_by is None else color_by
        if color_by not in ("class", "instance"):
            raise InputError(f'color_by: expected "class" or "instance", got {color_by!r}')
        return self.labels if color_by == "class" else np.arange(len(self))

    def _paint(
        self,
        image: NDArray[np.uint8],
        colors: NDArray[np.int64],
        line_width: int | None,
        labels: bool,
    ) -> NDArray[np.uint8]:
        return draw_boxes(
            image, self.boxes, self.scores, self.labels, self.names, colors, line_width, labels
        )

    def _draw(self, image: NDArray[np.uint8], labels: bool) -> NDArray[np.uint8]:
        return self._paint(image, self._colors(None), None, labels)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; the schema is described in docs/python.md."""
        return {
            **self._of_the_image(),
            "detections": [
                {
                    "label": int(label),
                    "name": self.names[label],
                    "score": shortest(score),
                    "box_xyxy": [shortest(value) for value in box],
                }
                for box, score, label in zip(self.boxes, self.scores, self.labels, strict=True)
            ],
        }

    def to_supervision(self) -> Any:
        """A supervision.Detections with the names in data["class_name"]; its arrays are copies.

        Raises:
            EngineError: the package supervision is not installed.
        """
        return import_supervision().Detections(
            xyxy=self.boxes.copy(),
            confidence=self.scores.copy(),
            class_id=self.labels.copy(),
            data={"class_name": np.array([self.names[label] for label in self.labels], dtype=str)},
        )
