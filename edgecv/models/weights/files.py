"""Weights in files as training scripts write them: where in a file they are, under which names."""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgecv.data.reading.image_files import contents
from edgecv.data.reading.split_report import shortened
from edgecv_runtime import InputError
from edgecv_runtime.one_line import brief, one_line, printable

from .pickled import (
    SAVE,
    Unknown,
    load_pickled,
    module_weights,
    refuse_bombs,
    refuse_other_files,
)
from .usable import require_numbers

# Where several entries of a file are weights, the first of these is meant.
_USUAL = (
    "state_dict",
    "model_state_dict",
    "model",
    "net",
    "network",
    "module",
    "weights",
    "params",
)
# Put before every name by torch.compile, DataParallel, AveragedModel, and by modules that hold the
# network as one of their attributes.
_WRAPPERS = ("module.", "model.", "net.", "network.")
# Batch norm's count of batches, which files from before torch 0.4.1 lack and nothing here needs.
COUNTER = "num_batches_tracked"
_AVERAGED = re.compile(r"(^|[._])(ema|swa|average|averaged|avg)([._]|$)")


def read_state_dict(path: str | Path) -> dict[str, Tensor]:
    """Reads the weights in a file of torch.save (.pth, .pt, .ckpt, .tar, .bin; weights_only=True),
    .safetensors or .npz.

    In a checkpoint they are found by what they are: a dict of names and tensors, or a module that
    was pickled whole, of which only the tensors are read. Averaged ones (`ema`, `model_ema`) are
    taken before others, and a warning says so. What torch.compile, DataParallel, AveragedModel and
    Lightning put before every name is taken off.

    Raises:
        InputError: the file is missing, broken or holds something else; the message says what.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(
            f"{path}: is a folder; expected a file of weights (.pth, .pt, .safetensors, .npz), "
            f"such as one in it; there are {contents(path)}"
        )
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected weights (.pth, .pt, .safetensors, .npz)")
    with one_line(path, "expected weights (.pth, .pt, .safetensors, .npz): copy it again"):
        weights = unwrapped(_reader(path)(path))
        require_numbers(weights, str(path))
    return weights


def aligned(weights: dict[str, Tensor], wanted: Iterable[str]) -> dict[str, Tensor]:
    """The weights under the names that a module wants, where they differ by what stands before.

    A Lightning module holds its network as `model`, `net`, …: names have that in front, and other
    parts of it, such as losses, lie beside. Names that do not fit at all stay as they are.
    """
    wanted = list(wanted)
    if not wanted or 2 * sum(name in weights for name in wanted) >= len(wanted):
        return weights
    prefixes = {
        name.removesuffix(own) for own in wanted[:8] for name in weights if name.endswith(f".{own}")
    }
    found = {
        prefix: sum(f"{prefix}{own}" in weights for own in wanted) for prefix in sorted(prefixes)
    }
    if found and 2 * max(found.values()) >= len(wanted):
        fitting = [prefix for prefix, count in found.items() if count == max(found.values())]
        prefix = next((p for p in fitting if _AVERAGED.search(p)), fitting[0])
        if len(fitting) > 1:
            warnings.warn(
                f"the file has weights under {printable(' and '.join(fitting))}: those of "
                f"{printable(prefix)} are taken",
                stacklevel=2,
            )
        return {
            name.removeprefix(prefix): value
            for name, value in weights.items()
            if name.startswith(prefix)
        }
    before = f"{wanted[0].partition('.')[0]}."
    added = {f"{before}{name}": value for name, value in weights.items()}
    return added if 2 * sum(name in added for name in wanted) >= len(wanted) else weights


def unwrapped(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Without what wrappers put into the names."""
    weights = {
        name.replace("_orig_mod.", ""): value
        for name, value in weights.items()
        if name != "n_averaged"
    }
    while weights:
        prefix = next((p for p in _WRAPPERS if all(n.startswith(p) for n in weights)), None)
        if prefix is None:
            break
        weights = {name.removeprefix(prefix): value for name, value in weights.items()}
    return weights


