"""A detector inside an application that has its images in memory: no files, no OpenCV.

python embed_numpy.py BUNDLE
"""

import sys

import numpy as np

import edgecv


class Inspector:
    """Says whether something of a class is in view, and where the surest one stands."""

    def __init__(self, bundle: str, wanted: str, threshold: float) -> None:
        self.model = edgecv.load(bundle, threads=2)
        self.model.thresholds = {wanted: threshold}
        self.wanted = self.model.names.index(wanted)

    def find(self, frame: np.ndarray) -> tuple[float, float] | None:
        """Centre (x, y) in pixels, or None. frame: uint8 [H, W, 3], RGB."""
        result = self.model(frame, color="rgb")
        boxes = result.boxes[result.labels == self.wanted]  # sorted by falling score
        if len(boxes) == 0:
            return None
        x1, y1, x2, y2 = boxes[0].tolist()
        return (x1 + x2) / 2, (y1 + y2) / 2


def main(bundle: str) -> None:
    wanted = edgecv.load(bundle).names[0]
    inspector = Inspector(bundle, wanted, threshold=0.6)
    frame = np.full((480, 640, 3), 255, np.uint8)  # stands for an image from your camera
    print(wanted, inspector.find(frame))
    print(wanted, inspector.find(frame[100:300, 200:500]))  # a crop needs no copy


if __name__ == "__main__":
    main(*sys.argv[1:])
