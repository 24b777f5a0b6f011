"""What a detector found on one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime._core import InputError
from edgecv_runtime.drawing.boxes import check_line_width, draw_boxes
from edgecv_runtime.drawing.zones import draw_zone_counts, draw_zones
from edgecv_runtime.results.result import ScoredResult, import_supervision, shortest

if TYPE_CHECKING:
    from edgecv_runtime.zones.report import ZoneReport


@dataclass(frozen=True)
class Detection:
    """One object.

    Attributes:
        box: x1, y1, x2, y2 in pixels of the image.
        score: 0..1.
        label: index of the model's labels.
        name: that label's name.
        track_id: the id of its track; None where it has none.
    """

    box: tuple[float, float, float, float]
    score: float
    label: int
    name: str
    track_id: int | None = field(default=None, kw_only=True)


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
        track_ids: int64 [N], from 1 on, or -1 where a track has no id yet; None where nothing was
            tracked. `Tracker.update` gives it.
        zones: what was counted up to this frame; None without `Zones.update`.
    """

    track_ids: NDArray[np.int64] | None = None
    zones: ZoneReport | None = None
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
        return Detection(*self._fields(index), track_id=self._track_id(index))

    def _track_id(self, index: int) -> int | None:
        if self.track_ids is None or self.track_ids[index] < 0:
            return None
        return int(self.track_ids[index])

    def _fields(self, index: int) -> tuple[tuple[float, float, float, float], float, int, str]:
        x1, y1, x2, y2 = (shortest(value) for value in self.boxes[index])
        label = int(self.labels[index])
        return (x1, y1, x2, y2), shortest(self.scores[index]), label, self.names[label]

    def _keep(self, keep: NDArray[np.int64]) -> None:
        self.boxes, self.scores = self.boxes[keep], self.scores[keep]
        self.labels = self.labels[keep]
        if self.track_ids is not None:
            self.track_ids = self.track_ids[keep]

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
                and the instance where there are masks or tracks. A track keeps its colour.

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
        canvas = self._canvas_of(image)
        if self.zones is None:
            return shown._paint(canvas, colors, line_width, labels)
        canvas = shown._paint(draw_zones(canvas, self.zones), colors, line_width, labels)
        if labels:
            draw_zone_counts(canvas, self.zones)
        return canvas

    def _colors(self, color_by: str | None) -> NDArray[np.int64]:
        """For each box an index of the palette."""
        if color_by is None:
            color_by = self._color_by if self.track_ids is None else "instance"
        if color_by not in ("class", "instance"):
            raise InputError(f'color_by: expected "class" or "instance", got {color_by!r}')
        if color_by == "class":
            return self.labels
        if self.track_ids is None:
            return np.arange(len(self))
        return np.where(self.track_ids >= 0, self.track_ids, self.labels)

    def _paint(
        self,
        image: NDArray[np.uint8],
        colors: NDArray[np.int64],
        line_width: int | None,
        labels: bool,
    ) -> NDArray[np.uint8]:
        return draw_boxes(
            image,
            self.boxes,
            self.scores,
            self.labels,
            self.names,
            colors,
            line_width,
            labels,
            self.track_ids,
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
                    **({} if self.track_ids is None else {"track_id": self._track_id(index)}),
                }
                for index, (box, score, label) in enumerate(
                    zip(self.boxes, self.scores, self.labels, strict=True)
                )
            ],
            **({} if self.zones is None else self.zones.to_dict()),
        }

    def to_supervision(self) -> Any:
        """A supervision.Detections with the names in data["class_name"]; its arrays are copies.

        Its `tracker_id` is `track_ids`. Where that is -1 there is no track: what counts ids must
        leave it out, ``found[found.tracker_id >= 0]``.

        Raises:
            EngineError: the package supervision is not installed.
        """
        return import_supervision().Detections(
            xyxy=self.boxes.copy(),
            confidence=self.scores.copy(),
            class_id=self.labels.copy(),
            tracker_id=None if self.track_ids is None else self.track_ids.copy(),
            data={"class_name": np.array([self.names[label] for label in self.labels], dtype=str)},
        )
