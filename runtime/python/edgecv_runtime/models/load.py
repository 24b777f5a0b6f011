"""From a bundle on disk to a model that runs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from edgecv_runtime._core import Bundle, BundleError, Engine, Error, InputError
from edgecv_runtime.engines import open_engines
from edgecv_runtime.engines.choice import choose
from edgecv_runtime.files.regular import check_regular
from edgecv_runtime.files.whole import recover_folder
from edgecv_runtime.models.classifier import Classifier
from edgecv_runtime.models.detector import Detector
from edgecv_runtime.models.instance_segmenter import InstanceSegmenter
from edgecv_runtime.models.reopening import Origin
from edgecv_runtime.models.semantic_segmenter import SemanticSegmenter
from edgecv_runtime.models.stylizer import Stylizer
from edgecv_runtime.one_line import brief, one_line

Loaded = Classifier | Detector | InstanceSegmenter | SemanticSegmenter | Stylizer

_MODELS: dict[str, type[Loaded]] = {
    "classify": Classifier,
    "detect": Detector,
    "instance": InstanceSegmenter,
    "segment": SemanticSegmenter,
    "stylize": Stylizer,
}
_MAX_UNPACKED_BYTES = 8 << 30
_RELOADS = 20  # at most, of a bundle that others replace again and again
_MAX_THREADS = 1024
_MAX_DIRECTORY_BYTES = 1 << 20  # of the list of entries: some ten thousand
_HOME = {"tensorrt": "cuda", "tensorrt_rtx": "cuda", "onnxruntime": "cpu", "openvino": "cpu"}


def load(
    path: str | os.PathLike[str],
    engine: str | None = None,
    device: str | None = None,
    precision: str | None = None,
    threads: int | None = None,
) -> Loaded:
    """Loads a bundle.

    Args:
        path: the bundle's folder, or a ``.zip`` of it.
        engine: ``"tensorrt"``, ``"tensorrt_rtx"`` (both need engines from ``edgecv build``),
            ``"onnxruntime"``, ``"openvino"``. None takes the first of these that can run the
            bundle here, ONNX Runtime on a GPU where it can; ``edgecv info`` says which and why.
        device: as the engine names its devices: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, …; None takes
            the engine's default, or chooses together with the engine.
        precision: ``"fp32"``, … as the bundle has them, or ``"bf16"`` with OpenVINO, which needs
            no graph of its own; None takes fp32, or the most exact there is. With TensorRT, of
            those that engines were built for.
        threads: cores that one call uses, for the network and for pre- and postprocessing; None
            lets both choose. Calls from several threads run at the same time where the engine can.

    Returns:
        The model for the bundle's task: a ``Classifier`` for ``classify``, a ``Detector`` for
        ``detect``, an ``InstanceSegmenter`` for ``instance``, a ``SemanticSegmenter`` for
        ``segment``, a ``Stylizer`` for ``stylize``.

    Raises:
        BundleError: the bundle is incomplete, altered, or made for a newer edgecv. One that is
            replaced meanwhile is loaded again.
        EngineError: the engine or device is not there, or cannot run the graph.
    """
    if threads is not None and not 1 <= threads <= _MAX_THREADS:
        raise InputError(f"threads: expected 1 to {_MAX_THREADS}, got {threads}")
    for last in (*[False] * _RELOADS, True):
        with open_bundle(path) as bundle:
            try:
                return _load(bundle, path, engine, device, precision, threads)
            except Error:
                # Graphs of another bundle than the manifest, which was replaced in between.
                if last or bundle.is_current():
                    raise
    raise AssertionError


def _load(
    bundle: Bundle,
    path: str | os.PathLike[str],
    engine: str | None,
    device: str | None,
    precision: str | None,
    threads: int | None,
) -> Loaded:
    choice = choose(bundle, engine, device, precision, os.fspath(path))
    engines = open_engines(choice.engine, choice.files, choice.device, threads, choice.precision)
    for file in choice.files.values():
        file.require_unchanged()
    model = make_model(bundle, engines, choice.engine, choice.precision, threads)
    model.device = choice.device or _HOME[choice.engine]
    options = {"engine": engine, "device": device, "precision": precision, "threads": threads}
    model.origin = Origin(load, os.path.abspath(path), options, bundle.manifest.to_json())
    return model


def make_model(
    bundle: Bundle,
    engines: Mapping[str, Engine],
    engine_name: str,
    precision: str,
    threads: int | None = None,
) -> Loaded:
    """The model for the bundle's task over engines that are open already, one for each role."""
    return _MODELS[bundle.manifest.task](bundle, engines, engine_name, precision, threads)


