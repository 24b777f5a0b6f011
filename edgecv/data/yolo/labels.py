"""YOLO's label files: which one belongs to an image, and what its lines mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from edgecv_runtime import InputError

from ..reading.image_files import list_images
from ..reading.records import Corners
from ..reading.split_report import NAMED, counted, shortened
from ..reading.text import read_lines

_NUMBERED = re.compile(r"\d+(?:\.0*)?")
MAX_CLASSES = 100_000  # the manifest's limit of labels
_LEAST_LINES = 3  # that are alike, before they are taken for keypoints without being told


class Row(NamedTuple):
    """One line: `values` are fractions of the image's sides."""

    where: str
    label: int
    values: tuple[float, ...]


class LabelFiles:
    """Finds the label file of each image: its name with .txt, in a folder `labels` in place of
    `images`, else beside the image. Case of the folders' names and of the suffix does not count."""

    def __init__(self, images: Sequence[Path]) -> None:
        self._folders: dict[Path, dict[str, Path]] = {}
        self._places: dict[Path, list[Path]] = {}
        self._of = {image: self._find(image) for image in images}

    def of(self, image: Path) -> Path | None:
        return self._of[image]

    def expected(self, image: Path) -> list[Path]:
        """Where the image's label file would be."""
        return [place / f"{image.stem}.txt" for place in self._label_folders(image.parent)]

    def unused(self) -> list[Path]:
        """Files in the folders of the labels without an image, in the split or beside it."""
        folders = {path.parent for path in self._of.values() if path is not None}
        images = {image.parent for image in self._of}
        stems = {image.stem for place in images for image in list_images(place)}
        return sorted(
            path
            for folder in folders - images
            for path in self._files(folder).values()
            if path.stem not in stems and path.name not in ("classes.txt", "_darknet.labels")
        )

    def _find(self, image: Path) -> Path | None:
        for place in self._label_folders(image.parent):
            if image.stem in self._files(place):
                return self._files(place)[image.stem]
        return None

    def _files(self, folder: Path) -> dict[str, Path]:
        if folder not in self._folders:
            paths = sorted(folder.iterdir()) if folder.is_dir() else []
            self._folders[folder] = {
                path.stem: path
                for path in paths
                if path.suffix.lower() == ".txt" and not path.name.startswith(".")
            }
        return self._folders[folder]

    def _label_folders(self, folder: Path) -> list[Path]:
        if folder not in self._places:
            parts = folder.parts
            places = []
            for position in range(len(parts) - 1, -1, -1):
                if parts[position].lower() == "images":
                    root = Path(*parts[:position])
                    present = _folders_called_labels(root)
                    names = ["labels", *(name for name in present if name != "labels")]
                    places += [root.joinpath(name, *parts[position + 1 :]) for name in names]
                    break
            self._places[folder] = [*places, folder]
        return self._places[folder]


def _folders_called_labels(root: Path) -> list[str]:
    try:
        return [path.name for path in root.iterdir() if path.name.lower() == "labels"]
    except OSError:  # a folder far above the data set
        return []


def read_rows(path: Path) -> list[Row]:
    """The lines of a label file. Raises InputError for one that holds no class and fractions."""
    rows = []
    for number, line in enumerate(read_lines(path), 1):
        fields = line.split()
        if not fields:
            continue
        where = f"{path}:{number}"
        try:
            values = tuple(float(value) for value in fields[1:])
        except ValueError as error:
            raise InputError(f"{where}: expected numbers, got {line.strip()[:80]!r}") from error
        if not _NUMBERED.fullmatch(fields[0]):
            raise InputError(
                f"{where}: class {fields[0][:20]} is negative or no whole number; expected "
                "`class cx cy width height`"
            )
        if len(values) < 4:
            raise InputError(
                f"{where}: expected `class cx cy width height` or a polygon, "
                f"got {len(fields)} fields"
            )
        if not all(abs(value) <= 2 for value in values):  # nor is NaN
            raise InputError(
                f"{where}: expected fractions of the image's sides, 0 to 1, got "
                f"{line.strip()[:80]!r}"
            )
        if float(fields[0]) >= MAX_CLASSES:
            raise InputError(
                f"{where}: class {fields[0][:20]}; expected one of at most {MAX_CLASSES}, from 0 on"
            )
        rows.append(Row(where, int(float(fields[0])), values))
    return rows


