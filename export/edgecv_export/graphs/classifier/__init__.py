"""Classifiers: torchvision's, and any module that gives one row of logits for an image.

The graph takes normalised images of one size and gives logits. Resize, crop, softmax and the choice
of the best classes are the runtime's.
"""
