"""What this machine can do at most, to hold what is measured against it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

_ROUNDS = 5
_SIDE = 2048
_COPIED = 256 << 20


@dataclass(frozen=True)
class MachinePeak:
    """The best of some rounds: floating-point operations a second of large matrix products in float32 (NumPy) and in
    bfloat16 (torch), and bytes a second of a copy in memory, read and written ones together.
    """

    sgemm: float
    bfloat16: float
    copy: float


def machine_peak() -> MachinePeak:
    """Measure it, in about a second."""
    import torch

    random = np.random.default_rng(0)
    matrix = random.standard_normal((_SIDE, _SIDE)).astype(np.float32)
    product = np.empty_like(matrix)
    low = torch.from_numpy(matrix).bfloat16()
    low_product = torch.empty_like(low)
    source = np.ones(_COPIED, np.uint8)
    target = np.zeros_like(source)
    operations = 2 * _SIDE**3
    return MachinePeak(
        sgemm=operations / _least(lambda: np.matmul(matrix, matrix, out=product)),
        bfloat16=operations / _least(lambda: torch.matmul(low, low, out=low_product)),
        copy=2 * _COPIED / _least(lambda: np.copyto(target, source)),
    )


def _least(work: Callable[[], Any]) -> float:
    taken = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return min(taken)
