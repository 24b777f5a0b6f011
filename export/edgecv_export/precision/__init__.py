"""Graphs made smaller: FP16, INT8 and uint8 input, each checked against FP32. No torch here."""
