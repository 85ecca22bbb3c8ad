"""Encoders that no library loads: one module each, with the parameter names of the published files.

They import torch, so import them inside functions only.
"""
