"""Files of torch.save, read with weights_only=True: classes that torch does not know are
replaced by empty ones. So no code of the file is run or imported, and the tensors are found."""

from __future__ import annotations

import _compat_pickle
import pickle
import pickletools
import warnings
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from edgecv.data.reading.split_report import shortened
from edgecv_runtime import InputError
from edgecv_runtime.one_line import one_line

SAVE = "torch.save(model.state_dict(), 'weights.pth')"
_LEGACY_START = b"\x80\x02\x8a\nl\xfc\x9cF\xf9"  # how a file from before torch 1.6 begins
_MAX_UNPACKED = 1 << 30  # bytes that every zip may unpack to
_MAX_RATIO = 20  # of larger ones, unpacked to packed
_MAX_PICKLE = 64 << 20  # bytes of what torch.save puts beside the tensors
_LEGACY_PICKLES = 5  # in a file from before torch 1.6: magic number, protocol, system, object, keys


class Unknown:
    """An object of a class that is not loaded: only what the file gives it, no behaviour."""

    kind: ClassVar[str] = ""  # the class's full name

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        for part in state if isinstance(state, tuple) else (state,):
            if isinstance(part, dict):
                self.__dict__.update(part)


class _AsDict(Unknown):
    """Of a class of dicts: its entries."""

    def __new__(cls, *_: Any, **__: Any) -> Any:
        return OrderedDict()


class _AsList(Unknown):
    def __new__(cls, *_: Any, **__: Any) -> Any:
        return []


def load_pickled(path: Path) -> Any:
    """What torch.save wrote, on the CPU; objects of unknown classes are `Unknown`.

    Raises:
        InputError: the file is something else, is broken, or cannot be read without running it; the
            message says what is in it.
    """
    with one_line(path, f"expected a file of {SAVE}: copy it again"):
        return _load(path)


