"""edgecv.Live: a video of 1080p against the network alone and a plain loop; ages of results behind
a slow network; four cameras that share one."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import av
import cv2
import numpy as np
import torch

import edgecv
from edgecv.live import opening
from edgecv.models import registry
from edgecv_export import GraphOptions, export
from edgecv_export.generated_images import generate_images
from edgecv_runtime.sources.live.readers.reader import Shot
from helpers.varied_detections import varied_detector
from pipeline import raise_background
from saving import moving
from timing import header, row

LABELS = [f"class {index}" for index in range(1, 91)]


def write_video(path: Path, count: int) -> Path:
    """H.264, 1080p, moving: an IP camera's stream."""
    images = moving((1080, 1920), 30)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"preset": "veryfast", "g": "30"})
        stream.width, stream.height, stream.pix_fmt = 1920, 1080, "yuv420p"
        for at in range(count):
            frame = av.VideoFrame.from_ndarray(images[at % 30], format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def make_bundle(folder: Path) -> Path:
    network = varied_detector(
        lambda: registry.create("ssdlite320_mobilenet_v3_large", num_classes=91), generate_images(8)
    )
    image = moving((1080, 1920), 1)[0]
    tensor = torch.from_numpy(image[:, :, ::-1].copy()).permute(2, 0, 1).float() / 255
    raise_background(network, tensor)
    return export(network, folder, labels=LABELS, graph=GraphOptions(batch=1)).folder


def network_alone(bundle: Path, count: int) -> float:
    """Frames a second of its runs, one after another, on one core."""
    engine = edgecv.load(bundle, threads=1).engines["main"]
    engine.input(0, (1, 3, 320, 320))[...] = 0.1
    engine.run()
    started = time.perf_counter()
    for _ in range(count):
        engine.run()
    return count / (time.perf_counter() - started)


def plain_loop(bundle: Path, video: Path) -> float:
    """Frames a second of a loop in one thread: read with OpenCV, preprocess with it, run."""
    engine = edgecv.load(bundle, threads=1).engines["main"]
    cv2.setNumThreads(1)
    capture = cv2.VideoCapture(str(video), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    count = 0
    started = time.perf_counter()
    while (read := capture.read())[0]:
        blob = cv2.dnn.blobFromImage(read[1], 1 / 127.5, (320, 320), (127.5,) * 3, swapRB=True)
        engine.input(0, (1, 3, 320, 320))[...] = blob
        engine.run()
        count += 1
    return count / (time.perf_counter() - started)


def whole(bundle: Path, video: Path) -> tuple[float, dict[str, Any]]:
    model = edgecv.load(bundle, threads=1)
    model.warmup()
    with edgecv.Live(model, video) as live:
        started = time.perf_counter()
        count = sum(1 for _ in live)
        return count / (time.perf_counter() - started), live.stats()


class SleepingModel:
    """A network on another device: a run takes `base_ms`, and `each_ms` for each frame."""

    steps = ("network",)

    def __init__(self, base_ms: float, each_ms: float) -> None:
        self._base_ms, self._each_ms = base_ms, each_ms
        self.timing = SimpleNamespace(network_ms=base_ms)

    def predict_frames(self, frames: list[Any]) -> list[Any]:
        time.sleep((self._base_ms + self._each_ms * len(frames)) / 1000)
        return [SimpleNamespace(frame=frame.index) for frame in frames]


class EvenReader:
    """A camera of 1080p with an even rate."""

    name, decoder, without_times = "even", "", True

    def __init__(self, rate: float) -> None:
        self._step, self._due = 1 / rate, time.monotonic()
        self._image = np.zeros((1080, 1920, 3), np.uint8)

    def read(self) -> Shot:
        self._due += self._step
        time.sleep(max(0.0, self._due - time.monotonic()))
        return Shot(self._image.copy(), "bgr", 0.0, 0.0)

    def close(self) -> None:
        pass


def on_cameras(model: Any, count: int, rate: float, seconds: float, **options: Any) -> Any:
    """Statistics of a run of so many cameras."""
    opens: Callable[..., Any] = lambda video, reader, silence_ms: lambda: EvenReader(rate)  # noqa: E731
    before, opening.opener = opening.opener, opens
    try:
        with edgecv.Live(model, list(range(count)), **options) as live:
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                live.wait(0.1)
        return live.stats()
    finally:
        opening.opener = before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3, help="of which the median counts")
    parser.add_argument("--seconds", type=float, default=10.0, help="of a run of cameras")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        video = write_video(folder / "clip.mp4", args.frames)
        bundle = make_bundle(folder / "ssdlite")
        rates: dict[str, list[float]] = {"network": [], "loop": [], "live": []}
        for _ in range(args.rounds):
            rates["network"].append(network_alone(bundle, args.frames))
            rates["loop"].append(plain_loop(bundle, video))
            rate, stats = whole(bundle, video)
            rates["live"].append(rate)
    medians = {name: float(np.median(found)) for name, found in rates.items()}
    print(header("ssdlite320, a video of 1080p, threads=1", "frames/s"))
    for key, label in (
        ("network", "network alone, one thread"),
        ("loop", "OpenCV and network in one loop, one thread"),
        ("live", "edgecv.Live"),
    ):
        print(row(label, f"{medians[key]:.1f}"))
    print()
    print(header("ratio", "measured", "target"))
    print(
        row(
            "edgecv.Live / network alone", f"{medians['live'] / medians['network']:.2f}×", "≥ 0.95×"
        )
    )
    print(row("edgecv.Live / loop", f"{medians['live'] / medians['loop']:.2f}×", "≥ 1.5×"))

    slow = on_cameras(SleepingModel(100.0, 0.0), 1, 30.0, args.seconds)
    age = slow["ms"]["age"]
    target = "< 300 ms"
    print(row("age of results p95, 30 frames/s, network of 100 ms", f"{age['p95']:.0f} ms", target))
    shared = on_cameras(SleepingModel(30.0, 5.0), 4, 30.0, args.seconds, batch=4)
    most = 1000 / 50 * 4
    print(
        row(
            "four cameras, batch 4 / batches alone",
            f"{shared['results_per_second'] / most:.2f}×",
            "≥ 0.9×",
        )
    )
    print()
    steps = ", ".join(f"{key} {found['p50']:.2f}" for key, found in stats["ms"].items())
    print(f"Where the time of edgecv.Live goes, ms of a frame (p50): {steps}.")


if __name__ == "__main__":
    main()
