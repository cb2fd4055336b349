"""Matrices of low rank, multiplied to the same bits on every machine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def product(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """The product of factors in half precision, float32 `[n, m]`.

    Libraries add in an order that depends on the processor, and a model's fingerprint sees the last bit.

    Args:
        left: `[n, rank]`.
        right: `[rank, m]`.
    """
    total = np.zeros((len(left), right.shape[1]), np.float32)
    for column, row in zip(left.T, right, strict=True):
        total += column[:, None] * row
    return total