def _load(path: Path) -> Any:
    refuse_other_files(path)
    _refuse_other_archives(path)
    names = _names_of_classes(path)
    stand_ins: dict[str, type] = {name: _stand_in(name, Unknown) for name in names}
    for _ in range(2 * len(names) + 1):
        allowed: Any = [(stand_in, name) for name, stand_in in stand_ins.items()]
        try:
            with torch.serialization.safe_globals(allowed), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch's about the file's pickle protocol
                with path.open("rb") as file:  # of a name, torch would look at the suffix
                    return torch.load(file, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:
            # A class of dicts or lists is known by what the file does with it.
            text = str(error)
            found = [name for name, stand_in in stand_ins.items() if repr(stand_in) in text]
            if not found or issubclass(stand_ins[found[0]], (_AsDict, _AsList)):
                raise InputError(_cannot_be_read(path, names)) from error
            base = _AsDict if "SETITEM" in text else _AsList
            stand_ins[found[0]] = _stand_in(found[0], base)
        except Exception as error:  # whatever a damaged file leads torch to
            raise InputError(_cannot_be_read(path, names)) from error
    raise InputError(_cannot_be_read(path, names))


def module_weights(module: Unknown, prefix: str = "", depth: int = 100) -> dict[str, Tensor]:
    """The state dict of a module that was pickled whole; empty if the object is not a module."""
    content = vars(module)
    temporary = content.get("_non_persistent_buffers_set")
    temporary = temporary if isinstance(temporary, set) else set()
    weights: dict[str, Tensor] = {}
    for store in ("_parameters", "_buffers"):
        tensors = content.get(store)
        for name, value in tensors.items() if isinstance(tensors, dict) else ():
            if isinstance(value, Tensor) and not (store == "_buffers" and name in temporary):
                weights[f"{prefix}{name}"] = value.detach()
    parts = content.get("_modules")
    for name, part in parts.items() if isinstance(parts, dict) else ():
        if isinstance(part, Unknown) and depth > 0:
            weights |= module_weights(part, f"{prefix}{name}.", depth - 1)
    return weights


def _stand_in(name: str, base: type) -> type:
    # The class's own name is in torch's messages.
    return type(f"stand_in_for_{name}_", (base,), {"kind": name})


def _names_of_classes(path: Path) -> list[str]:
    """Full names of all classes and functions that the file asks for, sorted."""
    names: set[str] = set()
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                (record,) = [n for n in archive.namelist() if n.endswith("/data.pkl")]
                names |= _names_in(archive.open(record))
        else:
            with path.open("rb") as file:
                for _ in range(_LEGACY_PICKLES):
                    names |= _names_in(file)
    except Exception:  # a damaged archive has many
        pass  # torch.load will find it broken
    return sorted(names)


def _names_in(file: Any) -> set[str]:
    names = set()
    for opcode, argument, _ in pickletools.genops(file):
        if opcode.name == "GLOBAL":
            module, _, name = str(argument).partition(" ")
            # torch writes protocol 2, with the names of Python 2.
            module, name = _compat_pickle.NAME_MAPPING.get((module, name), (module, name))
            names.add(f"{_compat_pickle.IMPORT_MAPPING.get(module, module)}.{name}")
    return names


def refuse_other_files(path: Path) -> None:
    """Raises InputError for what a download leaves in place of weights, and for other programs'
    files, whatever their suffix."""
    with path.open("rb") as file:
        start = file.read(64)
    what = ""
    if not start:
        what = "is empty"
    elif start.startswith(b"version https://git-lfs"):
        what = "is a pointer of Git LFS; fetch the file itself with: git lfs pull"
    elif start.lstrip().startswith(b"<"):
        what = "is a web page; the download went wrong"
    elif start.startswith(b"\x89HDF"):
        what = "is an HDF5 file, as Keras writes them; expected weights of PyTorch"
    elif start.startswith(b"PK") and not zipfile.is_zipfile(path):
        what = "is cut off or damaged; copy or download it again"
    elif start.startswith(b"\x80") and not start.startswith(_LEGACY_START):
        what = (
            "is a pickle of Python, which could run anything and is not read; where it can be "
            f"loaded, save the weights as tensors: {SAVE}"
        )
    if what:
        raise InputError(f"{path}: {what}")


def refuse_bombs(archive: zipfile.ZipFile, path: Path) -> None:
    """Raises InputError for a zip that unpacks to much more than it is: weights do not shrink, and
    torch.save does not compress."""
    entries = archive.infolist()
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > max(_MAX_UNPACKED, _MAX_RATIO * path.stat().st_size):
        raise InputError(
            f"{path}: unpacks to {unpacked:,} bytes, more than {_MAX_RATIO} times its size; "
            f"expected a file of {SAVE}"
        )
    if any(e.file_size > _MAX_PICKLE and e.filename.endswith("/data.pkl") for e in entries):
        raise InputError(
            f"{path}: names and shapes of its tensors take more than {_MAX_PICKLE >> 20} MB; "
            f"expected a file of {SAVE}"
        )


def _refuse_other_archives(path: Path) -> None:
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        refuse_bombs(archive, path)
        names = archive.namelist()
        if any(name.endswith("/constants.pkl") for name in names):
            what = (
                "is a TorchScript archive; save its weights: "
                f"{SAVE.replace('model', f'torch.jit.load({path.name!r})')}"
            )
        elif not any(name.endswith("/data.pkl") for name in names):
            what = f"is a zip archive without weights; expected a file of {SAVE}"
        elif _damaged(archive):
            what = (
                "is damaged: some of its tensors are others than were saved; copy or download it "
                "again"
            )
        else:
            return
    raise InputError(f"{path}: {what}")


def _damaged(archive: zipfile.ZipFile) -> bool:
    """Whether some checksums are wrong, which torch.load does not look at. All are wrong in a file
    of torch.serialization.set_crc32_options(False), which holds what was saved."""
    tensors = [info for info in archive.infolist() if "/data/" in info.filename]
    wrong = 0
    for info in tensors:
        try:
            with archive.open(info) as file:
                while file.read(1 << 20):
                    pass  # zipfile compares the checksum at the end
        except Exception:  # of the damaged member's compression
            wrong += 1
    return 0 < wrong < len(tensors)


def _cannot_be_read(path: Path, names: list[str]) -> str:
    foreign = [
        name for name in names if not name.startswith(("torch.", "collections.", "builtins."))
    ]
    holds = (
        f"it holds objects of {shortened(foreign, 4)}"
        if foreign
        else "broken, or no file of torch.save"
    )
    return (
        f"{path}: cannot be read as weights ({holds}); where the model can be loaded, save its "
        f"weights: {SAVE}"
    )
