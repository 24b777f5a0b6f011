"""Counts the objects on each frame of a video or camera.

python detect_video.py BUNDLE VIDEO        # or 0 for the first camera, or rtsp://...
"""

import sys

import edgecv


def main(bundle: str, source: str) -> None:
    model = edgecv.load(bundle)
    model.warmup()
    for result in model.stream(source):
        print(f"frame {result.frame}: {result.summary()}")


if __name__ == "__main__":
    main(*sys.argv[1:])
