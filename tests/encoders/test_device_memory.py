"""A device without room says so in one kind of error, so that smaller batches can be tried."""

from __future__ import annotations

import pytest
import torch

from napari_histoalign.encoders.foreign import enough_memory, one_sentence
from napari_histoalign.errors import DeviceMemoryError, EncoderError


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
    ],
)
def test_every_way_of_saying_it_is_understood(error: BaseException) -> None:
    with (
        pytest.raises(
            DeviceMemoryError, match=r"PLIP cannot embed images \(the device cuda has no room"
        ) as caught,
        one_sentence("PLIP cannot embed images"),
        enough_memory("PLIP", "cuda"),
    ):
        raise error
    assert caught.value.__cause__ is error


def test_other_failures_stay_what_they_are() -> None:
    with (
        pytest.raises(EncoderError, match="device-side assert") as caught,
        one_sentence("PLIP cannot embed images"),
        enough_memory("PLIP", "cuda"),
    ):
        raise RuntimeError("CUDA error: device-side assert triggered")
    assert not isinstance(caught.value, DeviceMemoryError)
