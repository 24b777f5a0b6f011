"""Proposes boxes on a photo by selective search (Uijlings et al., IJCV 2013), for a Fast R-CNN.

python selective_search.py PHOTO BOXES.npy

Needs opencv-contrib-python-headless, which clashes with opencv-python: give it an environment of
its own (`python -m venv contrib; contrib/bin/pip install opencv-contrib-python-headless`). The
boxes go to detect_proposals.py.
"""

import sys

import cv2
import numpy as np

MOST_BOXES = 1000
LONGER_SIDE = 500  # the search is slow on large pictures, and finds the same boxes on small ones


def main(photo: str, boxes_path: str) -> None:
    picture = cv2.imdecode(np.fromfile(photo, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise SystemExit(f"{photo} cannot be read as a picture")
    scale = min(1.0, LONGER_SIDE / max(picture.shape[:2]))
    search = cv2.ximgproc.segmentation.createSelectiveSearchSegmentation()
    search.setBaseImage(cv2.resize(picture, None, fx=scale, fy=scale))
    search.switchToSelectiveSearchFast()
    x, y, width, height = np.float32(search.process()[:MOST_BOXES]).T / np.float32(scale)
    boxes = np.stack([x, y, x + width, y + height], 1)
    np.save(boxes_path, boxes)
    print(f"{len(boxes)} boxes to {boxes_path}")


if __name__ == "__main__":
    main(*sys.argv[1:])
