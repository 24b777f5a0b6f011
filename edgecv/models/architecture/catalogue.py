"""All architectures: what is known of them without loading torch."""

from __future__ import annotations

import difflib
from typing import Literal, NamedTuple

Task = Literal["classify", "detect", "instance", "segment", "stylize"]


class Facts(NamedTuple):
    """One network that `edgecv train` and `edgecv export` know by name.

    Attributes:
        task: what it is for.
        input: the size of the network's input by default, height x width in pixels.
        parameters: how many it has, with as many classes as the published weights know: 1000 for
            classifiers, 91 with the background for detectors, 21 for segmentation.
    """

    task: Task
    input: str
    parameters: int


CATALOGUE: dict[str, Facts] = {
    "alexnet": Facts("classify", "224x224", 61_100_840),
    "convnext_base": Facts("classify", "224x224", 88_591_464),
    "convnext_large": Facts("classify", "224x224", 197_767_336),
    "convnext_small": Facts("classify", "224x224", 50_223_688),
    "convnext_tiny": Facts("classify", "224x224", 28_589_128),
    "deeplabv3_mobilenet_v3_large": Facts("segment", "any", 11_029_328),
    "deeplabv3_resnet101": Facts("segment", "any", 60_996_202),
    "deeplabv3_resnet50": Facts("segment", "any", 42_004_074),
    "densenet121": Facts("classify", "224x224", 7_978_856),
    "densenet161": Facts("classify", "224x224", 28_681_000),
    "densenet169": Facts("classify", "224x224", 14_149_480),
    "densenet201": Facts("classify", "224x224", 20_013_928),
    "efficientnet_b0": Facts("classify", "224x224", 5_288_548),
    "efficientnet_b1": Facts("classify", "240x240", 7_794_184),
    "efficientnet_b2": Facts("classify", "288x288", 9_109_994),
    "efficientnet_b3": Facts("classify", "300x300", 12_233_232),
    "efficientnet_b4": Facts("classify", "380x380", 19_341_616),
    "efficientnet_b5": Facts("classify", "456x456", 30_389_784),
    "efficientnet_b6": Facts("classify", "528x528", 43_040_704),
    "efficientnet_b7": Facts("classify", "600x600", 66_347_960),
    "efficientnet_v2_l": Facts("classify", "480x480", 118_515_272),
    "efficientnet_v2_m": Facts("classify", "480x480", 54_139_356),
    "efficientnet_v2_s": Facts("classify", "384x384", 21_458_488),
    "fasterrcnn_mobilenet_v3_large_320_fpn": Facts("detect", "sides 320 to 640", 19_410_754),
    "fasterrcnn_mobilenet_v3_large_fpn": Facts("detect", "sides 800 to 1333", 19_410_754),
    "fasterrcnn_resnet50_fpn": Facts("detect", "sides 800 to 1333", 41_808_406),
    "fasterrcnn_resnet50_fpn_v2": Facts("detect", "sides 800 to 1333", 43_712_278),
    "fcn_resnet101": Facts("segment", "any", 54_314_346),
    "fcn_resnet18": Facts("segment", "any", 12_993_642),
    "fcn_resnet50": Facts("segment", "any", 35_322_218),
    "fcos_resnet50_fpn": Facts("detect", "sides 800 to 1333", 32_322_720),
    "googlenet": Facts("classify", "224x224", 13_004_888),
    "inception_v3": Facts("classify", "299x299", 27_161_264),
    "lraspp_mobilenet_v3_large": Facts("segment", "any", 3_221_538),
    "maskrcnn_mobilenet_v3_large_fpn": Facts("instance", "sides 320 to 533", 8_083_297),
    "maskrcnn_resnet50_fpn": Facts("instance", "sides 800 to 1333", 44_454_513),
    "maskrcnn_resnet50_fpn_v2": Facts("instance", "sides 800 to 1333", 46_359_409),
    "maxvit_t": Facts("classify", "224x224", 30_919_624),
    "mnasnet0_5": Facts("classify", "224x224", 2_218_512),
    "mnasnet0_75": Facts("classify", "224x224", 3_170_208),
    "mnasnet1_0": Facts("classify", "224x224", 4_383_312),
    "mnasnet1_3": Facts("classify", "224x224", 6_282_256),
    "mobilenet_v2": Facts("classify", "224x224", 3_504_872),
    "mobilenet_v3_large": Facts("classify", "224x224", 5_483_032),
    "mobilenet_v3_small": Facts("classify", "224x224", 2_542_856),
    "regnet_x_16gf": Facts("classify", "224x224", 54_278_536),
    "regnet_x_1_6gf": Facts("classify", "224x224", 9_190_136),
    "regnet_x_32gf": Facts("classify", "224x224", 107_811_560),
    "regnet_x_3_2gf": Facts("classify", "224x224", 15_296_552),
    "regnet_x_400mf": Facts("classify", "224x224", 5_495_976),
    "regnet_x_800mf": Facts("classify", "224x224", 7_259_656),
    "regnet_x_8gf": Facts("classify", "224x224", 39_572_648),
    "regnet_y_128gf": Facts("classify", "384x384", 644_812_894),
    "regnet_y_16gf": Facts("classify", "224x224", 83_590_140),
    "regnet_y_1_6gf": Facts("classify", "224x224", 11_202_430),
    "regnet_y_32gf": Facts("classify", "224x224", 145_046_770),
    "regnet_y_3_2gf": Facts("classify", "224x224", 19_436_338),
    "regnet_y_400mf": Facts("classify", "224x224", 4_344_144),
    "regnet_y_800mf": Facts("classify", "224x224", 6_432_512),
    "regnet_y_8gf": Facts("classify", "224x224", 39_381_472),
    "resnet101": Facts("classify", "224x224", 44_549_160),
    "resnet152": Facts("classify", "224x224", 60_192_808),
    "resnet18": Facts("classify", "224x224", 11_689_512),
    "resnet34": Facts("classify", "224x224", 21_797_672),
    "resnet50": Facts("classify", "224x224", 25_557_032),
    "resnext101_32x8d": Facts("classify", "224x224", 88_791_336),
    "resnext101_64x4d": Facts("classify", "224x224", 83_455_272),
    "resnext50_32x4d": Facts("classify", "224x224", 25_028_904),
    "retinanet_resnet50_fpn": Facts("detect", "sides 800 to 1333", 34_068_119),
    "retinanet_resnet50_fpn_v2": Facts("detect", "sides 800 to 1333", 38_198_935),
    "shufflenet_v2_x0_5": Facts("classify", "224x224", 1_366_792),
    "shufflenet_v2_x1_0": Facts("classify", "224x224", 2_278_604),
    "shufflenet_v2_x1_5": Facts("classify", "224x224", 3_503_624),
    "shufflenet_v2_x2_0": Facts("classify", "224x224", 7_393_996),
    "squeezenet1_0": Facts("classify", "224x224", 1_248_424),
    "squeezenet1_1": Facts("classify", "224x224", 1_235_496),
    "ssd300_vgg16": Facts("detect", "300x300", 35_641_826),
    "ssd_tiny": Facts("detect", "from the data", 3_039_036),
    "ssdlite320_mobilenet_v3_large": Facts("detect", "320x320", 3_440_060),
    "style_transform": Facts("stylize", "any", 1_679_235),
    "swin_b": Facts("classify", "224x224", 87_768_224),
    "swin_s": Facts("classify", "224x224", 49_606_258),
    "swin_t": Facts("classify", "224x224", 28_288_354),
    "swin_v2_b": Facts("classify", "256x256", 87_930_848),
    "swin_v2_s": Facts("classify", "256x256", 49_737_442),
    "swin_v2_t": Facts("classify", "256x256", 28_351_570),
    "vgg11": Facts("classify", "224x224", 132_863_336),
    "vgg11_bn": Facts("classify", "224x224", 132_868_840),
    "vgg13": Facts("classify", "224x224", 133_047_848),
    "vgg13_bn": Facts("classify", "224x224", 133_053_736),
    "vgg16": Facts("classify", "224x224", 138_357_544),
    "vgg16_bn": Facts("classify", "224x224", 138_365_992),
    "vgg19": Facts("classify", "224x224", 143_667_240),
    "vgg19_bn": Facts("classify", "224x224", 143_678_248),
    "vit_b_16": Facts("classify", "224x224", 86_567_656),
    "vit_b_32": Facts("classify", "224x224", 88_224_232),
    "vit_h_14": Facts("classify", "518x518", 633_470_440),
    "vit_l_16": Facts("classify", "224x224", 304_326_632),
    "vit_l_32": Facts("classify", "224x224", 306_535_400),
    "wide_resnet101_2": Facts("classify", "224x224", 126_886_696),
    "wide_resnet50_2": Facts("classify", "224x224", 68_883_240),
}


def known(architecture: str) -> str:
    """For a message: the names nearest to one that is unknown, or where all of them are."""
    near = difflib.get_close_matches(architecture, CATALOGUE, n=4, cutoff=0.5)
    if near:
        return f"did you mean {', '.join(near)}?"
    return f"there are {len(CATALOGUE)}, such as ssd_tiny, resnet18, fcn_resnet18 (edgecv models)"
