"""What cameras over HTTP may do: end, be silent, change their size, send garbage."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import edgecv
from edgecv_runtime import InputError
from edgecv_runtime.sources import open_source
from edgecv_runtime.sources.frames import Frame
from edgecv_runtime.sources.live.readers.opencv import OpenCVReader
from edgecv_runtime.sources.live.readers.pyav import PyAVReader
from helpers.tiny_bundle import write_tiny_bundle

VIDEOS = Path(__file__).parents[1] / "golden" / "videos"
READERS = ("opencv", "pyav")  # GStreamer finds no JPEG stream in HTTP


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return edgecv.load(write_tiny_bundle(tmp_path_factory.mktemp("http") / "tiny"), threads=1)


def until(live, holds, seconds=60):
    """Results until that holds of the source's status, which is looked at time and again."""
    results, end = [], time.monotonic() + seconds
    while not holds(live.sources[0]):
        result = live.wait(0.02)
        if result is not None:
            results.append(result)
        assert time.monotonic() < end, live.sources[0]
    return results


@pytest.mark.parametrize("reader", READERS)
def test_a_stream_that_ends_is_opened_again(reader, model, serve):
    address = serve(frames=12, pause_s=0.03)
    with edgecv.Live(model, address, reader=reader) as live:
        results = until(live, lambda status: status.opened == 3)
        results += until(live, lambda status: status.frames > results[-1].frame + 1)
    numbers = [result.frame for result in results]
    assert numbers == sorted(set(numbers)) and numbers[-1] > 12
    times = [result.play_ms for result in results]
    assert times == sorted(times)
    assert "no more images after 12 frames: " in live.sources[0].reason


@pytest.mark.parametrize("reader", READERS)
def test_a_silent_stream_is_stalled_then_lost_then_opened_again(reader, model, serve):
    address, events = serve(frames=20, silent=True), []
    with edgecv.Live(model, address, reader=reader, timeout=1.5, on_event=events.append) as live:
        until(live, lambda status: status.opened == 2)
    states = [str(event.state) for event in events]
    assert states[:4] == ["live", "stalled", "lost", "connecting"] and states[-1] == "live"


@pytest.mark.parametrize("reader", READERS)
def test_broken_frames_do_not_end_a_stream(reader, model, serve):
    address = serve(frames=200, broken=range(10, 200, 10))
    with edgecv.Live(model, address, reader=reader) as live:
        results = until(live, lambda status: status.frames > 40)
    assert len(results) > 5
    assert live.sources[0].opened == 1
    assert live.sources[0].broken > 0 or reader == "pyav"  # FFmpeg 8 shows what there is of them


@pytest.mark.parametrize("reader", READERS)
def test_a_change_of_size_is_followed(reader, model, serve):
    sizes = [(64, 96), (128, 192)]
    address = serve(frames=60, pause_s=0.03, sizes=sizes)
    with edgecv.Live(model, address, reader=reader) as live:
        if reader == "opencv":  # it does not follow
            until(live, lambda status: status.opened == 2)
            assert "is of another size than those before" in live.sources[0].reason
            return
        results = until(live, lambda status: status.frames > 40)
        assert live.sources[0].opened == 1
    assert {result.image_size for result in results} == set(sizes)
    assert all(result.image.shape == (*result.image_size, 3) for result in results)


@pytest.fixture
def odd_server():
    """Answers each connection with what it is given, and leaves it open."""
    servers = []

    def start(answer):
        server = socket.create_server(("127.0.0.1", 0))
        held = []

        def accept():
            try:
                while True:
                    connection, _ = server.accept()
                    held.append(connection)
                    connection.sendall(answer)
            except OSError:
                pass

        threading.Thread(target=accept, daemon=True).start()
        servers.append((server, held))
        return f"http://127.0.0.1:{server.getsockname()[1]}/live"

    yield start
    for server, held in servers:
        server.shutdown(socket.SHUT_RDWR)
        for connection in (server, *held):
            connection.close()


HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: video/mp4\r\n\r\n"


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "answer", [b"", HEAD, HEAD + bytes(range(256)) * 300], ids=["nothing", "no body", "garbage"]
)
def test_a_server_without_images_is_one_line_and_the_others_go_on(
    answer, reader, model, odd_server, serve
):
    bad, good, events = odd_server(answer), serve(frames=100_000), []
    options = {"reader": reader, "timeout": 1.0}
    with edgecv.Live(model, [bad, good], on_event=events.append, **options) as live:
        end = time.monotonic() + 60
        lost = []
        while not lost:
            live.wait(0.1)
            lost = [event for event in events if event.index == 0 and str(event.state) == "lost"]
            assert time.monotonic() < end, live.sources
        frames = live.sources[1].frames
        while live.sources[1].frames <= frames + 3:
            live.wait(0.1)
    assert lost[0].reason.startswith(f"{bad}: ") and "\n" not in lost[0].reason
    with (
        pytest.raises(InputError, match=r"cannot be opened|not answered|no more images"),
        edgecv.Live(model, bad, **options) as live,
    ):
        list(live)


def upright(shot):
    return Frame("", shot.pixels, 0, format=shot.format).image


def test_pyav_follows_every_size_of_a_stream():
    reader = PyAVReader("clip", str(VIDEOS / "sizes_h264.ts"))
    expected = [frame.image.shape for frame in open_source(VIDEOS / "sizes_h264.ts")]
    found = [upright(reader.read()).shape for _ in expected]
    with pytest.raises(InputError, match=f"no more images after {len(expected)} frames"):
        reader.read()
    reader.close()
    assert found == expected and len(set(found)) > 1


def test_pyav_weaves_interlaced_frames():
    """OpenCV 4.13 and later cannot convert them."""
    reader = PyAVReader("clip", str(VIDEOS / "interlaced.mp4"))
    expected = list(open_source(VIDEOS / "interlaced.mp4"))
    for frame in expected:
        found = upright(reader.read())
        assert np.abs(found.astype(int) - frame.image).mean() < 3
    reader.close()


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("make", [OpenCVReader, PyAVReader])
def test_frames_stand_upright(make, turn, tmp_path):
    path = tmp_path / "phone.mp4"
    write_turned(path, turn)
    (expected, *_) = open_source(path)
    reader = make("phone", str(path))
    found = upright(reader.read())
    reader.close()
    assert found.shape == expected.image.shape
    assert np.abs(found.astype(int) - expected.image).mean() < 4


def write_turned(path, turn):
    """A corner is white: it says where the top is."""
    import av

    image = np.zeros((48, 64, 3), np.uint8)
    image[:16, :16] = 255
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())
    data = bytearray(path.read_bytes())
    a, b, c, d = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[turn]
    at = data.find(b"tkhd") + 4
    at += 4 + (32 if data[at] else 20) + 16  # the matrix of the track's header
    values = [a, b, 0, c, d, 0]
    for offset, value in enumerate(values):
        data[at + 4 * offset : at + 4 * offset + 4] = (value * 0x10000).to_bytes(
            4, "big", signed=True
        )
    path.write_bytes(data)
