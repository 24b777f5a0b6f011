"""Checkpoints where a bundle is expected."""
