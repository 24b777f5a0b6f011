"""Gives each pixel of an image its class; saves an overlay and the class map.

python segment_image.py BUNDLE IMAGE OVERLAY.jpg CLASS_MAP.png
"""

import sys

import edgecv


def main(bundle: str, image: str, overlay_path: str, class_map_path: str) -> None:
    model = edgecv.load(bundle)
    if model.windows is not None:  # sliding windows: more overlap, less weight at their edges
        model.windows = {"overlap": 0.5, "weight": "gaussian"}
    result = model(image)
    for part in result.to_dict()["classes"]:
        print(f"{part['name']} {100 * part['fraction']:.1f} %")
    result.save(overlay_path)
    result.save_mask(class_map_path)


if __name__ == "__main__":
    main(*sys.argv[1:])
