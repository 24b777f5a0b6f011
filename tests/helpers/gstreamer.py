"""An RTSP server as a child process, and GStreamer's Python bindings in this one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_SYSTEM = "/usr/bin/python3"
_BINDINGS = Path("/usr/lib/python3/dist-packages/gi")
NEEDED = "these tests need GStreamer from Debian: tests/live/install"


class RtspServer:
    """rtsp://127.0.0.1:PORT/cam; `start` and `kill` as often as you like, on one port."""

    def __init__(self, *options: str, password: str | None = None) -> None:
        self._options = [*options, *(("--password", password) if password else ())]
        self._port = "0"
        self._process: subprocess.Popen | None = None

    @property
    def address(self) -> str:
        return f"rtsp://127.0.0.1:{self._port}/cam"

    def start(self) -> None:
        script = Path(__file__).with_name("rtsp_server.py")
        self._process = subprocess.Popen(
            [_SYSTEM, str(script), "--port", self._port, *self._options],
            stdout=subprocess.PIPE,
            text=True,
        )
        self._port = self._process.stdout.readline().strip()
        assert self._port.isdigit(), NEEDED

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process.stdout.close()
            self._process = None


@pytest.fixture
def rtsp():
    """Starts servers: `rtsp("--codec", "mjpeg")`."""
    servers = []

    def start(*options, **named):
        server = RtspServer(*options, **named)
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        server.kill()


@pytest.fixture
def bindings(tmp_path_factory, monkeypatch):
    """The system's `gi`, and nothing else of the system, where this Python finds it."""
    assert _BINDINGS.is_dir(), NEEDED
    folder = tmp_path_factory.mktemp("bindings")
    (folder / "gi").symlink_to(_BINDINGS)
    monkeypatch.syspath_prepend(str(folder))
    try:
        import gi  # noqa: F401
    except ImportError as error:
        version = ".".join(map(str, sys.version_info[:2]))
        pytest.fail(f"the system's Python is not {version} as this one is: {error}")
