"""What the torch code behind an encoder has to offer; imports torch, so import it inside functions only."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Towers(nn.Module, ABC):
    """An image tower and a text tower that end in one space.

    Subclasses of our own name their parameters as the published checkpoint does.

    Attributes
    ----------
    trims_padding
        Whether padding behind the longest text of a batch may be cut off without any change of the
        result, which saves most of the work where the context is long.
    """

    trims_padding = False

    @abstractmethod
    def encode_image(self, pixels: Tensor) -> Tensor:
        """Embed prepared pixels.

        Parameters
        ----------
        pixels
            Normalised, shape (n, 3, side, side).

        Returns
        -------
        Tensor
            Shape (n, dim); not brought to length 1.
        """

    @abstractmethod
    def encode_text(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Embed tokens.

        Parameters
        ----------
        ids
            int64, shape (k, context length).
        mask
            Bool, same shape: False where there is padding.

        Returns
        -------
        Tensor
            Shape (k, dim); not brought to length 1.
        """

    @property
    @abstractmethod
    def scale(self) -> float:
        """Factor that turns cosines into logits (already exponentiated)."""

    @property
    def vocabulary(self) -> int | None:
        """How many tokens the text tower knows, where it tells."""
        return None

    @property
    def bias(self) -> float:
        """What is added to the logits; 0 but for encoders trained with a sigmoid."""
        return 0.0
