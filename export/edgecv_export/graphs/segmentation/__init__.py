"""Segmentation: torchvision's FCN, DeepLabV3 and LR-ASPP, edgecv's own FCN, and any module that
gives logits for the pixels of an image.

The graph takes normalised images and gives logits: at the head's own stride where the last step is
a bilinear resize, which the runtime does together with the choice of the class. Images go through
whole, in any height and width, or in windows of one size.
"""
