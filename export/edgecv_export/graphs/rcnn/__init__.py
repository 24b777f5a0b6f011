"""Two-stage detectors: torchvision's Faster R-CNN and Mask R-CNN, and Fast R-CNN.

Graphs hold the networks: `trunk` (the backbone's feature maps, objectness, deltas), `roi` (box
head) and `mask` (mask head). Anchors, proposals, the level of each box, thresholds and suppression
stay outside; everything about them is read from the object, not from its name.
"""
