"""Weights as training scripts save them: found, read without running anything, or explained."""

from __future__ import annotations

import argparse
import enum
import functools
import pickle
import warnings
import zipfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save as safetensors_bytes
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from edgecv.cli.main import main
from edgecv.models import registry
from edgecv.models.weights.checkpoint import load_checkpoint
from edgecv.models.weights.files import aligned, read_state_dict
from edgecv.models.weights.loading import load_weights
from edgecv.models.weights.pickled import load_pickled
from edgecv_export.source.loading import load_source
from edgecv_runtime import InputError

Weights = dict[str, Tensor]


def tiny(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return registry.create("ssd_tiny", num_classes=3, size=(64, 64), width=8)


MODULE = tiny()
PLAIN: Weights = MODULE.state_dict()
OTHER: Weights = {name: value * 0 for name, value in PLAIN.items()}  # the weights not to be taken
OPTIMIZER = torch.optim.SGD(MODULE.parameters(), 0.1, momentum=0.9)


class Mode(enum.Enum):
    FAST = 1


class Config(dict[str, Any]):
    """As libraries of configuration have them."""


class Steps(list[int]):
    pass


class Options:
    __slots__ = ("rate",)

    def __init__(self) -> None:
        self.rate = 0.1


class Holder(nn.Module):
    """As a LightningModule holds a network; the names of its losses lie beside."""

    def __init__(self, name: str = "detector") -> None:
        super().__init__()
        self.add_module(name, MODULE)
        self.loss = nn.Linear(2, 2)
        self.register_buffer("scratch", torch.zeros(3), persistent=False)
        self.activation = functools.partial(nn.functional.leaky_relu, negative_slope=0.1)
        self.mode, self.config = Mode.FAST, Config(a=1)


def under(prefix: str, weights: Weights = PLAIN) -> Weights:
    return {f"{prefix}{name}": value for name, value in weights.items()}


# What people save -> whether a warning says which of several weights are taken.
CONTENTS: dict[str, tuple[Any, str | None]] = {
    "plain": (PLAIN, None),
    "module": (under("module."), None),
    "model key, module": ({"model": under("module."), "epoch": 3}, None),
    "model_state_dict": (
        {"model_state_dict": PLAIN, "optimizer_state_dict": OPTIMIZER.state_dict(), "loss": 0.1},
        None,
    ),
    "compiled": (under("_orig_mod."), None),
    "compiled, parallel": (under("_orig_mod.module."), None),
    "parallel, compiled": (under("module._orig_mod."), None),
    "a part compiled": (
        {name.replace("stages.", "stages._orig_mod.", 1): v for name, v in PLAIN.items()},
        None,
    ),
    "averaged": (AveragedModel(MODULE).state_dict(), None),
    "lightning": ({"state_dict": under("model."), "hyper_parameters": {"lr": 0.1}}, None),
    "lightning, other name": ({"state_dict": Holder().state_dict(), "epoch": 2}, None),
    "ema alone": ({"ema": PLAIN, "epoch": 1}, None),
    "ema of a class": ({"ema": {"module": PLAIN, "updates": 7}, "last_epoch": 1}, None),
    "model and ema": ({"model": OTHER, "ema": {"module": PLAIN}}, "those of ema are taken"),
    "torchvision's": (
        {
            "model": OTHER,
            "model_ema": under("module.") | {"n_averaged": torch.tensor(5)},
            "optimizer": OPTIMIZER.state_dict(),
            "args": argparse.Namespace(lr=0.02, output=PurePosixPath("/x"), mode=Mode.FAST),
        },
        "those of model_ema are taken",
    ),
    "ema without statistics": (
        {"model": PLAIN, "ema": {n: v * 0 for n, v in PLAIN.items() if "running" not in n}},
        "those of model are taken",
    ),
    "ema in the names": (
        under("net.", OTHER) | under("ema_net.") | {"loss.weight": torch.ones(2)},
        "those of ema_net. are taken",
    ),
    "our own state": (
        {"state_dict": under("module.", OTHER) | under("average.module.")},
        "those of average.module. are taken",
    ),
    "net": ({"net": PLAIN}, None),
    "an unusual name": ({"student": PLAIN, "step": 4}, None),
    "half": ({name: v.half() if v.is_floating_point() else v for name, v in PLAIN.items()}, None),
    "extra state": ({**PLAIN, "quant._extra_state": {"scale": 3}}, None),
    "whole module": (MODULE, None),
    "whole module in a checkpoint": ({"model": MODULE, "ema": None, "updates": 0}, None),
    "whole holder": (Holder("backbone_and_head"), None),
    "objects beside": (
        {
            "state_dict": PLAIN,
            "config": Config(x=1, y=Config()),
            "steps": Steps([1, 2]),
            "options": Options(),
            "best": np.float64(0.5),
            "history": defaultdict(list, a=[1]),
            "shape": torch.Size([1]),
            "dtype": torch.float32,
            "kinds": {Mode.FAST},
        },
        None,
    ),
}


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("name", CONTENTS)
def test_weights_are_found(name: str, legacy: bool, tmp_path: Path) -> None:
    content, note = CONTENTS[name]
    path = tmp_path / "w.pth"
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    if legacy and name.startswith("whole"):  # torch never reads these without running them
        with pytest.raises(
            InputError, match=r"it holds objects of edgecv\.models\.ssd_tiny\.SsdTiny"
        ):
            read_state_dict(path)
        return
    module = tiny(seed=1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert load_weights(module, path) is None
    messages = [str(w.message) for w in caught if "weights under" in str(w.message)]
    assert len(messages) == (note is not None)
    assert note is None or note in messages[0]
    for key, value in module.state_dict().items():
        wanted = PLAIN[key].half().to(value.dtype) if name == "half" else PLAIN[key]
        assert torch.equal(value, wanted), key


@pytest.mark.parametrize("name", ["weights", "w.ckpt", "w.tar", "w.bin", "w.PTH"])
def test_the_name_does_not_matter(name: str, tmp_path: Path) -> None:
    torch.save({"state_dict": under("model.")}, tmp_path / name)
    assert read_state_dict(tmp_path / name).keys() == PLAIN.keys()


def test_prefixes_in_safetensors(tmp_path: Path) -> None:
    save_file(under("module.model."), tmp_path / "w.safetensors")
    module = tiny(seed=1)
    load_weights(module, tmp_path / "w.safetensors")
    assert all(torch.equal(v, PLAIN[name]) for name, v in module.state_dict().items())


def test_a_module_that_wants_the_prefix_gets_it() -> None:
    assert aligned(PLAIN, under("model.")).keys() == under("model.").keys()
    assert aligned(under("model."), under("model.")).keys() == under("model.").keys()
    other = {"fc.weight": torch.ones(1)}
    assert aligned(other, PLAIN) is other


def test_a_users_module_with_a_prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A factory's model whose own names begin with `model.`: they are no wrapper there."""
    monkeypatch.chdir(tmp_path)
    Path("wrapping.py").write_text(
        "import torch\n\n\n"
        "class Wrapping(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.model = torch.nn.Conv2d(3, 2, 1)\n\n"
        "    def forward(self, x):\n"
        "        return self.model(x)\n"
    )
    weights = {"weight": torch.full((2, 3, 1, 1), 0.5), "bias": torch.ones(2)}
    for saved in (under("model.", weights), weights, under("module.model.", weights)):
        torch.save(saved, "w.pth")
        module = load_source("wrapping:Wrapping", "w.pth").module
        assert torch.equal(module.state_dict()["model.weight"], weights["weight"])


RAN = "the_file_was_run"


class Evil:
    def __reduce__(self) -> Any:
        return Path(RAN).touch, ()


class Blocked:
    def __reduce__(self) -> Any:
        import os

        return os.system, (f"touch {RAN}",)


@pytest.mark.parametrize("evil", [Evil(), Blocked()])
def test_nothing_of_the_file_is_run(
    evil: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for content in (evil, {"state_dict": PLAIN, "args": evil}, {"format": evil}):
        for zipped in (True, False):
            torch.save(content, "w.pth", _use_new_zipfile_serialization=zipped)
            for read in (read_state_dict, load_checkpoint, load_pickled):
                try:
                    read(Path("w.pth"))
                except InputError as error:
                    assert "\n" not in str(error)
    assert not Path(RAN).exists()


def test_classes_of_the_file_are_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "a_library.py").write_text("class Config:\n    pass\n")
    import a_library  # type: ignore[import-not-found]

    config = a_library.Config()
    config.rate = 3
    torch.save({"model": PLAIN, "config": config}, tmp_path / "w.pth")
    (tmp_path / "a_library.py").unlink()
    monkeypatch.delitem(__import__("sys").modules, "a_library")
    assert read_state_dict(tmp_path / "w.pth").keys() == PLAIN.keys()


def saved(content: Any, path: Path) -> None:
    torch.save(content, path)


def scripted(path: Path) -> None:
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), path)