@contextmanager
def open_bundle(path: str | os.PathLike[str]) -> Iterator[Bundle]:
    """A bundle whose files can be read inside the ``with`` block, be it a folder or a ``.zip``.

    Raises:
        BundleError: there is no bundle, or its manifest cannot be used.
    """
    import tempfile  # here, because most bundles are folders, and importing edgecv should be quick
    import zipfile

    path = Path(path)
    if "\0" in str(path):
        raise BundleError(f"{brief(str(path))}: no path: it holds a zero byte")
    if not path.exists():
        recover_folder(path)
    if path.is_dir():
        yield Bundle.open(str(path))
        return
    if not path.exists():
        raise BundleError(f"{path} does not exist: expected the folder or .zip of a bundle")
    if path.suffix.lower() in (".pt", ".pth", ".ckpt"):
        raise BundleError(
            f"{path} is a checkpoint, no bundle: edgecv export {path} --out {path.stem} makes one"
        )
    if path.suffix.lower() == ".onnx":
        raise BundleError(
            f"{path} is an ONNX file, no bundle: edgecv wrap {path} --inspect begins to make one"
        )
    if path.suffix.lower() == ".safetensors":
        raise BundleError(
            f"{path} has weights alone, no bundle: edgecv export ARCHITECTURE --weights {path} "
            f"--out {path.stem} makes one"
        )
    check_regular(path)
    if not zipfile.is_zipfile(path):
        raise BundleError(
            f"{path} is no bundle: expected a folder with bundle.json, or a .zip of one"
        )
    with tempfile.TemporaryDirectory(prefix="edgecv-") as folder:
        yield Bundle.open(str(_unpack(path, Path(folder))))


def _check_directory(archive: Path) -> None:
    """Raises BundleError where the list of a zip's entries is longer than that of a bundle:
    zipfile would take a gigabyte for a million of them."""
    with archive.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - (1 << 16) - 98))
        tail = file.read()
    end = tail.rfind(b"PK\5\6")
    listed = int.from_bytes(tail[end + 12 : end + 16], "little")
    if (
        tail[max(0, end - 20) : end - 16] == b"PK\6\7" and end >= 76
    ):  # zip64 counts in its own record
        listed = int.from_bytes(tail[end - 36 : end - 28], "little")
    if listed > _MAX_DIRECTORY_BYTES:
        raise BundleError(
            f"{archive}: lists {listed:,} bytes of entries, {_MAX_DIRECTORY_BYTES:,} at most are "
            "expected of a bundle"
        )


def _unpack(archive: Path, folder: Path) -> Path:
    """Unpacks a zip that holds a bundle, at its top or in one folder; gives the bundle's folder."""
    import zipfile

    expected = "expected the .zip of a bundle: copy it again"
    _check_directory(archive)
    with one_line(archive, expected, BundleError), zipfile.ZipFile(archive) as zipped:
        entries = [entry for entry in zipped.infolist() if not entry.is_dir()]
        if sum(entry.file_size for entry in entries) > _MAX_UNPACKED_BYTES:
            raise BundleError(f"{archive} unpacks to more than {_MAX_UNPACKED_BYTES:,} bytes")
        for entry in entries:
            parts = PurePosixPath(entry.filename.replace("\\", "/")).parts
            if not parts or ".." in parts or parts[0].startswith("/") or ":" in parts[0]:
                shown = brief(entry.filename)
                raise BundleError(f"{archive} holds a path that leaves it: {shown}")
        zipped.extractall(folder, entries)
    manifests = [folder / "bundle.json", *folder.glob("*/bundle.json")]
    for manifest in manifests:
        if manifest.is_file():
            return manifest.parent
    raise BundleError(f"{archive} holds no bundle.json")
