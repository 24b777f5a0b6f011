"""Proposes boxes on an image by selective search (Uijlings et al., IJCV 2013), for a Fast R-CNN.

python selective_search.py IMAGE BOXES.npy

Needs opencv-contrib-python-headless, which clashes with opencv-python: give it an environment of
its own (`python -m venv contrib; contrib/bin/pip install opencv-contrib-python-headless`). The
boxes go to detect_proposals.py.
"""

import sys

import cv2
import numpy as np

MOST_BOXES = 1000
LONGER_SIDE = 500  # the search is slow on large images, and finds the same boxes on small ones


def main(path: str, boxes_path: str) -> None:
    image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise SystemExit(f"{path} cannot be read as an image")
    scale = min(1.0, LONGER_SIDE / max(image.shape[:2]))
    search = cv2.ximgproc.segmentation.createSelectiveSearchSegmentation()
    search.setBaseImage(cv2.resize(image, None, fx=scale, fy=scale))
    search.switchToSelectiveSearchFast()
    x, y, width, height = np.float32(search.process()[:MOST_BOXES]).T / np.float32(scale)
    boxes = np.stack([x, y, x + width, y + height], 1)
    np.save(boxes_path, boxes)
    print(f"{len(boxes)} boxes to {boxes_path}")


if __name__ == "__main__":
    main(*sys.argv[1:])
