"""Architectures, their weights and checkpoints (torch)."""