class Forms:
    """Makes a box of each line, whatever form it has.

    Args:
        keypoints: `kpt_shape` of the data file: keypoints of an object, numbers of each.
    """

    def __init__(self, keypoints: tuple[int, int] | None) -> None:
        self.keypoints = keypoints
        self.notes: list[str] = []

    def boxes(self, rows: list[Row]) -> list[Corners]:
        """xyxy, fractions of the image's sides, for each line of a split.

        Four numbers are centre and size of a box. More are a polygon, or a box and keypoints: these
        if the data file says so, or if no line can be a polygon.

        Raises:
            InputError: a line is none of these.
        """
        longer = [row for row in rows if len(row.values) > 4]
        each = self._keypoints_of(longer)
        if self.keypoints is not None and each is None:
            count = 5 + self.keypoints[0] * self.keypoints[1]
            wrong = next(row for row in longer if len(row.values) != count - 1)
            raise InputError(
                f"{wrong.where}: {len(wrong.values) + 1} fields, but kpt_shape "
                f"{list(self.keypoints)} of the data file makes {count}"
            )
        if longer and each:
            self.notes.append(
                f"{counted(len(longer), 'line')} with a box and keypoints: the keypoints are not "
                f"learnt ({_places(longer)})"
            )
        elif longer:
            corners = sum(len(row.values) == 8 for row in longer)
            what = "oriented boxes (four corners)" if corners == len(longer) else "polygons"
            self.notes.append(
                f"{counted(len(longer), 'line')} with {what}: the upright boxes around them are "
                f"learnt ({_places(longer)})"
            )
        return [self._box(row, bool(each)) for row in rows]

    def _keypoints_of(self, longer: list[Row]) -> int | None:
        """Numbers of each keypoint (2 or 3) if all these lines are a box and keypoints."""
        if self.keypoints is not None:
            wanted = 4 + self.keypoints[0] * self.keypoints[1]
            fits = all(len(row.values) == wanted for row in longer)
            return self.keypoints[1] if fits else None
        if len({len(row.values) for row in longer}) != 1:
            return None
        extra = len(longer[0].values) - 4
        # With a visibility of 0, 1 or 2 for each.
        if extra % 3 == 0 and all(set(row.values[6::3]) <= {0.0, 1.0, 2.0} for row in longer):
            return 3
        enough = len(longer) >= _LEAST_LINES
        if extra == 4 and all(_is_parallelogram(row.values) for row in longer):
            return None  # the four corners of an oriented box
        if extra % 2 == 0 and enough and all(_points_inside(row.values) for row in longer):
            return 2
        return None

    @staticmethod
    def _box(row: Row, keypoints: bool) -> Corners:
        values = row.values
        if len(values) == 4 or keypoints:
            x, y, width, height = values[:4]
            return x - width / 2, y - height / 2, x + width / 2, y + height / 2
        if len(values) % 2:
            confidence = " (a prediction with a confidence?)" if len(values) == 5 else ""
            raise InputError(
                f"{row.where}: {len(values) + 1} fields{confidence}; expected `class cx cy width "
                "height`, or a polygon of pairs x y; keypoints need kpt_shape in the data file"
            )
        return min(values[::2]), min(values[1::2]), max(values[::2]), max(values[1::2])


def _is_parallelogram(values: tuple[float, ...]) -> bool:
    sides = max(values[::2]) - min(values[::2]), max(values[1::2]) - min(values[1::2])
    return all(
        abs(values[axis] + values[axis + 4] - values[axis + 2] - values[axis + 6])
        <= 0.02 * max(sides) + 1e-4
        for axis in (0, 1)
    )


def _points_inside(values: tuple[float, ...]) -> bool:
    """Whether the first four numbers are a box of the image that holds all points after them."""
    x, y, width, height = values[:4]
    left, right, top, bottom = x - width / 2, x + width / 2, y - height / 2, y + height / 2
    slack = 0.01
    points = [point for point in zip(values[4::2], values[5::2], strict=True) if any(point)]
    return (
        min(width, height) > 0
        and min(left, top) >= -slack
        and max(right, bottom) <= 1 + slack
        and all(
            left - slack <= px <= right + slack and top - slack <= py <= bottom + slack
            for px, py in points
        )
    )


def _places(rows: list[Row]) -> str:
    files = dict.fromkeys(Path(row.where.rpartition(":")[0]).name for row in rows)
    return shortened(list(files), NAMED)
