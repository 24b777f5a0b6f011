"""Zones and lines with their counts on images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime.drawing.boxes import usual_line
from edgecv_runtime.drawing.captions import usual_size
from edgecv_runtime.drawing.lettering import fitting
from edgecv_runtime.opencv import import_cv2

if TYPE_CHECKING:
    from edgecv_runtime.zones.report import Corners, ZoneReport

_COLOR = (0, 215, 255)  # B, G, R
_OPACITY = 0.15
_ARROW = 1 / 25  # of the image's shorter side


def draw_zones(image: NDArray[np.uint8], report: ZoneReport) -> NDArray[np.uint8]:
    """Tints zones and draws lines, each with an arrow to where "in" is, on a copy of uint8
    [H, W, 3], BGR."""
    cv2 = import_cv2()
    canvas = np.array(image, order="C")
    height, width = canvas.shape[:2]
    line = usual_line(height, width)
    if report.zones:
        tinted = canvas.copy()
        for zone in report.zones.values():
            cv2.fillPoly(tinted, [_pixels(zone.polygon)], _COLOR)
        canvas = np.asarray(cv2.addWeighted(canvas, 1 - _OPACITY, tinted, _OPACITY, 0), np.uint8)
    for zone in report.zones.values():
        cv2.polylines(canvas, [_pixels(zone.polygon)], True, _COLOR, line, cv2.LINE_AA)
    for each in report.lines.values():
        start, end = (np.array(point) for point in each.ends)
        cv2.line(canvas, _pixel(start), _pixel(end), _COLOR, 2 * line, cv2.LINE_AA)
        along = (end - start) / max(float(np.hypot(*(end - start))), 1.0)
        inwards = np.array([-along[1], along[0]])  # to the right, since y goes down
        middle = (start + end) / 2
        tip = middle + inwards * min(height, width) * _ARROW
        cv2.arrowedLine(
            canvas, _pixel(middle), _pixel(tip), _COLOR, 2 * line, cv2.LINE_AA, tipLength=0.4
        )
    return canvas


def draw_zone_counts(canvas: NDArray[np.uint8], report: ZoneReport) -> None:
    """Writes each name with its counts, in place: of a zone how many are inside."""
    for zone in report.zones.values():
        corner = min(zone.polygon, key=lambda point: (point[1], point[0]))
        _write(canvas, f"{zone.name}: {zone.total.occupancy}", corner)
    for line in report.lines.values():
        total = line.total
        _write(canvas, f"{line.name}: {total.inwards} in, {total.outwards} out", line.ends[0])


def _write(canvas: NDArray[np.uint8], text: str, at: Sequence[float]) -> None:
    height, width = canvas.shape[:2]
    line = fitting(text, usual_size(height, width), width)
    left = min(max(round(at[0]), 0), width - line.width)
    top = min(max(round(at[1]), 0), height - line.height)
    line.paint(canvas, left, max(top, 0), _COLOR)


def _pixels(corners: Corners) -> NDArray[np.int32]:
    return np.rint(corners).astype(np.int32).reshape(-1, 1, 2)


def _pixel(point: NDArray[np.float64]) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))
