"""Images in, boxes and masks out: the Python face of the C++ pipeline for instances."""

from __future__ import annotations

from edgecv_runtime.models.detection_model import DetectionModel, Found
from edgecv_runtime.models.model import InputImage
from edgecv_runtime.results.instances import Instances
from edgecv_runtime.results.masks import Masks


class InstanceSegmenter(DetectionModel[Instances]):
    """A loaded detector that gives each object its mask."""

    def _result(self, found: Found, image: InputImage) -> Instances:
        height, width = image.size
        return Instances(
            found.boxes,
            found.scores,
            found.labels,
            self.names,
            Masks(list(found.masks), (height, width)),
            image.pixels,
            image.color,
            image.source,
        )
