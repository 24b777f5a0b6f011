"""Detector architectures, their weights and checkpoints (torch)."""
