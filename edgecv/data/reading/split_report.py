"""What a reader found in one split of a data set, as lines for the user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from edgecv_runtime import InputError

SHOWN = 10  # classes of a line
NAMED = 3  # files of a line


@dataclass(frozen=True)
class Report:
    """What was found, what was left out and why.

    counts: for each class its objects (of `unit` "objects"), images or pixels.
    empty: images without objects.
    ignored: what is neither learnt nor counted: for each reason the files, once for each object.
    broken: for each image that is left out a line that names it and says why.
    notes: lines about what was read in another way than it is written.
    searched: where labels were looked for.
    """

    split: str = ""
    images: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    unit: str = "objects"
    empty: int = 0
    ignored: dict[str, list[str]] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    searched: str = ""

    @property
    def total(self) -> int:
        """All objects, images or pixels that have a class."""
        return sum(self.counts.values())

    def lines(self) -> list[str]:
        """For a person; each line begins with the split."""
        lines = [self._first(), *(event(*entry) for entry in self.ignored.items())]
        if absent := [name for name, count in self.counts.items() if not count]:
            lines.append(f"no {self.unit} of {shortened(absent, SHOWN)}")
        if self.broken:
            lines.append(
                f"{counted(len(self.broken), 'broken image')} left out: "
                f"{shortened(self.broken, NAMED, '; ')}"
            )
        return [f"{self.split}: {line}" for line in [*lines, *self.notes]]

    def _first(self) -> str:
        images = counted(self.images, "image")
        present = {name: count for name, count in self.counts.items() if count}
        if self.unit == "pixels":
            total = max(self.total, 1)
            shares = [f"{name} {100 * count / total:.1f} %" for name, count in present.items()]
            return f"{images}; pixels: {shortened(shares, SHOWN)}"
        each = shortened([f"{name} {count}" for name, count in present.items()], SHOWN)
        if self.unit == "images":
            return f"{images}: {each}"
        objects = counted(self.total, "object") + (f" ({each})" if each else "")
        return f"{images}, {objects}" + (
            f"; {counted(self.empty, 'image')} without objects" if self.empty else ""
        )

    def require_objects(self, where: object) -> None:
        """Raises InputError, with all that was found in place of objects, if there are none."""
        if self.total:
            return
        found = [*(event(*entry) for entry in self.ignored.items()), *self.notes]
        raise InputError(
            f"{where}: no objects in the {counted(self.images, 'image')} of the split "
            f"{self.split!r}; labels were looked for in {self.searched}"
            + (f"; {'; '.join(found)}" if found else ", and they are empty")
        )


def counted(count: int, name: str) -> str:
    """`3 images`, `1 image`."""
    return f"{count} {name}{'' if count == 1 else 's'}"


def event(what: str, files: Sequence[str]) -> str:
    """What happened, how often and where first; `files` has each as often as it happened there."""
    return f"{what}: {len(files)} ({shortened(list(dict.fromkeys(files)), NAMED)})"


def shortened(parts: Sequence[str], most: int, between: str = ", ") -> str:
    """The first ones, and how many there are more."""
    more = len(parts) - most
    return between.join(parts[:most]) + (f" and {more} more" if more > 0 else "")
