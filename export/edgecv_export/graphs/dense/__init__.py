"""Dense detectors over a feature pyramid: torchvision's RetinaNet and FCOS.

The graph takes normalised images and gives raw logits, deltas (FCOS: distances, and centerness) of
all levels, one level after another. Anchors, thresholds and suppression stay outside; everything
about them is read from the object, not from its name.

torchvision's logits have a column for class 0, which its models keep for the background and never
train ("number of classes, background included"). The graph leaves it out, so that label i of the
bundle is torchvision's label i + 1. A model whose classes start at 0 is told by its labels: where
there is a name for every column, every column stays.
"""
