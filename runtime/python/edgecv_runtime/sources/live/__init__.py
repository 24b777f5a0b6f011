"""Cameras and streams: what has no end of its own, and may be away for a while."""
