"""Gives an image, or every frame of a video, the style of a bundle.

python stylize.py BUNDLE image.jpg stylized.png
python stylize.py BUNDLE holiday.mp4 stylized.mp4
"""

import sys

import cv2

import edgecv


def main(bundle: str, source: str, target: str) -> None:
    model = edgecv.load(bundle)
    writer = None
    for result in model.stream(source):
        if not target.endswith(".mp4"):
            result.save(target)
            continue
        if writer is None:
            height, width = result.image_size
            writer = cv2.VideoWriter(target, cv2.VideoWriter.fourcc(*"mp4v"), 25, (width, height))
        writer.write(result.image)
    if writer is not None:
        writer.release()
    print(f"{model.manifest.name}: {source} -> {target}")


if __name__ == "__main__":
    main(*sys.argv[1:])
