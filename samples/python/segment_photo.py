"""Gives each pixel of a photo its class; saves an overlay and the class map.

python segment_photo.py BUNDLE PHOTO OVERLAY.jpg CLASS_MAP.png
"""

import sys

import edgecv


def main(bundle: str, photo: str, overlay_path: str, class_map_path: str) -> None:
    model = edgecv.load(bundle)
    if model.windows is not None:  # sliding crops: more of overlap, less weight at their edges
        model.windows = {"overlap": 0.5, "weight": "gaussian"}
    result = model(photo)
    for part in result.to_dict()["classes"]:
        print(f"{part['name']} {100 * part['fraction']:.1f} %")
    result.save(overlay_path)
    result.save_mask(class_map_path)


if __name__ == "__main__":
    main(*sys.argv[1:])
