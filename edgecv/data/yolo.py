"""YOLO folders: images/<split>/* and labels/<split>/*.txt, described by data.yaml or by habit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgecv_runtime import InputError

from .image_files import IMAGE_SUFFIXES, SPLIT_ALIASES, upright_size
from .records import DetectionData, RecordCollector


def recognises(folder: Path) -> bool:
    return _yaml_file(folder) is not None or (
        (folder / "images").is_dir() and (folder / "labels").is_dir()
    )


def read(folder: Path, split: str) -> DetectionData:
    """Reads one split: the one in data.yaml, else images/<split> with labels/<split>.

    Names come from data.yaml, else from classes.txt, else they are the class numbers. An image
    without a label file has no objects. Polygons (segmentation labels) become their boxes.

    Raises:
        InputError: a file is missing or broken; the message names it.
    """
    yaml_file = _yaml_file(folder)
    description = _load_yaml(yaml_file) if yaml_file is not None else {}
    names = _names(folder, description)
    images = _images(folder, description, split)

    collector = RecordCollector()
    rows = [(image, _label_file(image)) for image in images]
    parsed = [_read_labels(path) if path.is_file() else [] for _, path in rows]
    if not names:
        count = max((label for entries in parsed for label, _ in entries), default=-1) + 1
        names = [str(i) for i in range(count)]
    for (image, path), entries in zip(rows, parsed, strict=True):
        height, width = upright_size(image) if entries else (1, 1)
        for label, _ in entries:
            if label >= len(names):
                raise InputError(
                    f"{path}: class {label}, but there are {len(names)} names: {', '.join(names)}"
                )
        boxes = [(x1 * width, y1 * height, x2 * width, y2 * height)
                 for _, (x1, y1, x2, y2) in entries]  # fmt: skip
        collector.add(image, path, boxes, [label for label, _ in entries], [False] * len(entries))
    return collector.finish(names, folder)


def _yaml_file(folder: Path) -> Path | None:
    for name in ("data.yaml", "data.yml", "dataset.yaml"):
        if (folder / name).is_file():
            return folder / name
    return None


def _load_yaml(path: Path) -> dict[str, Any]:
    try:
        import yaml
    except ImportError as error:
        raise InputError(f"{path}: reading it needs PyYAML; pip install pyyaml") from error
    try:
        content = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise InputError(f"{path}: broken YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict) or "names" not in content:
        raise InputError(f"{path}: not a YOLO data file: expected the keys train, val and names")
    return content


def _names(folder: Path, description: dict[str, Any]) -> list[str]:
    names = description.get("names")
    if isinstance(names, dict):
        if sorted(names) != list(range(len(names))):
            raise InputError(f"{folder}: names in the data file must be numbered 0, 1, 2, ...")
        return [str(names[i]) for i in range(len(names))]
    if isinstance(names, list):
        return [str(name) for name in names]
    for candidate in (folder / "classes.txt", folder / "labels" / "classes.txt"):
        if candidate.is_file():
            return [line.strip() for line in candidate.read_text().splitlines() if line.strip()]
    return []


def _images(folder: Path, description: dict[str, Any], split: str) -> list[Path]:
    aliases = SPLIT_ALIASES.get(split, (split,))
    if description:
        key = next((alias for alias in aliases if description.get(alias)), None)
        if key is None:
            raise InputError(f"{folder}: the data file has no entry {split!r}")
        value = description[key]
        root = folder / str(description.get("path", ""))
        root = root if root.is_dir() else folder
        found = [_resolve(root, str(v)) for v in (value if isinstance(value, list) else [value])]
    else:
        found = [p for alias in aliases if (p := folder / "images" / alias).is_dir()][:1]
        if not found:
            present = ", ".join(sorted(p.name for p in (folder / "images").iterdir() if p.is_dir()))
            raise InputError(
                f"{folder / 'images'}: no folder {split}; there are {present or 'none'}"
            )
    images: list[Path] = []
    for place in found:
        images.extend(_listed(place))
    return images


def _resolve(root: Path, value: str) -> Path:
    # Roboflow writes ../train/images although the folder lies beside the file.
    for candidate in (root / value, root / value.removeprefix("../")):
        if candidate.exists():
            return candidate
    raise InputError(f"{root / value}: named in the data file, does not exist")


def _listed(place: Path) -> list[Path]:
    if place.is_dir():
        return sorted(p for p in place.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
    images = [place.parent / line for line in place.read_text().split("\n") if line.strip()]
    for image in images:
        if not image.is_file():
            raise InputError(f"{place}: names {image}, which does not exist")
    return images


def _label_file(image: Path) -> Path:
    parts = list(image.parts)
    for position in range(len(parts) - 2, -1, -1):
        if parts[position] == "images":
            parts[position] = "labels"
            return Path(*parts).with_suffix(".txt")
    return image.with_suffix(".txt")


def _read_labels(path: Path) -> list[tuple[int, tuple[float, float, float, float]]]:
    entries = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        fields = line.split()
        if not fields:
            continue
        try:
            label = int(fields[0])
            values = [float(value) for value in fields[1:]]
        except ValueError as error:
            raise InputError(f"{path}:{number}: expected numbers, got {line.strip()!r}") from error
        if label < 0:
            raise InputError(f"{path}:{number}: class {label} is negative")
        if len(values) == 4:
            x, y, width, height = values
            box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        elif len(values) >= 6 and len(values) % 2 == 0:
            box = (min(values[::2]), min(values[1::2]), max(values[::2]), max(values[1::2]))
        else:
            raise InputError(
                f"{path}:{number}: expected `class cx cy width height` or a polygon, "
                f"got {len(fields)} fields"
            )
        if max(map(abs, values)) > 2:
            raise InputError(f"{path}:{number}: expected fractions of the image's sides, 0 to 1")
        entries.append((label, box))
    return entries
