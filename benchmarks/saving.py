"""What saving a video costs, and how soon a stalled stream answers Ctrl-C and SIGTERM."""

from __future__ import annotations

import argparse
import http.server
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from edgecv.cli.recording.video_writer import VideoWriter
from timing import header, row

GOLDEN = Path(__file__).parents[1] / "tests" / "golden"
FRAMES_BEFORE_STALLING = 12
IMAGE = cv2.imencode(".jpg", np.full((96, 128, 3), 90, np.uint8))[1].tobytes()


class Stalling(http.server.BaseHTTPRequestHandler):
    """A camera that sends some frames and then nothing, with its connection open."""

    over: threading.Event

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        part = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n"
        # OpenCV hands out a frame when the next one has begun.
        for _ in range(FRAMES_BEFORE_STALLING + 2):
            self.wfile.write(part % (len(IMAGE), IMAGE))
            time.sleep(0.02)
        self.over.wait()

    def log_message(self, *_: object) -> None:
        pass


def moving(size: tuple[int, int], count: int) -> list[NDArray[np.uint8]]:
    """Blurred noise that moves by three pixels a frame."""
    random = np.random.default_rng(0)
    image = cv2.GaussianBlur(random.integers(0, 256, (*size, 3), np.uint8), (0, 0), 3)
    return [np.roll(image, 3 * at, axis=1) for at in range(count)]


def straight(path: Path, frames: list[NDArray[np.uint8]]) -> float:
    """Seconds of OpenCV's own writer."""
    height, width = frames[0].shape[:2]
    started = time.perf_counter()
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25.0, (width, height))
    for frame in frames:
        writer.write(frame)
    writer.release()
    return time.perf_counter() - started


def saved(path: Path, frames: list[NDArray[np.uint8]]) -> tuple[float, float]:
    """Seconds of the frames and of the end."""
    started = time.perf_counter()
    with VideoWriter(path, 25.0) as writer:
        for frame in frames:
            writer.write(frame)
        written = time.perf_counter()
    return written - started, time.perf_counter() - written


def answer(name: str, mute: bool, folder: Path) -> float:
    """Seconds from a signal to the end of `edgecv camera --save` on a stream that stands still."""
    over = threading.Event()
    if mute:
        server: socket.socket | None = socket.create_server(("127.0.0.1", 0))
        port = server.getsockname()[1]
    else:
        server = None
        handler = type("Handler", (Stalling,), {"over": over})
        web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        web.daemon_threads = True
        threading.Thread(target=web.serve_forever, daemon=True).start()
        port = web.server_port
    command = [sys.executable, "-m", "edgecv", "camera", str(GOLDEN / "bundle_v1"), "--no-show"]
    command += ["--source", f"http://127.0.0.1:{port}/a.mjpg", "--json"]
    command += ["--save", str(folder / "a.mp4")]
    quiet = {"stderr": subprocess.DEVNULL, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **quiet) as process:  # type: ignore[call-overload]
        for _ in range(0 if mute else FRAMES_BEFORE_STALLING):
            process.stdout.readline()
        time.sleep(4 if mute else 1)
        started = time.perf_counter()
        process.send_signal(getattr(signal, name))
        process.wait()
        seconds = time.perf_counter() - started
    over.set()
    if server is not None:
        server.close()
    assert process.returncode == 130, process.returncode
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5, help="of which the median counts")
    args = parser.parse_args()
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(header("frames", "OpenCV's writer", "edgecv", "at the end, once"))
        for size in ((480, 640), (720, 1280), (1080, 1920)):
            frames = moving(size, args.frames)
            plain, ours = [], []
            for _ in range(args.rounds):
                plain.append(straight(folder / "plain.mp4", frames))
                ours.append(saved(folder / "ours.mp4", frames))
            each = 1000 / args.frames
            print(
                row(
                    f"{size[1]} x {size[0]}",
                    f"{median(plain) * each:.2f} ms",
                    f"{median(frames for frames, _ in ours) * each:.2f} ms",
                    f"{median(end for _, end in ours) * 1000:.0f} ms",
                )
            )
        print()
        print(header("signal", "a stream that stalls", "a server that is mute"))
        for name in ("SIGINT", "SIGTERM"):
            cells = []
            for mute in (False, True):
                times = [answer(name, mute, folder) for _ in range(args.rounds)]
                cells.append(f"{median(times):.2f} s (at most {max(times):.2f} s)")
            print(row(name, *cells))


if __name__ == "__main__":
    main()
