"""Options that name classes: names may hold commas and equals signs, as labels do."""

from __future__ import annotations

from collections.abc import Sequence


def class_names(text: str, names: Sequence[str]) -> list[str]:
    """Of ``RBC,WBC``, the names. Raises InputError that names an unknown class."""
    found: list[str] = []
    rest = text
    while True:
        name = _leading(rest, names, (",", ""))
        if name is None:
            raise _unknown("--classes", text, rest.split(",")[0], names)
        found.append(name)
        if len(rest) == len(name):
            return found
        rest = rest[len(name) + 1 :]


def class_scores(value: float | str, names: Sequence[str]) -> dict[str, float]:
    """Of ``RBC=0.3,0.5``, the classes' thresholds; a number without a name is that of the others.

    Raises InputError for an unknown class, a number outside 0..1, or a class given twice.
    """
    from edgecv_runtime import InputError

    if isinstance(value, float):
        return dict.fromkeys(names, value)
    scores: dict[str, float] = {}
    others: float | None = None
    rest: str | None = value
    while rest is not None:
        name = _leading(rest, names, ("=",))
        if name is not None:
            rest = rest[len(name) + 1 :]
        number, comma, after = rest.partition(",")
        if name is None and "=" in number:
            raise _unknown("--threshold", value, number.rpartition("=")[0], names)
        if name in scores or (name is None and others is not None):
            which = "a number without a name" if name is None else f'"{name}"'
            raise InputError(f"--threshold {value}: {which} is given twice")
        if name is None:
            others = _score(number, value)
        else:
            scores[name] = _score(number, value)
        rest = after if comma else None
    return scores if others is None else {**dict.fromkeys(names, others), **scores}


def _leading(text: str, names: Sequence[str], ends: Sequence[str]) -> str | None:
    """The longest name that the text begins with, with one of `ends` behind it ("": its end)."""
    fitting = [
        name for name in names if text.startswith(name) and text[len(name) : len(name) + 1] in ends
    ]
    return max(fitting, key=len, default=None)


def _score(number: str, whole: str) -> float:
    from edgecv_runtime import InputError

    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise InputError(f"--threshold {whole}: expected a number from 0 to 1, got {number!r}")
    return value


def _unknown(option: str, whole: str, name: str, names: Sequence[str]) -> Exception:
    from edgecv_runtime import InputError

    return InputError(f'{option} {whole}: no class "{name}", expected some of {", ".join(names)}')
