"""Finds small objects on a large photo, tile by tile, and saves the photo with boxes.

python detect_tiles.py BUNDLE PHOTO RESULT.jpg TILE
"""

import sys

import edgecv


def main(bundle: str, photo: str, result_path: str, tile: str) -> None:
    model = edgecv.load(bundle)
    model.tiles = edgecv.Tiles(int(tile), overlap=0.25, whole=True)
    result = model(photo)
    count = len(model.tiles.windows(result.image_size))
    print(f"{count} tiles: {result.summary()}")
    result.save(result_path)


if __name__ == "__main__":
    main(*sys.argv[1:])
