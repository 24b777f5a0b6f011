"""A manifest to begin with, from what an ONNX file gives: classes, pixels, or boxes with scores."""

from __future__ import annotations

import ast
import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgecv_export.outputs.activation import activation_inside
from edgecv_export.outputs.score_function import usual_function
from edgecv_export.wrapping.anchor_guess import (
    Level,
    anchor_record,
    fitting_levels,
    guess_encoding,
    head_convolutions,
    levels_of,
    stored_arrays,
)

if TYPE_CHECKING:
    import onnx

_SUPPRESSION = {
    "score_threshold": 0.01,
    "iou_threshold": 0.45,
    "topk_candidates": 400,
    "max_detections": 200,
}
_SHOWN = 4  # pyramids


@dataclass(frozen=True)
class Seen:
    """A network and what it gave: for each output its arrays, one for each image."""

    model: onnx.ModelProto
    path: Path
    input: dict[str, Any]
    layout: str
    sides: tuple[int, int]  # height and width of its input
    tensor: NDArray[Any]  # of an image
    values: dict[str, list[NDArray[Any]]]


Found = tuple[str | None, dict[str, Any] | None, list[str]]


def draft_manifest(seen: Seen) -> Found:
    """What the network looks like, in words; a manifest for `wrap`; and notes for the user."""
    floats = {name: v for name, v in seen.values.items() if v[0].dtype == np.float32}
    boxes = [n for n, v in floats.items() if v[0].ndim == 3 and v[0].shape[2] == 4]
    if boxes:
        pair = _box_pair(floats, boxes)
        if pair is not None:
            return _detector(seen, *pair)
    if len(seen.values) == 1 and floats:
        ((name, values),) = floats.items()
        if values[0].ndim == 2:
            return _scored(seen, name, values, "classify")
        if values[0].ndim == 4:
            return _scored(seen, name, values, "segment")
    notes = _wrong_dtypes(seen) or _why_not(seen)
    return None, None, [*notes, "see docs/wrap.md for the forms that edgecv wrap takes"]


def _wrong_dtypes(seen: Seen) -> list[str]:
    return [
        f"{name} is {values[0].dtype}: expected float32; convert it before the export"
        for name, values in seen.values.items()
        if values[0].dtype.kind == "f" and values[0].dtype != np.float32
    ]


def _why_not(seen: Seen) -> list[str]:
    shapes = [(name, v[0]) for name, v in seen.values.items()]
    if len(shapes) == 1 and shapes[0][1].dtype.kind in "iu":
        return ["its output holds class numbers: expected scores, before the argmax"]
    threes = [(name, array) for name, array in shapes if array.ndim == 3]
    if len(threes) == 1 and len(shapes) == 1:
        return [
            f"{threes[0][0]} holds boxes and scores in one tensor, as YOLO does: expected two "
            "outputs, boxes [B, A, 4] and scores [B, A, C]"
        ]
    if any(array.ndim <= 2 for _, array in shapes) and len(shapes) >= 3:
        return [
            "its outputs look like finished detections: expected boxes and scores before the "
            "suppression"
        ]
    return ["expected scores [B, C] or [B, C, h, w], or boxes [B, A, 4] with scores [B, A, C]"]


def _box_pair(floats: dict[str, list[NDArray[Any]]], boxes: list[str]) -> tuple[str, str] | None:
    """Names of the boxes and of the scores, which have as many rows."""

    def scores_for(name: str) -> list[str]:
        rows = floats[name][0].shape[:2]
        return [
            n for n, v in floats.items() if n != name and v[0].ndim == 3 and v[0].shape[:2] == rows
        ]

    def doubt(pair: tuple[str, str]) -> float:
        """Scores that are four columns wide look like boxes too: rows of probabilities add up to
        1, and boxes mostly have a name that says so."""
        rows = np.concatenate([each[0] for each in floats[pair[0]]])
        probabilities = float(np.abs(rows.sum(axis=1) - 1).mean() < 1e-3)
        named = any(word in pair[0].lower() for word in ("box", "loc", "reg", "delta"))
        return probabilities - named

    pairs = [(name, other) for name in boxes for other in scores_for(name)]
    return min(pairs, key=doubt) if pairs else None


