"""Images of other libraries: Pillow's are taken, tensors are refused with what to write instead."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime._core import InputError


def is_pillow(image: Any) -> bool:
    """Whether it is a PIL.Image.Image; Pillow is not imported for that."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(image, module.Image)


def from_pillow(image: Any) -> NDArray[np.uint8]:
    """The pixels of a PIL.Image.Image as they are; an orientation in EXIF is not applied.

    Returns:
        uint8 [H, W, 3] or [H, W, 4] in RGB order, or [H, W]. As from a file, palettes and other
        colour spaces become RGB and 16-bit samples v become round(v / 257).

    Raises:
        InputError: a mode without a defined range, such as F.
    """
    if image.mode == "1":
        image = image.convert("L")
    elif image.mode.startswith("I"):
        return _from_16_bit(np.asarray(image))
    elif image.mode == "F":
        raise InputError(
            "an image in Pillow's mode F has no defined range: scale it to 0..255 and convert it "
            'with .convert("L")'
        )
    elif image.mode not in ("RGB", "RGBA", "L"):
        image = image.convert("RGB")
    return np.asarray(image)


def _from_16_bit(samples: NDArray[Any]) -> NDArray[np.uint8]:
    wide = samples.astype(np.int64)
    if wide.size and (wide.min() < 0 or wide.max() > 65535):
        raise InputError(
            f"an image in Pillow's mode I has samples of {wide.min()} to {wide.max()}, expected "
            "0 to 65535: convert it to 8 bit"
        )
    return ((wide * 2 + 257) // 514).astype(np.uint8)


def advice_for(image: Any) -> str:
    """What to write in place of what is neither an array nor a path nor a Pillow image."""
    module, name = type(image).__module__.split(".")[0], type(image).__name__
    if image is None:
        return "cv2.imread gives None for a file that it cannot read: give the path itself"
    if module == "torch" and hasattr(image, "permute"):
        return _advice_for_tensor(image)
    if isinstance(image, (bytes, bytearray, memoryview)):
        return "decode it with cv2.imdecode(numpy.frombuffer(data, numpy.uint8), cv2.IMREAD_COLOR)"
    if module == "cv2" and name == "UMat":
        return "convert it with .get()"
    if module == "cv2" and name == "cuda_GpuMat":
        return "convert it with .download()"
    return (
        'convert it with numpy.asarray(image), and say color="rgb" if its channels are in that '
        "order"
    )


def _advice_for_tensor(tensor: Any) -> str:
    if tensor.ndim == 4:
        return "give its images one by one, or as a list: [model(image) for image in batch]"
    steps = ".detach()" if tensor.requires_grad else ""
    if tensor.dtype.is_floating_point:
        steps += ".mul(255).round().clamp(0, 255).byte()"  # torchvision's range is 0..1
    if tensor.ndim == 3 and tensor.shape[0] in (1, 3, 4):
        steps += ".permute(1, 2, 0)"
    return f'give image{steps}.cpu().numpy() with color="rgb", torchvision\'s order of channels'
