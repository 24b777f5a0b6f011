"""edgecv info: what a bundle is, and whether its files are whole."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from edgecv.cli.checkpoints.bundle import is_checkpoint
from edgecv.cli.inspection.engines import describe_engines, engine_rows
from edgecv_runtime.one_line import printable


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "info",
        help="describe a bundle and check its files",
        description="Describes a bundle and checks each file. Exit status 2 if one is damaged.",
    )
    parser.add_argument(
        "bundle",
        metavar="BUNDLE",
        help="a bundle: its folder or .zip; or a checkpoint of edgecv train",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    if is_checkpoint(args.bundle):
        from edgecv.cli.inspection.checkpoint import describe_checkpoint, in_words

        checkpoint = describe_checkpoint(args.bundle)
        rows = _provenance_rows(in_words(checkpoint))
        print(json.dumps(checkpoint, indent=1) if args.json else "\n".join(_aligned(rows)))
        return 0
    record = describe(args.bundle)
    if args.json:
        print(json.dumps(record, indent=1))
    else:
        print("\n".join(_lines(record)))
    return 0 if all(file["error"] is None for file in record["files"]) else 2


def describe(path: str) -> dict[str, Any]:
    """The manifest as plain values, under "files" each file's size and fault, and "engines"."""
    from edgecv_runtime.files.bundle import open_bundle

    with open_bundle(path) as bundle:
        manifest = json.loads(bundle.manifest.to_json())
        files = [
            {"file": name, **_check(bundle, name, sha256)}
            for name, sha256 in _named_files(manifest)
        ]
        engines = describe_engines(bundle, path)
        operating = list(map(_shortest, bundle.manifest.thresholds))
    return {
        "bundle": path,
        "manifest": manifest,
        "operating_thresholds": operating,
        "files": files,
        "engines": engines,
    }


def _shortest(value: float) -> float:
    import numpy as np

    from edgecv_runtime.results.result import shortest

    return shortest(np.float32(value))


