"""The C++ core of edgecv; its headers are the manual."""

from collections.abc import Sequence
import os
from typing import Annotated, Any, Final, overload

import numpy
from numpy.typing import NDArray


version: str = '0.1.0'

class Error(Exception):
    pass

class InputError(Error, ValueError):
    pass

class BundleError(Error):
    pass

class EngineError(Error):
    pass

def box_convert(boxes: Annotated[NDArray[numpy.float32], dict(shape=(None, 4), order='C', device='cpu', writable=False)], in_fmt: str, out_fmt: str) -> NDArray[numpy.float32]: ...

def box_iou(boxes1: Annotated[NDArray[numpy.float32], dict(shape=(None, 4), order='C', device='cpu', writable=False)], boxes2: Annotated[NDArray[numpy.float32], dict(shape=(None, 4), order='C', device='cpu', writable=False)]) -> NDArray[numpy.float32]: ...

def clip_boxes(boxes: Annotated[NDArray[numpy.float32], dict(shape=(None, 4), order='C', device='cpu', writable=False)], height: float, width: float) -> NDArray[numpy.float32]: ...

def encode_boxes(boxes: Annotated[NDArray[numpy.float32], dict(shape=(None, 4), order='C', device='cpu', writable=False)], anchors: Annotated[NDArray[numpy.float32], dict(shape=(None, 4), order='C', device='cpu', writable=False)], weight_x: float, weight_y: float, weight_w: float, weight_h: float) -> NDArray[numpy.float32]: ...

def decode_boxes(deltas: Annotated[NDArray[numpy.float32], dict(shape=(None, 4), order='C', device='cpu', writable=False)], anchors: Annotated[NDArray[numpy.float32], dict(shape=(None, 4), order='C', device='cpu', writable=False)], weight_x: float, weight_y: float, weight_w: float, weight_h: float, max_log_scale: float) -> NDArray[numpy.float32]: ...

def multibox_prior(feature_size: tuple[int, int], scales: Sequence[float], ratios: Sequence[float], image_size: tuple[int, int] | None = None) -> NDArray[numpy.float32]: ...

def nms(boxes: Annotated[NDArray[numpy.float32], dict(shape=(None, 4), order='C', device='cpu', writable=False)], scores: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], iou_threshold: float) -> NDArray[numpy.int64]: ...

def batched_nms(boxes: Annotated[NDArray[numpy.float32], dict(shape=(None, 4), order='C', device='cpu', writable=False)], scores: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], labels: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], iou_threshold: float, max_kept: int) -> NDArray[numpy.int64]: ...

def assign_anchors(anchors: Annotated[NDArray[numpy.float32], dict(shape=(None, 4), order='C', device='cpu', writable=False)], boxes: Annotated[NDArray[numpy.float32], dict(shape=(None, 4), order='C', device='cpu', writable=False)], iou_threshold: float) -> NDArray[numpy.int64]: ...

def linear_assignment(cost: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)]) -> NDArray[numpy.int64]: ...

class MaskCrop:
    def __init__(self, x: int, y: int, pixels: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order='C', device='cpu', writable=False)]) -> None: ...

    @property
    def x(self) -> int: ...

    @property
    def y(self) -> int: ...

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...

    @property
    def pixels(self) -> Annotated[NDArray[numpy.uint8], dict(shape=(None, None), writable=False)]: ...

    def __reduce__(self) -> tuple: ...

def paste_masks(masks: Annotated[NDArray[numpy.float32], dict(shape=(None, None, None), order='C', device='cpu', writable=False)], boxes: Annotated[NDArray[numpy.float32], dict(shape=(None, 4), order='C', device='cpu', writable=False)], height: int, width: int, threshold: float) -> list[MaskCrop]: ...

def draw_masks(crops: Sequence[MaskCrop], frames: Annotated[NDArray[numpy.uint8], dict(shape=(None, None, None), order='C', device='cpu')]) -> None: ...

