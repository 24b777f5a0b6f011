"""A camera that sends JPEG after JPEG over HTTP, as many IP cameras do."""

from __future__ import annotations

import base64
import http.server
import threading
import time

import cv2
import numpy as np
import pytest


class Camera(http.server.BaseHTTPRequestHandler):
    """JPEG after JPEG: `frames` of them, `pause_s` apart; then it is silent, or ends."""

    frames, pause_s, silent, password, sizes = 12, 0.05, False, None, [(64, 96)]
    broken = ()  # frames of which half is sent

    def do_GET(self):
        wanted = self.password and "Basic " + base64.b64encode(self.password).decode()
        if self.headers.get("Authorization") != wanted:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="camera"')
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
        self.end_headers()
        for at in range(self.frames):
            size = self.sizes[at * len(self.sizes) // self.frames]
            jpeg = cv2.imencode(".jpg", np.full((*size, 3), 8 * at % 256, np.uint8))[1].tobytes()
            if at in self.broken:
                jpeg = jpeg[: len(jpeg) // 2]
            head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            self.wfile.write(head.encode() + jpeg + b"\r\n")
            time.sleep(self.pause_s)
        if self.silent:
            self.server.over.wait(60)

    def log_message(self, *_):
        pass


@pytest.fixture
def serve():
    """Starts a camera with these attributes; its address."""
    servers = []

    def start(**attributes):
        handler = type("Some", (Camera,), attributes)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads, server.over = True, threading.Event()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/stream.mjpg"

    yield start
    for server in servers:
        server.over.set()
        server.shutdown()
