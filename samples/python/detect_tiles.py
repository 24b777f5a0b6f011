"""Finds small objects on a large image, tile by tile, and saves the image with boxes.

python detect_tiles.py BUNDLE IMAGE RESULT.jpg TILE
"""

import sys

import edgecv


def main(bundle: str, image: str, result_path: str, tile: str) -> None:
    model = edgecv.load(bundle)
    model.tiles = edgecv.Tiles(int(tile), overlap=0.25, whole=True)
    result = model(image)
    count = len(model.tiles.windows(result.image_size))
    print(f"{count} tiles: {result.summary()}")
    result.save(result_path)


if __name__ == "__main__":
    main(*sys.argv[1:])