def crop_masks(frames: Annotated[NDArray[numpy.uint8], dict(shape=(None, None, None), order='C', device='cpu', writable=False)]) -> list[MaskCrop]: ...

def run_lengths(crops: Sequence[MaskCrop], height: int, width: int) -> list[str]: ...

def polygons(crops: Sequence[MaskCrop]) -> list: ...

def generate_anchors(feature_sizes: Sequence[tuple[int, int]], input_size: tuple[int, int], sizes: Sequence[Sequence[float]], aspect_ratios: Sequence[Sequence[float]]) -> NDArray[numpy.float32]: ...

def propose(objectness: Sequence[Annotated[NDArray[numpy.float32], dict(shape=(None, None, None), order='C', device='cpu', writable=False)]], deltas: Sequence[Annotated[NDArray[numpy.float32], dict(shape=(None, None, None), order='C', device='cpu', writable=False)]], image_size: tuple[int, int], input_size: tuple[int, int], sizes: Sequence[Sequence[float]], aspect_ratios: Sequence[Sequence[float]], *, weights: Sequence[float] = [1.0, 1.0, 1.0, 1.0], max_log_scale: float = 4.135166645050049, pre_nms_top_n: int = 1000, post_nms_top_n: int = 1000, nms_threshold: float = 0.7, score_threshold: float = 0.0, min_size: float = 0.0010000000474974513) -> tuple: ...

def box_head_detections(logits: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], deltas: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], proposals: Annotated[NDArray[numpy.float32], dict(shape=(None, 4), order='C', device='cpu', writable=False)], image_size: tuple[int, int], *, weights: Sequence[float] = [10.0, 10.0, 5.0, 5.0], max_log_scale: float = 4.135166645050049, score_threshold: float = 0.05000000074505806, iou_threshold: float = 0.5, max_detections: int = 100, min_size: float = 0.009999999776482582, thresholds: Sequence[float] = []) -> tuple: ...

def assign_levels(boxes: Annotated[NDArray[numpy.float32], dict(shape=(None, 4), order='C', device='cpu', writable=False)], scales: Sequence[float], canonical_scale: float = 224.0, canonical_level: int = 4) -> NDArray[numpy.int32]: ...

class InputSpec:
    def __init__(self, *, color: str = 'rgb', size: tuple[int, int] | None = None, resize: str = 'stretch', max_size: int | None = None, align: str = 'center', crop: tuple[int, int] | None = None, interpolation: str = 'bilinear', antialias: bool = False, scale: float = 0.00392156862745098, mean: Sequence[float] = [0.0, 0.0, 0.0], std: Sequence[float] = [1.0, 1.0, 1.0], pad_value: float = 0.0, pad_multiple: int = 1, dtype: str = 'float32', layout: str = 'nchw') -> None: ...

    @property
    def color(self) -> str: ...

    @property
    def size(self) -> tuple[int, int] | None: ...

    @property
    def resize(self) -> str: ...

    @property
    def max_size(self) -> int | None: ...

    @property
    def align(self) -> str: ...

    @property
    def crop(self) -> tuple[int, int] | None: ...

    @property
    def interpolation(self) -> str: ...

    @property
    def antialias(self) -> bool: ...

    @property
    def scale(self) -> float: ...

    @property
    def mean(self) -> list[float]: ...

    @property
    def std(self) -> list[float]: ...

    @property
    def pad_value(self) -> float: ...

    @property
    def pad_multiple(self) -> int: ...

    @property
    def dtype(self) -> str: ...

    @property
    def layout(self) -> str: ...

    @property
    def channels(self) -> int: ...

class Geometry:
    @property
    def image(self) -> tuple[int, int]: ...

    @property
    def resized(self) -> tuple[int, int]: ...

    @property
    def tensor(self) -> tuple[int, int]: ...

    @property
    def offset_x(self) -> int: ...

    @property
    def offset_y(self) -> int: ...

    @property
    def scale_x(self) -> float: ...

    @property
    def scale_y(self) -> float: ...

