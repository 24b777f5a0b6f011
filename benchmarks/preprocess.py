"""Preprocessing of a 1080p frame against OpenCV and torchvision."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

# A tensor of a few MB would be mapped and unmapped at each run, which costs more than the work.
# malloc reads these when the process starts.
_KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "1073741824", "MALLOC_TRIM_THRESHOLD_": "1073741824"}
if any(os.environ.get(name) != value for name, value in _KEEP_MEMORY.items()):
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **_KEEP_MEMORY})

from timing import THREADS, alternate, header, row  # noqa: E402

if hasattr(os, "sched_setaffinity"):  # the number of threads that ops.preprocess takes
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import numpy.typing as npt  # noqa: E402
import torch  # noqa: E402
from torchvision.models.detection.transform import GeneralizedRCNNTransform  # noqa: E402
from torchvision.transforms import v2  # noqa: E402

from edgecv_runtime import InputSpec, ops  # noqa: E402

ROUNDS = 60
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
Array = npt.NDArray[np.generic]


def steady(peer: Callable[[], object]) -> Callable[[], float]:
    """Times a run that follows one of the same peer: none finds the caches of another."""

    def run() -> float:
        peer()
        started = time.perf_counter()
        peer()
        return (time.perf_counter() - started) * 1000

    return run


def compare(
    work: str,
    ours: Callable[[], Array],
    peer_name: str,
    peer: Callable[[], Array],
    largest_difference: float,
    target: str = "",
) -> None:
    np.testing.assert_allclose(ours(), peer(), rtol=0, atol=largest_difference)
    warm = alternate({"ours": steady(ours), "peer": steady(peer)}, ROUNDS)
    cold = alternate({"ours": ours, "peer": peer}, ROUNDS // 2, cold=True)
    cells: list[object] = [work, peer_name]
    for times in (warm, cold):
        mine, theirs = times["ours"].median, times["peer"].median
        cells += [mine, theirs, f"{theirs / mine:.1f}×"]
    print(row(*cells, target), flush=True)


def opencv_numpy(image: Array, side: int) -> Array:
    mean, std = np.array(MEAN, np.float32), np.array(STD, np.float32)
    resized = cv2.cvtColor(cv2.resize(image, (side, side)), cv2.COLOR_BGR2RGB)
    normalized = (resized.astype(np.float32) / 255 - mean) / std
    return np.ascontiguousarray(normalized.transpose(2, 0, 1))


def main() -> None:
    cv2.setNumThreads(THREADS)
    torch.set_num_threads(THREADS)
    rng = np.random.default_rng(0)
    frame = cv2.resize(rng.integers(0, 256, (270, 480, 3), dtype=np.uint8), (1920, 1080))
    nv12 = np.concatenate(
        [rng.integers(16, 236, (1080, 1920)), rng.integers(100, 156, (540, 1920))]
    ).astype(np.uint8)

    print(
        header(
            "1080p frame →", "peer", "edgecv ms", "peer ms", "ratio",
            "edgecv ms, cold caches", "peer ms, cold caches", "ratio, cold caches", "target",
        )
    )  # fmt: skip
    for side in (320, 640):
        size = (side, side)
        scaled = InputSpec(size=size)
        normalized = InputSpec(size=size, mean=MEAN, std=STD)
        smooth = InputSpec(size=size, mean=MEAN, std=STD, antialias=True)
        detection = GeneralizedRCNNTransform(side, side, MEAN, STD, 1, fixed_size=size).eval()
        classification = v2.Compose(
            [v2.ToDtype(torch.float32, scale=True), v2.Resize(size), v2.Normalize(MEAN, STD)]
        )

        def blob(image: Array = frame, size: tuple[int, int] = size) -> Array:
            return cv2.dnn.blobFromImage(image, 1 / 255, size, swapRB=True)[0]

        def torchvision_detection(transform: GeneralizedRCNNTransform = detection) -> Array:
            image = v2.functional.to_dtype(planes(frame), torch.float32, scale=True)
            return transform([image])[0].tensors[0].numpy()

        # OpenCV rounds the resized image to whole levels, of which a std of 0.22 makes 0.02.
        compare(
            f"{side}², RGB, scaled",
            lambda spec=scaled: ops.preprocess(frame, spec),
            "blobFromImage",
            blob,
            0.008,
            "2×",
        )
        compare(
            f"{side}², RGB, mean and std",
            lambda spec=normalized: ops.preprocess(frame, spec),
            "OpenCV + NumPy",
            lambda side=side: opencv_numpy(frame, side),
            0.03,
            "8×",
        )
        compare(
            f"{side}², RGB, mean and std",
            lambda spec=normalized: ops.preprocess(frame, spec),
            "torchvision, detection",
            torchvision_detection,
            1e-4,
        )
        compare(
            f"{side}², RGB, mean and std, antialias",
            lambda spec=smooth: ops.preprocess(frame, spec),
            "torchvision, classification",
            lambda transform=classification: transform(planes(frame)).numpy(),
            1e-4,
        )
        compare(
            f"NV12, {side}², RGB, scaled",
            lambda spec=scaled: ops.preprocess(nv12, spec, "nv12"),
            "cvtColor + blobFromImage",
            lambda blob=blob: blob(cv2.cvtColor(nv12, cv2.COLOR_YUV2BGR_NV12)),
            0.008,
        )


def planes(bgr: Array) -> torch.Tensor:
    """uint8 RGB [3, H, W], a view of a copy in RGB order."""
    return torch.from_numpy(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)).permute(2, 0, 1)


if __name__ == "__main__":
    main()
