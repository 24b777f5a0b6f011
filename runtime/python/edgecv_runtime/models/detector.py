"""Images in, boxes out: the Python face of the C++ pipelines for detection."""

from __future__ import annotations

from edgecv_runtime.models.detection_model import DetectionModel, Found
from edgecv_runtime.models.model import InputImage
from edgecv_runtime.results.detections import Detections


class Detector(DetectionModel[Detections]):
    """A loaded detector, of one stage or of two."""

    def _result(self, found: Found, image: InputImage) -> Detections:
        return Detections(
            found.boxes,
            found.scores,
            found.labels,
            self.names,
            image_size=image.size,
            source=image.source,
            image=image.pixels,
            color=image.color,
        )