def plan(spec: InputSpec, size: tuple[int, int]) -> Geometry: ...

def preprocess(picture: Annotated[NDArray[numpy.uint8], dict(device='cpu', writable=False)], spec: InputSpec, format: str) -> NDArray: ...

def sliding_windows(image_size: tuple[int, int], window: tuple[int, int], overlap: float) -> NDArray[numpy.int64]: ...

class RpnSpec:
    @property
    def objectness_outputs(self) -> list[str]: ...

    @property
    def deltas_outputs(self) -> list[str]: ...

    @property
    def anchors(self) -> GridAnchors: ...

    @property
    def weights(self) -> tuple[float, float, float, float]: ...

    @property
    def max_log_scale(self) -> float: ...

    @property
    def pre_nms_top_n(self) -> int: ...

    @property
    def post_nms_top_n(self) -> int: ...

    @property
    def nms_threshold(self) -> float: ...

    @property
    def score_threshold(self) -> float: ...

    @property
    def min_size(self) -> float: ...

class LevelSpec:
    @property
    def scales(self) -> list[float]: ...

    @property
    def canonical_scale(self) -> float: ...

    @property
    def canonical_level(self) -> int: ...

class BoxHeadSpec:
    @property
    def logits_output(self) -> str: ...

    @property
    def deltas_output(self) -> str: ...

    @property
    def weights(self) -> tuple[float, float, float, float]: ...

    @property
    def max_log_scale(self) -> float: ...

    @property
    def score_threshold(self) -> float: ...

    @property
    def iou_threshold(self) -> float: ...

    @property
    def max_detections(self) -> int: ...

    @property
    def min_size(self) -> float: ...

class MaskHeadSpec:
    @property
    def output(self) -> str: ...

    @property
    def threshold(self) -> float: ...

class RcnnSpec:
    @property
    def rpn(self) -> RpnSpec | None:
        """None where the caller gives the proposals."""

    @property
    def features(self) -> list[str]: ...

    @property
    def levels(self) -> LevelSpec: ...

    @property
    def box_head(self) -> BoxHeadSpec: ...

    @property
    def mask(self) -> MaskHeadSpec | None:
        """None where there are boxes only."""

class StylizeTiles:
    @property
    def size(self) -> tuple[int, int]: ...

    @property
    def overlap(self) -> float: ...

    @property
    def thumbnail(self) -> int: ...

    @property
    def align(self) -> int: ...

    @property
    def above(self) -> int: ...

class StylizeSpec:
    @property
    def picture_output(self) -> str: ...

    @property
    def color(self) -> str: ...

    @property
    def scale(self) -> float: ...

    @property
    def offset(self) -> float: ...

    @property
    def smallest_side(self) -> int: ...

    @property
    def tiles(self) -> StylizeTiles | None:
        """None where every image goes through in one run."""

def write_image(planes: Annotated[NDArray[numpy.float32], dict(shape=(3, None, None), order='C', device='cpu', writable=False)], color: str, scale: float, offset: float, size: tuple[int, int]) -> NDArray[numpy.uint8]: ...

class TensorSpec:
    def __init__(self, name: str, dtype: str, shape: Sequence[int]) -> None:
        """
        Name, dtype and shape of a graph's input or output; -1 is an axis of any length.
        """

    @property
    def name(self) -> str: ...

    @property
    def dtype(self) -> str: ...

    @property
    def shape(self) -> tuple[int, ...]: ...

class GraphFile:
    @property
    def file(self) -> str: ...

    @property
    def sha256(self) -> str: ...

    @property
    def precision(self) -> str: ...

    @property
    def dialect(self) -> str: ...

    @property
    def inputs(self) -> list[TensorSpec]: ...

    @property
    def outputs(self) -> list[TensorSpec]: ...

