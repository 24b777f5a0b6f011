"""Style transfer: the feed-forward network of edgecv.models.style_transform.

Three graphs from one module. `main` stylizes a whole image. Images too large for that go through
tile by tile, and there instance normalisation must not see the tile alone, or neighbours come out
in different colours: `statistics` gives the mean and 1 / standard deviation of every channel of
every normalisation, taken from the image made small, and `tile` takes them as an input (thumbnail
instance normalisation, Chen et al. 2022, arXiv 2103.11784). With the statistics given, a pixel
depends on its neighbourhood only (`StyleTransform.reach`), so tiles that overlap by twice as much
agree where they meet.
"""
