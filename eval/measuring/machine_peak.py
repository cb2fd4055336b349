"""What a machine can do at most, to hold what is measured against it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ROUNDS = 5
_SIDE = 2048
_OPERATIONS = 2 * _SIDE**3
_COPIED = 256 << 20
# A GPU is at its best with larger ones.
_GPU_SIDE = 8192
_GPU_COPIED = 1 << 30


@dataclass(frozen=True)
class MachinePeak:
    """The best of some rounds: floating-point operations a second of large matrix products in float32 and in bfloat16,
    and bytes a second of a copy in memory, read and written ones together.

    Attributes:
        device: The processor ("cpu"), or a GPU's name.
    """

    device: str
    sgemm: float
    bfloat16: float
    copy: float


def machine_peak(device: str = "cpu") -> MachinePeak:
    """Measure the processor (float32 by NumPy, bfloat16 by torch), or a GPU (all by torch), in about a second."""
    import torch

    if device != "cpu":
        return _gpu_peak(torch.device(device))
    low = torch.from_numpy(_square()).bfloat16()
    product = torch.empty_like(low)
    source = np.ones(_COPIED, np.uint8)
    target = np.zeros_like(source)
    return MachinePeak(
        device=device,
        sgemm=sgemm_peak(),
        bfloat16=_OPERATIONS / _least(lambda: torch.matmul(low, low, out=product)),
        copy=2 * _COPIED / _least(lambda: np.copyto(target, source)),
    )


def sgemm_peak() -> float:
    """The processor's `sgemm` alone."""
    matrix = _square()
    product = np.empty_like(matrix)
    return _OPERATIONS / _least(lambda: np.matmul(matrix, matrix, out=product))


def _square() -> NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal((_SIDE, _SIDE)).astype(np.float32)


def _gpu_peak(device: Any) -> MachinePeak:
    import torch

    from wordhive.index.torch_device import full_float32, wait_for

    matrix = torch.randn(_GPU_SIDE, _GPU_SIDE, device=device)
    low, source = matrix.bfloat16(), torch.ones(_GPU_COPIED, dtype=torch.uint8, device=device)
    product, low_product, target = torch.empty_like(matrix), torch.empty_like(low), torch.empty_like(source)
    operations = 2 * _GPU_SIDE**3

    def least(work: Callable[[], Any]) -> float:
        def done() -> None:
            work()
            wait_for(device)

        return _least(done)

    with full_float32(device):
        return MachinePeak(
            device=torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
            sgemm=operations / least(lambda: torch.matmul(matrix, matrix, out=product)),
            bfloat16=operations / least(lambda: torch.matmul(low, low, out=low_product)),
            copy=2 * _GPU_COPIED / least(lambda: target.copy_(source)),
        )


def _least(work: Callable[[], Any]) -> float:
    taken = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return min(taken)