class DefaultBoxes:
    @property
    def feature_sizes(self) -> list[tuple[int, int]]: ...

    @property
    def aspect_ratios(self) -> list[list[float]]: ...

    @property
    def scales(self) -> list[float]: ...

    @property
    def steps(self) -> list[float]: ...

    @property
    def clip(self) -> bool: ...

class MultiboxPrior:
    @property
    def feature_sizes(self) -> list[tuple[int, int]]: ...

    @property
    def scales(self) -> list[list[float]]: ...

    @property
    def ratios(self) -> list[list[float]]: ...

    @property
    def pixel_ratios(self) -> bool: ...

class AnchorFile:
    @property
    def file(self) -> str: ...

    @property
    def sha256(self) -> str: ...

    @property
    def normalized(self) -> bool: ...

class SsdSpec:
    @property
    def scores_output(self) -> str: ...

    @property
    def score_function(self) -> str: ...

    @property
    def background(self) -> str: ...

    @property
    def boxes_output(self) -> str: ...

    @property
    def boxes_are_deltas(self) -> bool: ...

    @property
    def box_format(self) -> str: ...

    @property
    def boxes_normalized(self) -> bool: ...

    @property
    def weights(self) -> tuple[float, float, float, float]: ...

    @property
    def max_log_scale(self) -> float: ...

    @property
    def anchors(self) -> None | DefaultBoxes | MultiboxPrior | AnchorFile:
        """None where the boxes come finished."""

    @property
    def score_threshold(self) -> float: ...

    @property
    def iou_threshold(self) -> float: ...

    @property
    def topk_candidates(self) -> int: ...

    @property
    def max_detections(self) -> int: ...

class GridAnchors:
    @property
    def sizes(self) -> list[list[float]]: ...

    @property
    def aspect_ratios(self) -> list[list[float]]: ...

class DenseSpec:
    @property
    def method(self) -> str: ...

    @property
    def logits_output(self) -> str: ...

    @property
    def boxes_output(self) -> str: ...

    @property
    def centerness_output(self) -> str:
        """"" for RetinaNet."""

    @property
    def anchors(self) -> GridAnchors: ...

    @property
    def strides(self) -> list[int]: ...

    @property
    def weights(self) -> tuple[float, float, float, float]: ...

    @property
    def max_log_scale(self) -> float: ...

    @property
    def score_threshold(self) -> float: ...

    @property
    def iou_threshold(self) -> float: ...

    @property
    def topk_candidates(self) -> int: ...

    @property
    def max_detections(self) -> int: ...

class ClassifySpec:
    @property
    def scores_output(self) -> str: ...

    @property
    def score_function(self) -> str: ...

    @property
    def topk(self) -> int: ...

class CropWindows:
    def __init__(self, *, size: tuple[int, int], overlap: float = 0.25, weight: str = 'uniform', batch: int = 4) -> None: ...

    @property
    def size(self) -> tuple[int, int]: ...

    @property
    def overlap(self) -> float: ...

    @property
    def weight(self) -> str: ...

    @property
    def batch(self) -> int: ...

class SegmentSpec:
    @property
    def scores_output(self) -> str: ...

    @property
    def score_function(self) -> str: ...

    @property
    def windows(self) -> CropWindows | None:
        """None: the image goes in whole."""

class Manifest:
    @staticmethod
    def from_json(text: str) -> Manifest:
        """
        Reads the text of a bundle.json; raises BundleError naming the key at fault.
        """

    def to_json(self) -> str: ...

    def with_thresholds(self, values: Sequence[float]) -> Manifest:
        """
        The same with other operating thresholds, one for each label; raises BundleError.
        """

    def __getstate__(self) -> str: ...

    def __setstate__(self, arg: str, /) -> None: ...

    current_schema: Final[int] = ...
    """(arg: object, /) -> int"""

    @property
    def schema(self) -> int: ...

    @property
    def name(self) -> str: ...

    @property
    def task(self) -> str: ...

    @property
    def architecture(self) -> str: ...

    @property
    def labels(self) -> list[str]: ...

    @property
    def input(self) -> InputSpec: ...

    @property
    def graphs(self) -> dict[str, list[GraphFile]]: ...

    @property
    def postprocess(self) -> SsdSpec | DenseSpec | RcnnSpec | ClassifySpec | SegmentSpec | StylizeSpec: ...

    @property
    def thresholds(self) -> list[float]:
        """
        Operating score thresholds, one for each label; empty for other tasks than a detector's.
        """

    @property
    def measuring_threshold(self) -> float:
        """
        Lowest score that the postprocessing was made for; 0 for other tasks than a detector's.
        """

    @property
    def provenance(self) -> str:
        """A JSON object, as text."""

