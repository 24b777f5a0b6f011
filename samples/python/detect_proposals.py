"""Detects objects on an image in boxes that somebody else proposes (Fast R-CNN).

python detect_proposals.py BUNDLE IMAGE BOXES.npy RESULT.jpg

BOXES.npy: float32 [N, 4], x1, y1, x2, y2 in pixels of the image; selective_search.py writes it.
"""

import sys

import numpy as np

import edgecv


def main(bundle: str, image: str, boxes_path: str, result_path: str) -> None:
    model = edgecv.load(bundle)
    proposals = np.load(boxes_path, allow_pickle=False)
    result = model(image, proposals=proposals)
    print(f"{len(proposals)} proposals, {len(result)} detections")
    result.save(result_path)


if __name__ == "__main__":
    main(*sys.argv[1:])
