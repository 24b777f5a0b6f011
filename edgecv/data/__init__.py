"""Labelled images: readers (no torch), augmentation and minibatches for training (torch)."""