def describe(content: Any) -> str:
    """What a file holds, in a few words."""
    if isinstance(content, Unknown):
        return f"an object of {content.kind}"
    if isinstance(content, dict):
        if _holds_arrays(content):
            return "NumPy arrays, which only pickle reads"
        if any("_packed_params" in str(name) for name in content):
            return "a quantized network's packed parameters"
        if content and all(isinstance(value, Tensor) for value in content.values()):
            return f"weights alone ({len(content)} tensors)"
        names = [brief(name) if len(str(name)) > 80 else printable(str(name)) for name in content]
        return f"a dict with {', '.join(names[:6])}{', …' * (len(names) > 6)}" if names else "{}"
    return f"a {type(content).__name__}"


def _holds_arrays(content: dict[Any, Any], depth: int = 2) -> bool:
    return any(
        (isinstance(value, Unknown) and value.kind.startswith("numpy."))
        or (depth > 0 and isinstance(value, dict) and _holds_arrays(value, depth - 1))
        for value in content.values()
    )


def _load_torch(path: Path) -> dict[str, Tensor]:
    content = load_pickled(path)
    weights = _weights_in(content, path)
    if weights is None:
        raise InputError(
            f"{path}: holds no weights but {describe(content)}; expected a dict of names and "
            f"tensors: {SAVE}"
        )
    return weights


def _weights_in(content: Any, path: Path, depth: int = 2) -> dict[str, Tensor] | None:
    """The weights in an object of a file, None if there are none."""
    if isinstance(content, Unknown):
        own = module_weights(content)
        if own or depth == 0:
            return own or None
        content = vars(content)  # such as an average of a module
    if not isinstance(content, dict):
        return None
    named = {
        name: value for name, value in content.items() if not str(name).endswith("_extra_state")
    }
    if named and all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in named.items()
    ):
        return named
    if depth == 0:
        return None
    found = {str(name): _weights_in(value, path, depth - 1) for name, value in content.items()}
    return _choose({name: value for name, value in found.items() if value}, path)


def _choose(found: dict[str, dict[str, Tensor]], path: Path) -> dict[str, Tensor] | None:
    if len(found) < 2:
        return next(iter(found.values()), None)
    usual = next((name for name in _USUAL if name in found), None)
    averaged = next((name for name in found if _AVERAGED.search(name.lower())), None)
    if averaged is not None:
        others = set(unwrapped(found[usual])) if usual is not None else set()
        if others <= set(unwrapped(found[averaged])):  # some average parameters, but no statistics
            usual = averaged
    if usual is None:
        raise InputError(
            f"{path}: holds several sets of weights: {printable(shortened(list(found), 6))}; "
            f"save the one that is meant: {SAVE}"
        )
    warnings.warn(
        f"{path}: has weights under {printable(' and '.join(found))}: those of "
        f"{printable(usual)} are taken",
        stacklevel=2,
    )
    return found[usual]


def _load_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except SafetensorError as error:
        raise InputError(
            f"{path}: broken safetensors file, copy or download it again: {error}"
        ) from error


def _load_npz(path: Path) -> dict[str, Tensor]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {key: torch.from_numpy(arrays[key]) for key in arrays.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, TypeError) as error:
        raise InputError(
            f"{path}: broken npz file, or one of Python objects; expected arrays of numbers, as "
            "numpy.savez(path, **arrays) writes them"
        ) from error


def _refuse_onnx(path: Path) -> dict[str, Tensor]:
    raise InputError(
        f"{path}: an ONNX file holds a whole network: edgecv wrap makes a bundle of it; expected "
        "weights of PyTorch"
    )


def _reader(path: Path) -> Callable[[Path], dict[str, Tensor]]:
    """By what the file begins with, since people rename files, else by its suffix."""
    with path.open("rb") as file:
        start = file.read(9)
    # The length of the header, and the header in JSON. First: a length may begin as other files do.
    if start[8:] == b"{" and int.from_bytes(start[:8], "little") < path.stat().st_size:
        return _load_safetensors
    refuse_other_files(path)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            refuse_bombs(archive, path)
            arrays = all(name.endswith(".npy") for name in archive.namelist())
        return _load_npz if arrays else _load_torch
    return _READERS.get(path.suffix.lower(), _load_torch)


_READERS: dict[str, Callable[[Path], dict[str, Tensor]]] = {
    ".safetensors": _load_safetensors,
    ".npz": _load_npz,
    ".onnx": _refuse_onnx,
}
