"""All readers of files from elsewhere, by name."""

from fuzz import (
    bundle_readers,
    data_readers,
    image_readers,
    video_readers,
    weight_readers,
    zone_readers,
)

READERS = {
    **bundle_readers.READERS,
    **weight_readers.READERS,
    **data_readers.READERS,
    **image_readers.READERS,
    **video_readers.READERS,
    **zone_readers.READERS,
}
