"""Engines made from a bundle's ONNX graphs; nothing here imports torch."""
