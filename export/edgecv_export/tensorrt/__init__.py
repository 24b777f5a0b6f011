"""TensorRT engines, built from a bundle's graphs. Neither torch nor onnx here."""
