"""Where images come from: files, folders, videos, cameras and streams, behind one iterator."""

from edgecv_runtime.sources.addresses import csi_pipeline, shown_address
from edgecv_runtime.sources.frames import Failure, Frame
from edgecv_runtime.sources.images import IMAGE_SUFFIXES, Images, natural_key
from edgecv_runtime.sources.resolve import SourceLike, open_source, resolve_source
from edgecv_runtime.sources.video import Video
from edgecv_runtime.sources.video_files.kinds import VIDEO_SUFFIXES

__all__ = [
    "IMAGE_SUFFIXES",
    "VIDEO_SUFFIXES",
    "Failure",
    "Frame",
    "Images",
    "SourceLike",
    "Video",
    "csi_pipeline",
    "natural_key",
    "open_source",
    "resolve_source",
    "shown_address",
]
