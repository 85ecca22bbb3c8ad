"""Encoders as two ONNX files: written from towers of torch, and read from anyone."""
