"""Build modules whose weights come from a file; imports torch, so import it inside functions only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_FILLING = {
    Tensor.normal_, Tensor.uniform_, Tensor.erfinv_, Tensor.bernoulli_, Tensor.exponential_,
    torch.nn.init.normal_, torch.nn.init.uniform_, torch.nn.init.trunc_normal_,
    torch.nn.init.kaiming_uniform_, torch.nn.init.kaiming_normal_,
    torch.nn.init.xavier_uniform_, torch.nn.init.xavier_normal_,
}  # fmt: skip


class NoRandomStart(TorchFunctionMode):
    """Leaves out the random numbers that modules start with, in this thread.

    They take seconds for a large encoder, and `weights.load_strict` overwrites every one of them.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the tensor as it is where it would be filled at random."""
        if func in _FILLING:
            return args[0] if args else (kwargs or {})["tensor"]
        return func(*args, **(kwargs or {}))
