"""What reads cameras and streams: OpenCV, PyAV or GStreamer, each in a file of its own."""