def check_graph(content: bytes, name: str | os.PathLike) -> None:
    """
    Raises BundleError unless an ONNX file's bytes are one graph of standard operators whose weights are all inside; `name` is what messages call it.
    """

class HashedFile:
    """
    A file that was hashed and stays open: what is read behind its path (as open(file) does) are the bytes that were hashed. str gives its name.
    """

    @staticmethod
    def open(name: str | os.PathLike) -> HashedFile:
        """Opens and hashes a file; raises BundleError where it cannot be read."""

    @property
    def sha256(self) -> str: ...

    @property
    def size(self) -> int: ...

    def __fspath__(self) -> str: ...

    def __str__(self) -> str: ...

    def require_unchanged(self) -> None:
        """
        Once it was read; raises BundleError if somebody wrote into it meanwhile.
        """

class Bundle:
    @staticmethod
    def open(folder: str | os.PathLike) -> Bundle:
        """Reads folder/bundle.json; raises BundleError naming what is wrong."""

    @property
    def folder(self) -> str: ...

    @property
    def manifest(self) -> Manifest: ...

    def graph(self, role: str, precision: str, dialect: str) -> GraphFile: ...

    def default_precision(self) -> str:
        """
        fp32, or where the bundle has no such graphs, the most exact that all roles have.
        """

    def verified_file(self, file: str, sha256: str) -> HashedFile:
        """
        A file of the bundle, once its sha256 is found right; raises BundleError.
        """

    def is_current(self) -> bool:
        """Whether bundle.json is still what was read."""

    def verified_path(self, file: str, sha256: str) -> str:
        """
        Path of a file of the bundle, once its sha256 is found right; raises BundleError.
        """

    def anchors(self) -> NDArray[numpy.float32]:
        """
        float32 [A, 4] xyxy in pixels of the network's input; [0, 4] where the boxes come finished.
        """

def choose(bundle: Bundle, engine: str, device: str, precision: str, offers: list[Any]) -> tuple[str, str, str, dict[str, HashedFile], list[tuple[str, str]]]:
    """
    Chooses between offers of engines (edgecv_runtime.engines.choice.Offer); "" stands for what is not asked for. Gives engine, device, precision, files by role, and what was passed over with the reasons; an engine of "" where none can run the bundle.
    """

class DeviceTensor:
    """A dense array in the memory of a CUDA device, kept alive by `owner`."""

    def __init__(self, address: int, shape: Sequence[int], dtype: str, device_index: int, stream: int, owner: object) -> None:
        """
        `stream` is the handle of the CUDA stream on which the work that fills it was queued.
        """

    @property
    def address(self) -> int: ...

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> str: ...

    @property
    def device_index(self) -> int: ...

    @property
    def stream(self) -> int: ...

