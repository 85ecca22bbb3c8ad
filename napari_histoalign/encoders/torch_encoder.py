"""Encoders whose towers are torch modules."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.encoders.base import Encoder
from napari_histoalign.encoders.foreign import enough_memory, one_sentence
from napari_histoalign.encoders.loaders.parts import Parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.encoders.registry import EncoderSpec
    from napari_histoalign.encoders.tokenizing import Tokens

log = logging.getLogger(__name__)

LARGEST_BATCH = {"cpu": 32}
"""Tiles at once where more is slower; elsewhere 256."""
TEXTS = 64
"""Prompts at once."""
PRECISIONS = ("float32", "float16", "bfloat16")


class TorchEncoder(Encoder):
    """An encoder made of two towers and a tokenizer.

    Parameters
    ----------
    spec
        Its registry entry.
    parts
        Its towers, filled, float32, on the CPU, and its tokenizer.
    file_hashes
        SHA-256 of each of its files, by name.
    device
        Where it shall run.
    precision
        One of `PRECISIONS`. Half precision is meant for graphics processors.
    files
        Where its files are, by the first of their names in the entry; what an export takes along.
    """

    def __init__(
        self,
        spec: EncoderSpec,
        parts: Parts,
        file_hashes: Mapping[str, str],
        device: str,
        precision: str = "float32",
        files: Mapping[str, Path] | None = None,
    ) -> None:
        import torch

        self.spec, self.device, self.file_hashes = spec, device, file_hashes
        self.weights_hash = hashlib.sha256(json.dumps(dict(file_hashes), sort_keys=True).encode()).hexdigest()
        self.logit_scale, self.logit_bias = parts.towers.scale, parts.towers.bias
        self.preprocessing = spec.preprocessing.key + ("" if precision == "float32" else f"+{precision}")
        self.precision, self.files = precision, dict(files or {})
        self._tokenizer = parts.tokenizer
        self._type = getattr(torch, precision)
        with one_sentence(f"{spec.title} cannot be brought to the device {device}"):
            self._towers = parts.towers.eval().requires_grad_(False).to(device=device, dtype=self._type)

    @property
    def parts(self) -> Parts:
        """Its towers, where and as they run, and its tokenizer."""
        return Parts(self._towers, self._tokenizer)

    def unknown_words(self, text: str) -> list[str]:
        """Words of `text` that become the tokenizer's sign for unknown ones."""
        with one_sentence(f"{self.spec.title} cannot read a text"):
            return self._tokenizer.unknown(text)

    def too_long(self, texts: Sequence[str]) -> tuple[int, ...]:
        """Positions of the texts that are longer than the text tower reads."""
        return self._tokens(texts).truncated

    def _tokens(self, texts: Sequence[str]) -> Tokens:
        with one_sentence(f"{self.spec.title} cannot read texts"):
            return self._tokenizer(texts)

    def _images(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        import torch
        from torch.nn import functional

        rows, step = [], LARGEST_BATCH.get(self.device, 256)
        prepare = self.spec.preprocessing
        memory = enough_memory(self.spec.title, self.device)
        with one_sentence(f"{self.spec.title} cannot embed images"), memory, torch.inference_mode():
            for start in range(0, len(tiles), step):
                # bytes travel to the device, and become numbers there
                batch = torch.from_numpy(np.ascontiguousarray(tiles[start : start + step])).to(self.device)
                out = self._towers.encode_image(prepare.normalise(batch).to(self._type))
                rows.append(functional.normalize(out.float(), dim=-1).cpu().numpy())
        return np.concatenate(rows)

    def _texts(self, texts: list[str]) -> NDArray[np.float32]:
        import torch
        from torch.nn import functional

        tokens = self._tokens(texts)
        for position in tokens.truncated:
            log.warning(
                "%s reads %d tokens of a prompt; the end of this one is cut off: %.80s...",
                self.spec.title,
                tokens.ids.shape[1],
                texts[position],
            )
        rows = []
        with one_sentence(f"{self.spec.title} cannot embed texts"), torch.inference_mode():
            for start in range(0, len(texts), TEXTS):
                part = slice(start, start + TEXTS)
                ids, mask = tokens.ids[part], tokens.mask[part]
                if self._towers.trims_padding:
                    # one token at least: a text of which nothing is left is padding, where there is no sign
                    length = int(np.flatnonzero(mask.any(axis=0)).max(initial=0)) + 1
                    ids, mask = ids[:, :length], mask[:, :length]
                out = self._towers.encode_text(
                    torch.from_numpy(np.ascontiguousarray(ids)).to(self.device),
                    torch.from_numpy(np.ascontiguousarray(mask)).to(self.device),
                )
                rows.append(functional.normalize(out.float(), dim=-1).cpu().numpy())
        return np.concatenate(rows)
