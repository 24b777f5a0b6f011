"""The loop of a robot that follows the largest object: it takes only boxes, and never old ones.

python robot_loop.py BUNDLE CAMERA        # 0 for the first camera, or rtsp://..., or a video
"""

import sys

import edgecv

OLDEST_MS = 200.0  # what was seen longer ago is not acted upon


def steering(boxes, width: int) -> float:
    """From -1 (the largest box is at the left edge) to 1; 0 without boxes."""
    if len(boxes) == 0:
        return 0.0
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    x1, _, x2, _ = boxes[areas.argmax()]
    return float((x1 + x2) / width - 1)


def main(bundle: str, camera: str) -> None:
    model = edgecv.load(bundle)
    model.warmup()
    with edgecv.Live(model, camera, max_fps=20) as live:
        while not live.over:
            result = live.wait(timeout_s=0.2)  # the robot's own work is done meanwhile
            if result is None or result.age_ms > OLDEST_MS:
                turn = 0.0  # nothing is known: stand still
            else:
                turn = steering(result.boxes, result.image_size[1])
            if not live.over:
                print(f"turn {turn:+.2f}")  # in place of the motors


if __name__ == "__main__":
    main(*sys.argv[1:])