def _scored(seen: Seen, name: str, values: list[NDArray[Any]], task: str) -> Found:
    columns = values[0].shape[1]
    inside = activation_inside(seen.model, name, values, axis=1)
    function = usual_function(columns) if inside is None else "none"
    notes = _input_notes(seen)
    labels, said = _labels(seen, max(columns, 2))
    if columns == 1:
        notes.append("one score decides between two labels: what is not, then what is")
    if not said:
        notes.append(f"labels: {len(labels)} names, in the order of the columns")
    notes.append(_function_note(inside, function))
    postprocess: dict[str, Any] = {
        "method": task,
        "scores": {"output": name, "function": function},
    }
    if task == "classify":
        postprocess["topk"] = min(5, len(labels))
        what = f"a classifier, {columns} score{'s' if columns > 1 else ''}"
    else:
        what = f"a segmentation network, {columns} score{'s' if columns > 1 else ''} a pixel"
        notes.append("input: images are stretched to the input's size here; or give windows")
    return what, {"labels": labels, "input": _input(seen), "postprocess": postprocess}, notes


def _function_note(inside: str | None, function: str) -> str:
    if inside == "unsure":
        return (
            "scores lie in 0..1, so they may be probabilities (none, taken here) or small logits: "
            "try with images of your own"
        )
    if inside is None:
        return f"scores are logits: {function}, or the other of softmax and sigmoid"
    return f"scores are probabilities, through a {inside} already: none"


def _detector(seen: Seen, boxes: str, scores: str) -> Found:
    rows = np.concatenate([v[0] for v in seen.values[boxes]])  # [images * A, 4]
    score_rows = np.concatenate([v[0] for v in seen.values[scores]])
    count, columns = seen.values[scores][0].shape[1:]
    notes = _input_notes(seen)
    inside = activation_inside(seen.model, scores, seen.values[scores], axis=2)
    background = _background(score_rows, inside)
    classes = columns - (background != "none")
    labels, said = _labels(seen, max(classes, 1), columns)
    if said and len(labels) in (columns, columns - 1):
        background = "none" if len(labels) == columns else background.replace("none", "last")
    of_logits = "sigmoid" if background == "none" else "softmax"
    function = of_logits if inside is None else "none"
    notes.append(_function_note(inside, function))
    notes.append(
        f"background: {background}"
        + (", the column that mostly has the largest value" if background != "none" else "")
        + "; first, last or none: say which"
    )
    if not said:
        notes.append(f"labels: {len(labels)} names, without the background")
    record, what = _boxes_record(rows, boxes, seen.sides)
    postprocess: dict[str, Any] = {
        "method": "ssd",
        "scores": {"output": scores, "function": function, "background": background},
        "boxes": record,
    }
    if record["encoding"] == "deltas":
        postprocess["anchors"] = _anchors(seen, boxes, count, notes)
    postprocess |= _SUPPRESSION
    notes.append(f"boxes: {what}")
    words = f"a detector, {count} boxes with {columns} scores, {record['encoding']}"
    return words, {"labels": labels, "input": _input(seen), "postprocess": postprocess}, notes


def _background(rows: NDArray[Any], inside: str | None) -> str:
    """The column of the largest value nearly everywhere; sigmoids need no background."""
    if inside == "sigmoid" or rows.shape[1] < 2:
        return "none"
    best = rows.argmax(axis=1)
    shares = {"first": (best == 0).mean(), "last": (best == rows.shape[1] - 1).mean()}
    place = max(shares, key=lambda key: shares[key])
    if shares[place] > 0.8:
        return place
    return "first" if inside == "softmax" else "none"


def _boxes_record(
    rows: NDArray[Any], name: str, sides: tuple[int, int]
) -> tuple[dict[str, Any], str]:
    ordered = float(((rows[:, 2] >= rows[:, 0]) & (rows[:, 3] >= rows[:, 1])).mean())
    reach = float(np.abs(rows).max())
    positive = float((rows[:, 2:] > 0).all(axis=1).mean())
    inside = float((rows > -0.5 * (1 if reach <= 2 else max(sides))).all(axis=1).mean())
    normalized = reach <= 2
    unit = "parts of the input (0..1)" if normalized else "pixels of the input"
    bounded = reach <= 2 * max(sides)
    if ordered > 0.98:  # wherever they lie: an untrained network's reach far out
        return _finished(name, "xyxy", normalized), f"corners x1, y1, x2, y2 in {unit}"
    if bounded and inside > 0.98 and positive > 0.98 and float(rows[:, :2].min()) > -0.1 * reach:
        return (
            _finished(name, "cxcywh", normalized),
            f"centre, width, height in {unit} (or xywh, where the first two are a corner)",
        )
    record = {"output": name, "encoding": "deltas", "weights": [10.0, 10.0, 5.0, 5.0]}
    return record, (
        "neither corners nor sizes, so offsets from anchors: weights are the inverse of the "
        "variances, [10, 10, 5, 5] of 0.1, 0.1, 0.2, 0.2"
    )