def cut_off(path: Path) -> None:
    torch.save(PLAIN, path)
    path.write_bytes(path.read_bytes()[:-3000])


def damaged(path: Path) -> None:
    """One tensor has zeros in place of some numbers; the archive is whole."""
    torch.save(PLAIN, path)
    with zipfile.ZipFile(path) as archive:
        largest = max(archive.infolist(), key=lambda info: info.file_size)
    data = bytearray(path.read_bytes())
    start = largest.header_offset + largest.file_size // 2
    data[start : start + 64] = bytes(64)
    path.write_bytes(bytes(data))


def each(change: Callable[[Tensor], Tensor]) -> Weights:
    return {name: change(v) if v.dim() == 4 else v for name, v in PLAIN.items()}


MISTAKES: dict[str, tuple[Any, str]] = {
    "an object": (lambda p: saved(argparse.Namespace(a=1), p), "an object of argparse.Namespace"),
    "numbers": (lambda p: saved({"epoch": 1, "args": 2}, p), "a dict with epoch, args"),
    "a list of tensors": (lambda p: saved([torch.ones(1)], p), "a list"),
    "two networks": (
        lambda p: saved({"generator": PLAIN, "discriminator": OTHER}, p),
        "holds several sets of weights: generator, discriminator; save the one",
    ),
    "TorchScript": (scripted, "is a TorchScript archive; save its weights: torch.save(torch.jit"),
    "empty": (lambda p: p.write_bytes(b""), "is empty"),
    "cut off": (cut_off, "is cut off or damaged"),
    "web page": (lambda p: p.write_bytes(b"\n<!DOCTYPE html>"), "is a web page"),
    "LFS": (
        lambda p: p.write_bytes(b"version https://git-lfs.github.com/spec/v1\n"),
        "git lfs pull",
    ),
    "Keras": (lambda p: p.write_bytes(b"\x89HDF\r\n"), "is an HDF5 file"),
    "plain pickle": (
        lambda p: p.write_bytes(pickle.dumps({"a": Config()}, 2)),
        "is a pickle of Python, which could run anything",
    ),
    "pickle of lists": (lambda p: p.write_bytes(pickle.dumps([1, 2])), "is a pickle of Python"),
    "damaged": (damaged, "is damaged: some of its tensors are others than were saved"),
    "quantized": (
        lambda p: saved(each(lambda v: torch.quantize_per_tensor(v, 0.01, 0, torch.qint8)), p),
        "weight is quantized; expected dense numbers",
    ),
    "packed": (
        lambda p: saved({**PLAIN, "head.0._packed_params._packed_params": (1, None)}, p),
        "holds no weights but a quantized network's packed parameters",
    ),
    "whole numbers": (
        lambda p: saved(each(lambda v: (50 * v).to(torch.int8)), p),
        "weight is int8, the network's numbers are real",
    ),
    "complex": (
        lambda p: saved(each(lambda v: v.to(torch.complex64)), p),
        "weight is complex64, the network's numbers are real",
    ),
    "sparse": (lambda p: saved(each(lambda v: v.to_sparse()), p), "weight is sparse (sparse_coo)"),
    "meta": (lambda p: saved(each(lambda v: v.to("meta")), p), "weight is on the device meta"),
    "arrays": (
        lambda p: saved({"model": {name: v.numpy() for name, v in PLAIN.items()}}, p),
        "holds no weights but NumPy arrays, which only pickle reads",
    ),
    "an optimizer": (
        lambda p: saved({"state": {i: {"m": torch.ones(1)} for i in range(20)}}, p),
        "several sets of weights: 0, 1, 2, 3, 4, 5 and 14 more; save the one",
    ),
    "another network": (
        lambda p: saved(nn.Linear(2, 2).state_dict(), p),
        "not of ssd_tiny: there is no head.",
    ),
    "a folder": (lambda p: p.mkdir(), "is a folder; expected weights"),
    "noise": (lambda p: p.write_bytes(bytes(range(200, 256)) * 9), "cannot be read as weights"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_is_no_weights_is_named_in_one_line(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write, message = MISTAKES[name]
    write(tmp_path / "w.pth")
    words = [
        "export",
        "ssd_tiny",
        "--weights",
        str(tmp_path / "w.pth"),
        "--out",
        str(tmp_path / "b"),
    ]
    assert main(words) == 2
    printed = capsys.readouterr().err
    assert message in printed
    (line,) = printed.splitlines()
    assert line.startswith(f"edgecv: error: {tmp_path / 'w.pth'}: ")
    assert "\x1b" not in line
    assert "weights_only" not in line


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".npz", ".bin"])
@pytest.mark.parametrize("content", ["torch", "safetensors", "npz"])
def test_the_suffix_does_not_matter(content: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"w{suffix}"
    with path.open("wb") as file:
        if content == "torch":
            torch.save(PLAIN, file)
        elif content == "safetensors":
            file.write(safetensors_bytes(PLAIN))
        else:
            np.savez(file, **{name: value.numpy() for name, value in PLAIN.items()})
    weights = read_state_dict(path)
    assert weights.keys() == PLAIN.keys()
    assert all(torch.equal(weights[name], value) for name, value in PLAIN.items())


@pytest.mark.parametrize("length", [0x80, 0x3C20])
def test_safetensors_whose_length_begins_as_other_files_do(length: int, tmp_path: Path) -> None:
    """0x80 begins a pickle; a space and ``<``, as 0x3c20 has them, a web page."""
    content = safetensors_bytes({"w": torch.ones(2)})
    header = content[8:-8].rstrip()
    path = tmp_path / "w.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + header.ljust(length) + content[-8:])
    assert torch.equal(read_state_dict(path)["w"], torch.ones(2))


@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
def test_downloads_that_went_wrong_are_named_whatever_their_suffix(
    suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"w{suffix}"
    for data, message in (
        (b"<!DOCTYPE html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"", "is empty"),
    ):
        path.write_bytes(data)
        with pytest.raises(InputError, match=message):
            read_state_dict(path)


def test_counters_of_batch_norm_may_be_missing(tmp_path: Path) -> None:
    old = {name: v for name, v in PLAIN.items() if not name.endswith("num_batches_tracked")}
    assert len(old) < len(PLAIN)
    torch.save(old, tmp_path / "old.pth")
    module = tiny(seed=1)
    load_weights(module, tmp_path / "old.pth")
    assert all(torch.equal(module.state_dict()[name], value) for name, value in old.items())


def test_files_without_checksums_are_read(tmp_path: Path) -> None:
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(PLAIN, tmp_path / "w.pth")
    finally:
        torch.serialization.set_crc32_options(True)
    assert read_state_dict(tmp_path / "w.pth").keys() == PLAIN.keys()


def test_an_onnx_file_is_no_weights(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"\x08\x08")
    with pytest.raises(InputError, match="an ONNX file holds a whole network: edgecv wrap"):
        read_state_dict(tmp_path / "net.onnx")


def test_what_is_no_checkpoint_is_named(tmp_path: Path) -> None:
    torch.save({"model": PLAIN, "args": argparse.Namespace()}, tmp_path / "w.pth")
    with pytest.raises(
        InputError, match=r"no checkpoint of edgecv train but a dict with model, args"
    ):
        load_checkpoint(tmp_path / "w.pth")
    torch.save({"state_dict": PLAIN, "pytorch-lightning_version": "2.6"}, tmp_path / "last.ckpt")
    with pytest.raises(InputError, match=r"best\.pt and last\.pt are such"):
        load_checkpoint(tmp_path / "last.ckpt")


@pytest.mark.parametrize(
    ("entry", "megabytes", "message"),
    [
        ("x/data/0", 1025, "unpacks to 1,07.* bytes, more than 20 times its size"),
        ("x/data.pkl", 65, "names and shapes of its tensors take more than 64 MB"),
        ("a.npy", 1025, "unpacks to 1,07.* bytes, more than 20 times its size"),
    ],
)
@pytest.mark.parametrize("read", [read_state_dict, load_pickled])
def test_a_small_zip_of_gigabytes_is_not_unpacked(
    read: Callable[[Path], Any], entry: str, megabytes: int, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "weights"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open(entry, "w", force_zip64=True) as file:
            for _ in range(megabytes):
                file.write(bytes(1 << 20))
        if entry != "x/data.pkl":
            archive.writestr("x/data.pkl" if entry != "a.npy" else "b.npy", b"N.")
    with pytest.raises(InputError, match=message):
        read(path)


def test_names_in_a_file_break_no_line(tmp_path: Path) -> None:
    """Control characters are shown as escapes, in names of a dict and of weights."""
    odd = "a\x1b[31m\nb"
    value = torch.zeros(1)
    files = {
        "dict": {odd: 1, "other": 2},
        "nan": {odd: value / 0},
        "sets": {f"{odd}1": {"w": value}, f"{odd}2": {"w": value}},
        "key": {odd: value},
    }
    for name, content in files.items():
        path = tmp_path / f"{name}.pt"
        torch.save(content, path)
        with pytest.raises(InputError) as caught:
            load_weights(registry.create("ssd_tiny", num_classes=2), path)
        assert str(caught.value).isprintable() and r"\x1b[31m\nb" in str(caught.value), name
    torch.save(files["dict"], tmp_path / "run.pt")
    with pytest.raises(InputError) as caught:
        load_checkpoint(tmp_path / "run.pt")
    assert str(caught.value).isprintable()