class Engine:
    def __init__(self, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> None: ...

    @property
    def inputs(self) -> list[TensorSpec]: ...

    @property
    def outputs(self) -> list[TensorSpec]: ...

    def batch_range(self) -> tuple[int, int]:
        """Fewest and most images in one run."""

    def input(self, index: int, shape: tuple[int, ...]) -> NDArray: ...

    def bind(self, index: int, array: NDArray | DeviceTensor) -> None: ...

    def run(self) -> None: ...

    def output(self, index: int) -> NDArray: ...

    def output_in_place(self, index: int) -> NDArray | DeviceTensor: ...

    def new_context(self) -> Engine | None: ...

class Timing:
    def __init__(self) -> None: ...

    @property
    def preprocess_ms(self) -> float: ...

    @property
    def network_ms(self) -> float: ...

    @property
    def postprocess_ms(self) -> float: ...

    def __repr__(self) -> str: ...

class Classifier:
    def __init__(self, bundle: Bundle, engine: Engine, threads: int = 0) -> None: ...

    def run(self, images: Sequence[Annotated[NDArray[numpy.uint8], dict(device='cpu', writable=False)]], formats: Sequence[str], max_batch: int = 16, timing: Timing | None = None) -> list:
        """
        For each image (labels int64 [k], scores float32 [k], probabilities float32 [C]).
        """

    def copy(self) -> Classifier: ...

class Detector:
    def __init__(self, bundle: Bundle, engine: Engine, threads: int = 0) -> None: ...

    def set_thresholds(self, thresholds: Sequence[float]) -> None: ...

    def run(self, images: Sequence[Annotated[NDArray[numpy.uint8], dict(device='cpu', writable=False)]], formats: Sequence[str], max_batch: int = 16, timing: Timing | None = None) -> list: ...

    def copy(self) -> Detector: ...

class SemanticSegmenter:
    def __init__(self, bundle: Bundle, engine: Engine, threads: int = 0) -> None: ...

    @property
    def windows(self) -> CropWindows | None: ...

    @windows.setter
    def windows(self, windows: CropWindows | None) -> None: ...

    def run(self, images: Sequence[Annotated[NDArray[numpy.uint8], dict(device='cpu', writable=False)]], formats: Sequence[str], probabilities: bool = False, max_batch: int = 4, timing: Timing | None = None) -> list:
        """
        For each image (mask uint8 or uint16 [H, W], probabilities float32 [C, H, W] or None).
        """

    def copy(self) -> SemanticSegmenter: ...

class TwoStageTiming:
    def __init__(self) -> None: ...

    @property
    def preprocess_ms(self) -> float: ...

    @property
    def backbone_ms(self) -> float: ...

    @property
    def trunk_ms(self) -> float:
        """backbone_ms by the name of its graph, as in steps."""

    @property
    def proposals_ms(self) -> float: ...

    @property
    def roi_ms(self) -> float: ...

    @property
    def mask_ms(self) -> float: ...

    @property
    def postprocess_ms(self) -> float: ...

    def __repr__(self) -> str: ...

class TwoStageDetector:
    def __init__(self, bundle: Bundle, trunk: Engine, roi: Engine, mask: Engine | None = None, threads: int = 0) -> None: ...

    def set_thresholds(self, thresholds: Sequence[float]) -> None: ...

    def run(self, images: Sequence[Annotated[NDArray[numpy.uint8], dict(device='cpu', writable=False)]], formats: Sequence[str], proposals: Sequence[Annotated[NDArray[numpy.float32], dict(shape=(None, 4), order='C', device='cpu', writable=False)]] | None = None, timing: TwoStageTiming | None = None) -> list:
        """For each image (boxes, scores, labels, masks)."""

    def copy(self) -> TwoStageDetector: ...

class Stylizer:
    def __init__(self, bundle: Bundle, main: Engine, statistics: Engine | None = None, tile: Engine | None = None, threads: int = 0) -> None: ...

    def set_tiling(self, tiling: str) -> None: ...

    def run(self, images: Sequence[Annotated[NDArray[numpy.uint8], dict(device='cpu', writable=False)]], formats: Sequence[str], timing: Timing | None = None) -> list:
        """For each image uint8 [H, W, 3], BGR."""

    def copy(self) -> Stylizer: ...

class TileSpec:
    def __init__(self, size: tuple[int, int], overlap: float, whole: bool, match_threshold: float) -> None: ...

def tiles_of(spec: TileSpec, image_size: tuple[int, int]) -> NDArray[numpy.int64]: ...

def group_tiles(boxes: Annotated[NDArray[numpy.float32], dict(shape=(None, 4), order='C', device='cpu', writable=False)], scores: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], labels: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], tiles: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], windows: Annotated[NDArray[numpy.int64], dict(shape=(None, 4), order='C', device='cpu', writable=False)], image_size: tuple[int, int], match_threshold: float) -> list[tuple[list[int], int]]:
    """(members, whole) of each group; whole is -1 where every member is cut."""

