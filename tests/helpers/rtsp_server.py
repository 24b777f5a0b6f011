"""An RTSP server for tests: a ball on black. Run by the system's Python, where GStreamer is.

    /usr/bin/python3 rtsp_server.py [--port 0] [--codec h264|mjpeg] [--size 320x240] [--rate 30]
                                    [--frames N] [--password USER:WORD]

Prints the port, and serves rtsp://127.0.0.1:PORT/cam until it is ended. With --frames the stream
ends after as many.
"""

from __future__ import annotations

import argparse

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

CODECS = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 bitrate=500 ! "
    "rtph264pay name=pay0 pt=96 config-interval=1",
    "mjpeg": "jpegenc ! rtpjpegpay name=pay0 pt=26",
}
# JPEG holds levels from 0 to 255, and jpegenc does not convert.
RANGES = {"h264": "", "mjpeg": ",colorimetry=1:4:0:0"}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", default="0")
    parser.add_argument("--codec", choices=CODECS, default="h264")
    parser.add_argument("--size", default="320x240")
    parser.add_argument("--rate", type=int, default=30)
    parser.add_argument("--frames", type=int, default=-1)
    parser.add_argument("--password")
    args = parser.parse_args()
    width, height = args.size.split("x")

    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(args.port)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(
        f"( videotestsrc is-live=true pattern=ball num-buffers={args.frames} ! "
        f"video/x-raw,format=BGRx,width={width},height={height},framerate={args.rate}/1 ! "
        "videoconvert ! "
        f"video/x-raw,format=I420{RANGES[args.codec]} ! {CODECS[args.codec]} )"
    )
    factory.set_shared(True)
    if args.password:
        user, word = args.password.split(":")
        token = GstRtspServer.RTSPToken()
        token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "viewer")
        auth = GstRtspServer.RTSPAuth()
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, word), token)
        server.set_auth(auth)
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_role("viewer")
        for permission in ("media.factory.access", "media.factory.construct"):
            permissions.add_permission_for_role("viewer", permission, True)
        factory.set_permissions(permissions)
    server.get_mount_points().add_factory("/cam", factory)
    if not server.attach(None):
        raise SystemExit("the port is taken")
    print(server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


main()
