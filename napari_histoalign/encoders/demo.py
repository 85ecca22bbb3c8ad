"""The embedded demonstration encoders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.encoders.axes import AXES
from napari_histoalign.encoders.base import Encoder
from napari_histoalign.encoders.words import Vocabulary, words
from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.encoders.demo_pair import Pair
    from napari_histoalign.encoders.registry import EncoderSpec

WEIGHTS, CONFIG = "model.safetensors", "config.json"
MEANINGLESS = 0.8
"""Cosine with the axis of unknown words from which a text counts as having no meaning."""
LARGEST_BATCH = {"cpu": 32}
"""Tiles at once where more is slower; elsewhere 256."""


class DemoEncoder(Encoder):
    """A small encoder pair that knows drawn tissue only.

    Parameters
    ----------
    spec
        Its registry entry.
    pair
        The towers, on `device`, ready for use.
    vocabulary
        The words the text tower knows.
    device
        Where the towers are.
    """

    preprocessing = "uint8-density-2"

    def __init__(self, spec: EncoderSpec, pair: Pair, vocabulary: Vocabulary, device: str) -> None:
        self.spec, self.device = spec, device
        self.file_hashes = {name: str(sha) for name, sha in spec.files.items()}
        self.weights_hash = self.file_hashes[WEIGHTS]
        self.logit_scale = float(pair.log_scale.exp())
        self._pair, self._vocabulary = pair, vocabulary

    def unknown_words(self, text: str) -> list[str]:
        """Words of `text` that no training caption had; they are read by their letters."""
        return self._vocabulary.unknown(text)

    def _readable(self, text: str) -> bool:
        return bool(words(text))

    def _images(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        import torch

        rows, step = [], LARGEST_BATCH.get(self.device, 256)
        with torch.inference_mode():
            for start in range(0, len(tiles), step):
                batch = torch.from_numpy(np.ascontiguousarray(tiles[start : start + step]))
                # bytes travel to the device; a permuted view is what "channels last" means
                rows.append(self._pair.image(batch.to(self.device).permute(0, 3, 1, 2)).cpu().numpy())
        return np.concatenate(rows)

    def _texts(self, texts: list[str]) -> NDArray[np.float32]:
        import torch

        # one at a time: a text's vector must not depend on the length of its neighbours
        rows = []
        with torch.inference_mode():
            for text in texts:
                tokens = self._vocabulary.tokens([text])
                ids = torch.from_numpy(tokens.ids).to(self.device)
                rows.append(
                    self._pair.text(ids, torch.from_numpy(tokens.grams).to(self.device)).cpu().numpy()
                )
        found = np.concatenate(rows)
        # a text that says nothing says exactly nothing: the little that is left of it would be noise
        meaningless = found[:, AXES.index("unknown")] > MEANINGLESS
        found[meaningless] = np.eye(len(AXES), dtype=np.float32)[AXES.index("unknown")]
        return found


def load_demo(spec: EncoderSpec, folder: Path, device: str) -> DemoEncoder:
    """Build the towers and fill them from the (already checked) files of `folder`.

    Raises
    ------
    EncoderError
        If the files do not fit together.
    """
    import safetensors
    import torch
    from safetensors.torch import load_file

    from napari_histoalign.encoders.demo_pair import Pair
    from napari_histoalign.encoders.text_tower import TextShape

    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        shape = TextShape(**config["text"])
        vocabulary = Vocabulary(config["words"], shape.buckets, shape.context_length)
        pair = Pair(config["image"], shape)
        weights = load_file(folder / WEIGHTS)
        pair.load_state_dict({name: value.float() for name, value in weights.items()})
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, safetensors.SafetensorError) as err:
        raise EncoderError(f"The files of encoder {spec.name!r} in {folder} cannot be used ({err}).") from err
    pair.eval().requires_grad_(False)
    return DemoEncoder(spec, pair.to(device).to(memory_format=torch.channels_last), vocabulary, device)
