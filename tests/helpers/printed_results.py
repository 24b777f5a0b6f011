"""What tests/cpp_package/run_bundle.cpp prints, beside a result of Python."""

from __future__ import annotations

from typing import Any

import numpy as np

import edgecv


def numbers(result: Any) -> dict[str, np.ndarray]:
    if isinstance(result, edgecv.Segmentation):
        return {"mask": result.mask}
    if isinstance(result, edgecv.Stylized):
        return {"bgr": result.image}
    if isinstance(result, edgecv.Classification):
        return {"labels": result.labels, "probabilities": result.probabilities}
    return {"boxes": result.boxes, "scores": result.scores, "labels": result.labels}


def mask_codes(result: Any) -> list[str]:
    """COCO's strings; none without a mask head."""
    if getattr(result, "masks", None) is None:
        return []
    return [code["counts"] for code in result.mask_crops.rle()]


def compare(printed: str, result: Any, tolerance: float = 0) -> None:
    """Every number of every line, masks exactly."""
    expected = numbers(result)
    found = [line.split() for line in printed.splitlines()]
    assert {words[0] for words in found} >= set(expected)
    for name, *values in found:
        if name == "masks":
            assert values == mask_codes(result)
            continue
        wanted = expected[name].ravel()
        assert wanted.size == len(values) > 0, name
        given = np.array(values, float).astype(wanted.dtype)
        np.testing.assert_allclose(given, wanted, rtol=tolerance, atol=tolerance, err_msg=name)