def _named_files(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    entries = [graph for graphs in manifest["graphs"].values() for graph in graphs]
    anchors = manifest["postprocess"].get("anchors")
    if anchors and anchors.get("kind") == "file":
        entries.append(anchors)
    return [(entry["file"], entry["sha256"]) for entry in entries]


def _check(bundle: Any, name: str, sha256: str) -> dict[str, Any]:
    from edgecv_runtime import BundleError

    try:
        size = Path(bundle.verified_path(name, sha256)).stat().st_size
    except BundleError as error:
        return {"bytes": None, "error": str(error)}
    return {"bytes": size, "error": None}


def _lines(record: dict[str, Any]) -> list[str]:
    manifest = record["manifest"]
    faults = {file["file"]: file for file in record["files"]}
    labels = manifest["labels"]
    shown = ", ".join(labels[:8]) + (", …" if len(labels) > 8 else "")
    rows = [
        ("bundle", record["bundle"]),
        ("name", manifest["name"]),
        ("task", manifest["task"]),
        ("architecture", manifest["architecture"]),
        ("labels", f"{len(labels)}: {shown}" if labels else "none"),
        ("input", _input_line(manifest["input"])),
    ]
    for role, graphs in manifest["graphs"].items():
        for graph in graphs:
            rows.append((f"graph {role}", _graph_line(graph, faults[graph["file"]])))
    rows += engine_rows(record["engines"])
    rows += _postprocess_rows(manifest["postprocess"], faults)
    if operating := record["operating_thresholds"]:
        rows.append(("reported", _operating_line(labels, operating)))
    lines = _aligned(rows)
    if manifest["provenance"]:  # what it is comes first, how it came to be after it
        lines += ["", *_aligned(_provenance_rows(manifest["provenance"]))]
    return lines


def _operating_line(labels: list[str], thresholds: list[float]) -> str:
    if len(set(thresholds)) == 1:
        return f"scores above {thresholds[0]:g}"
    pairs = [f"{name} {value:g}" for name, value in zip(labels, thresholds, strict=True)]
    return "scores above " + ", ".join(pairs[:8]) + (", …" if len(pairs) > 8 else "")


def _aligned(rows: list[tuple[str, str]]) -> list[str]:
    lines = [(printable(name), printable(text)) for name, text in rows]
    width = max(len(name) for name, _ in lines)
    return [f"{name:{width}}  {text}" for name, text in lines]


def _input_line(spec: dict[str, Any]) -> str:
    size = "any size" if spec["size"] is None else " x ".join(map(str, spec["size"]))
    parts = [f"{spec['color']} {size} (height x width), {spec['resize']}"]
    if spec["resize"] != "none":
        parts.append(spec["interpolation"] + (", antialias" if spec["antialias"] else ""))
    if spec["max_size"] is not None:
        parts.append(f"longer side at most {spec['max_size']}")
    if spec["crop"] is not None:
        parts.append("crop " + " x ".join(map(str, spec["crop"])))
    numbers = {key: ", ".join(f"{value:g}" for value in spec[key]) for key in ("mean", "std")}
    parts.append(f"(x * {spec['scale']:.6g} - [{numbers['mean']}]) / [{numbers['std']}]")
    parts.append(f"{spec['dtype']} {spec['layout']}")
    return ", ".join(parts)


def _graph_line(graph: dict[str, Any], file: dict[str, Any]) -> str:
    state = file["error"] or f"{file['bytes'] / 1e6:.2f} MB, sha256 fits"
    ports = " -> ".join(
        ", ".join(_port(port) for port in graph[side]) for side in ("inputs", "outputs")
    )
    return f"{graph['file']}: {graph['precision']}, {graph['dialect']}, {state}; {ports}"


def _port(port: dict[str, Any]) -> str:
    shape = ", ".join("?" if length is None else str(length) for length in port["shape"])
    return f"{port['name']} {port['dtype']} [{shape}]"


def _postprocess_rows(
    postprocess: dict[str, Any], faults: dict[str, dict[str, Any]]
) -> list[tuple[str, str]]:
    if postprocess["method"] == "ssd":
        return _ssd_rows(postprocess, faults)
    rows = {
        "rcnn": _rcnn_rows,
        "classify": _classify_rows,
        "segment": _segment_rows,
        "stylize": _stylize_rows,
    }
    return rows.get(postprocess["method"], _dense_rows)(postprocess)


def _classify_rows(postprocess: dict[str, Any]) -> list[tuple[str, str]]:
    text = f"classify, {postprocess['scores']['function']} scores, top {postprocess['topk']}"
    return [("postprocess", text)]


def _segment_rows(postprocess: dict[str, Any]) -> list[tuple[str, str]]:
    windows = postprocess["windows"]
    rows = [("postprocess", f"segment, {postprocess['scores']['function']} scores")]
    if windows is None:
        return [*rows, ("windows", "none: the whole image at once")]
    size = " x ".join(map(str, windows["size"]))
    text = f"{size} (height x width), overlap {windows['overlap']:g}, {windows['weight']} weight"
    return [*rows, ("windows", f"{text}, {windows['batch']} in a run")]


def _stylize_rows(postprocess: dict[str, Any]) -> list[tuple[str, str]]:
    image, tiles = postprocess["picture"], postprocess["tiles"]
    text = f"stylize, {image['color']} levels x * {image['scale']:g} + {image['offset']:g}"
    rows = [("postprocess", text)]
    if tiles is None:
        return [*rows, ("tiles", "none: the whole image at once")]
    size = " x ".join(map(str, tiles["size"]))
    text = f"{size} (height x width), overlap {tiles['overlap']:g}, above {tiles['above']:,} pixels"
    return [*rows, ("tiles", f"{text}, statistics of {tiles['thumbnail']} pixels at most")]


def _dense_rows(postprocess: dict[str, Any]) -> list[tuple[str, str]]:
    strides = ", ".join(map(str, postprocess["anchors"]["strides"]))
    thresholds = (
        f"score {postprocess['score_threshold']:g}, IoU {postprocess['iou_threshold']:g}, "
        f"top {postprocess['topk_candidates']} per level, "
        f"at most {postprocess['max_detections']} detections"
    )
    text = f"{postprocess['method']}, levels with strides {strides}"
    return [("postprocess", text), ("thresholds", thresholds)]


def _rcnn_rows(postprocess: dict[str, Any]) -> list[tuple[str, str]]:
    rpn, roi, mask = (postprocess[key] for key in ("rpn", "roi", "mask"))
    proposals = "given by the caller"
    if rpn is not None:
        proposals = (
            f"{len(rpn['objectness'])} levels, top {rpn['pre_nms_top_n']} of each, "
            f"IoU {rpn['iou_threshold']:g}, at most {rpn['post_nms_top_n']}"
        )
    thresholds = (
        f"score {roi['score_threshold']:g}, IoU {roi['iou_threshold']:g}, "
        f"at most {roi['max_detections']} detections"
    )
    if mask is not None:
        thresholds += f", mask {mask['threshold']:g}"
    features = f"{len(roi['features'])} feature maps"
    return [
        ("postprocess", f"rcnn, {features}{', masks' if mask is not None else ''}"),
        ("proposals", proposals),
        ("thresholds", thresholds),
    ]


def _ssd_rows(
    postprocess: dict[str, Any], faults: dict[str, dict[str, Any]]
) -> list[tuple[str, str]]:
    scores, boxes, anchors = (postprocess[key] for key in ("scores", "boxes", "anchors"))
    text = (
        f"{postprocess['method']}, {scores['function']} scores, background {scores['background']}"
    )
    text += f", boxes as {boxes['encoding']}"
    if anchors is not None:
        text += f", anchors: {anchors['kind']}"
        if anchors["kind"] == "file":
            text += f" {anchors['file']}" + (faults[anchors["file"]]["error"] or "")
    thresholds = (
        f"score {postprocess['score_threshold']:g}, IoU {postprocess['iou_threshold']:g}, "
        f"top {postprocess['topk_candidates']} per class, "
        f"at most {postprocess['max_detections']} detections"
    )
    return [("postprocess", text), ("thresholds", thresholds)]


def _provenance_rows(provenance: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested records as dotted names; small ones, and those of names only, in one line."""
    rows: list[tuple[str, str]] = []
    for key, value in provenance.items():
        name = prefix + key
        if not isinstance(value, dict):
            rows.append((name, _plain(value)))
        elif not any(isinstance(part, dict) for part in value.values()) and (
            prefix or all(isinstance(part, str) for part in value.values())
        ):
            line = ", ".join(f"{part} {_plain(value[part])}" for part in value)
            rows.append((name, line or "none"))
        else:
            rows += _provenance_rows(value, f"{name}.")
    return rows


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)} entries (--json shows them)" if value else "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
