"""Trained models as ONNX graphs: built, quantized, checked against their bundle."""
