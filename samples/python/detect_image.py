"""Detects objects on an image, prints them and saves the image with boxes.

python detect_image.py BUNDLE IMAGE RESULT.jpg
"""

import sys

import edgecv


def main(bundle: str, image: str, result_path: str) -> None:
    model = edgecv.load(bundle)
    result = model(image)
    for box, score, label in zip(result.boxes, result.scores, result.labels, strict=True):
        x1, y1, x2, y2 = box.tolist()
        print(f"{result.names[label]} {score:.2f} at {x1:.0f}, {y1:.0f}, {x2:.0f}, {y2:.0f}")
    result.save(result_path)


if __name__ == "__main__":
    main(*sys.argv[1:])