@overload
def detect_in_tiles(detector: Detector, picture: Annotated[NDArray[numpy.uint8], dict(device='cpu', writable=False)], format: str, spec: TileSpec, max_batch: int, timing: Timing | None = None) -> tuple: ...

@overload
def detect_in_tiles(detector: TwoStageDetector, picture: Annotated[NDArray[numpy.uint8], dict(device='cpu', writable=False)], format: str, spec: TileSpec, timing: TwoStageTiming | None = None) -> tuple: ...

class TrackerOptions:
    def __init__(self) -> None: ...

    @property
    def thresholds(self) -> list[float]: ...

    @thresholds.setter
    def thresholds(self, arg: Sequence[float], /) -> None: ...

    @property
    def low_threshold(self) -> float: ...

    @low_threshold.setter
    def low_threshold(self, arg: float, /) -> None: ...

    @property
    def min_iou(self) -> float: ...

    @min_iou.setter
    def min_iou(self, arg: float, /) -> None: ...

    @property
    def confirm_hits(self) -> int: ...

    @confirm_hits.setter
    def confirm_hits(self, arg: int, /) -> None: ...

    @property
    def lost_s(self) -> float: ...

    @lost_s.setter
    def lost_s(self, arg: float, /) -> None: ...

    @property
    def frame_rate(self) -> float: ...

    @frame_rate.setter
    def frame_rate(self, arg: float, /) -> None: ...

    @property
    def by_label(self) -> bool: ...

    @by_label.setter
    def by_label(self, arg: bool, /) -> None: ...

class Tracker:
    def update(self, boxes: Annotated[NDArray[numpy.float32], dict(shape=(None, 4), order='C', device='cpu', writable=False)], scores: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], labels: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], time_s: float | None = None) -> NDArray[numpy.int64]:
        """For each detection the id of its track, int64 [N]."""

    def reset(self) -> None: ...

class ByteTrack(Tracker):
    def __init__(self, options: TrackerOptions) -> None: ...

class OcSort(Tracker):
    def __init__(self, options: TrackerOptions) -> None: ...

class Zone:
    def __init__(self, name: str, polygon: Sequence[tuple[float, float]], labels: Sequence[int], anchor: str) -> None: ...

class Line:
    def __init__(self, name: str, start: tuple[float, float], end: tuple[float, float], labels: Sequence[int], anchor: str) -> None: ...

class ZoneCounter:
    def __init__(self, zones: Sequence[Zone], lines: Sequence[Line], margin: float, forget_s: float, image_size: tuple[int, int] | None) -> None: ...

    def update(self, boxes: Annotated[NDArray[numpy.float32], dict(shape=(None, 4), order='C', device='cpu', writable=False)], track_ids: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], labels: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], image_size: tuple[int, int], time_s: float) -> list:
        """
        For each event (kind, index of the zone or line, track, label, time_s, seconds).
        """

    def zone_counts(self, zone: int) -> dict:
        """By label (occupancy, entries, exits, appeared, vanished, seconds)."""

    def line_counts(self, line: int) -> dict:
        """By label (in, out)."""

    def visits(self, zone: int) -> list:
        """Of each track inside (id, label, seconds)."""

    def zone_points(self, arg: int, /) -> list[tuple[float, float]]: ...

    def line_points(self, arg: int, /) -> list[tuple[float, float]]: ...

    def reset(self) -> None: ...
