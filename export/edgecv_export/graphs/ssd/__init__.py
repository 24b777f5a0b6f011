"""One-stage detectors over fixed anchors: torchvision's SSD and kin, and our ssd_tiny.

The graph takes normalised images and gives raw logits and deltas. Anchors, decoding, thresholds and
suppression stay outside; everything about them is read from the object, not from its name.
"""
