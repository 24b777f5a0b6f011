from helpers.gstreamer import bindings, rtsp  # noqa: F401  (fixtures)
from helpers.http_camera import serve  # noqa: F401  (a fixture)
