"""Prompts as the numbers a text tower reads."""

from napari_histoalign.encoders.tokenizing.tokens import Tokenizer, Tokens, padded

__all__ = ["Tokenizer", "Tokens", "padded"]
