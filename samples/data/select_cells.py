"""Selects the images of samples/data/cells from a copy of BCCD.

python samples/data/select_cells.py BCCD

BCCD: the folder with Annotations, ImageSets and JPEGImages of
https://github.com/Shenggan/BCCD_Dataset. Images are taken evenly spread from the sorted names of
its splits and copied byte for byte; their boxes are written as COCO JSON.
"""

import json
import shutil
import sys
from pathlib import Path

from edgecv.data.detection_folder import read_folder
from edgecv.data.reading.records import DetectionData, Record

CELLS = Path(__file__).parent / "cells"
COUNTS = {"train": 64, "val": 16}


def main(bccd: str) -> None:
    splits = {split: read_folder(bccd, split) for split in COUNTS}
    terms = license_of(Path(bccd))
    shutil.rmtree(CELLS, ignore_errors=True)
    for split, data in splits.items():
        count = COUNTS[split]
        everything = sorted(data.records, key=lambda record: record.image.name)
        chosen = [everything[i * len(everything) // count] for i in range(count)]
        folder = CELLS / split
        folder.mkdir(parents=True)
        for record in chosen:
            shutil.copyfile(record.image, folder / record.image.name)
        annotations = CELLS / "annotations" / f"instances_{split}.json"
        annotations.parent.mkdir(exist_ok=True)
        annotations.write_text(coco(data, chosen), encoding="utf-8")
        print(f"{split}: {count} of {len(everything)} images to {folder}")
    shutil.copyfile(terms, CELLS / "LICENSE")


def license_of(bccd: Path) -> Path:
    """In the folder itself, or beside it as in BCCD's repository."""
    return next(path for path in (bccd / "LICENSE", bccd.parent / "LICENSE") if path.is_file())


def coco(data: DetectionData, chosen: list[Record]) -> str:
    """COCO's JSON, an entry on each line. Boxes are x, y, width, height in pixels."""
    images, objects = [], []
    for number, record in enumerate(chosen, 1):
        height, width = record.size
        images.append(
            {"id": number, "file_name": record.image.name, "width": width, "height": height}
        )
        for (x1, y1, x2, y2), label in zip(
            record.boxes.astype(int).tolist(), record.labels.tolist(), strict=True
        ):
            box = [x1, y1, x2 - x1, y2 - y1]
            objects.append(
                {"id": len(objects) + 1, "image_id": number, "category_id": label + 1}
                | {"bbox": box, "area": box[2] * box[3], "iscrowd": 0}
            )
    categories = [{"id": index, "name": name} for index, name in enumerate(data.labels, 1)]
    parts = {"images": images, "annotations": objects, "categories": categories}
    return "{\n" + ",\n".join(f'"{name}": {lines(part)}' for name, part in parts.items()) + "\n}\n"


def lines(entries: list[dict]) -> str:
    return "[\n" + ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in entries) + "\n]"


if __name__ == "__main__":
    main(*sys.argv[1:])