def _finished(name: str, encoding: str, normalized: bool) -> dict[str, Any]:
    return {"output": name, "encoding": encoding, "normalized": normalized}


def _anchors(seen: Seen, boxes: str, count: int, notes: list[str]) -> dict[str, Any]:
    height, width = seen.sides
    stored = {
        name: array
        for name, array in stored_arrays(seen.model, count).items()
        if (array[:, 2:] > 0).all() or guess_encoding(array) == "xyxy"
    }
    if stored:
        name, array = next(iter(stored.items()))
        normalized = float(np.abs(array).max()) <= 2
        encoding = guess_encoding(array)
        notes.append(
            f"anchors: {', '.join(stored)} in the file {'has' if len(stored) == 1 else 'have'} "
            f"the shape of anchors, {encoding} {'in 0..1' if normalized else 'in pixels'}"
        )
        return {
            "kind": "file",
            "initializer": name,
            "encoding": encoding,
            "normalized": normalized,
        }
    levels = levels_of(_shapes(seen, head_convolutions(seen.model, boxes)), count)
    if levels is not None:
        notes.append(f"anchors: the boxes come from feature maps {_text(levels)}")
    else:
        fitting = fitting_levels(count, height, width)
        if fitting:
            levels = fitting[0]
            notes.append(
                f"anchors: {count} boxes fit " + "; or ".join(_text(f) for f in fitting[:_SHOWN])
            )
        else:
            notes.append(f"anchors: {count} boxes fit no usual pyramid for {height} x {width}")
    record = None if levels is None else anchor_record(levels)
    if record is None:
        notes.append("anchors: save them as anchors.npy, [A, 4], beside the manifest")
        return {"kind": "file", "file": "anchors.npy", "encoding": "xyxy", "normalized": False}
    notes.append(
        "anchors: the counts fit, scales and ratios are guesses: take those that the network was "
        "trained with, or a file anchors.npy, [A, 4]"
    )
    return record


def _text(levels: list[Level]) -> str:
    return ", ".join(map(str, levels))


def _shapes(seen: Seen, names: list[str]) -> list[tuple[int, ...]]:
    """Of values inside the graph, when it runs."""
    import onnx
    import onnxruntime

    if not names:
        return []
    model = onnx.ModelProto()
    model.CopyFrom(seen.model)
    outputs = {value.name for value in model.graph.output}
    model.graph.output.extend(
        onnx.ValueInfoProto(name=name) for name in names if name not in outputs
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    with contextlib.suppress(Exception):  # a help, not needed: counts are tried instead
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        return [v.shape for v in session.run(names, {seen.input["name"]: seen.tensor})]
    return []


def _labels(seen: Seen, count: int, columns: int | None = None) -> tuple[list[str], bool]:
    """Names, and whether the file's metadata has them, as Ultralytics writes them."""
    text = {entry.key: entry.value for entry in seen.model.metadata_props}.get("names")
    if text is not None:
        names: Any = None
        with contextlib.suppress(ValueError, SyntaxError, MemoryError, RecursionError):
            names = ast.literal_eval(text) if len(text) < 1_000_000 else json.loads(text)
        names = list(names.values()) if isinstance(names, dict) else names
        if (
            isinstance(names, list)
            and all(isinstance(name, str) and name for name in names)
            and len(names) in {count, columns, (columns or 0) - 1}
        ):
            return names, True
    return [f"class_{i}" for i in range(count)], False


def _input(seen: Seen) -> dict[str, Any]:
    uint8 = seen.input["dtype"] == "uint8"
    channels = seen.tensor.shape[3 if seen.layout == "nhwc" else 1]
    record: dict[str, Any] = {
        "color": "gray" if channels == 1 else "rgb",
        "size": list(seen.sides),
        "resize": "stretch",
        "scale": 1.0 if uint8 else 1 / 255,
        "mean": [0.0] * channels,
        "std": [1.0] * channels,
    }
    if uint8:
        record["dtype"] = "uint8"
    if seen.layout != "nchw":
        record["layout"] = seen.layout
    return record


def _input_notes(seen: Seen) -> list[str]:
    asked = "color (rgb or bgr)"
    if seen.input["dtype"] != "uint8":
        asked += ", scale, mean, std"
    return [f"input: {asked} and resize cannot be seen in a file: say what it was trained with"]
