from helpers.gstreamer import bindings, rtsp  # noqa: F401  (fixtures)
