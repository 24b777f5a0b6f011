"""A bundle around an ONNX file that was made elsewhere. No torch here."""
