"""A few rows times a matrix, in this thread alone.

A matrix library wakes its threads for as few words as a query has, and OpenBLAS's then keep a core busy for a tenth of
a second, in which it is wanted for the search.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


def row_products(rows: NDArray[np.float32], matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """rows `[n, m]` times a matrix `[m, k]`, whose own rows are not read where there is a 0."""
    products = np.zeros((len(rows), matrix.shape[1]), np.float32)
    _add_rows(rows, matrix, products)
    return products


@njit(nogil=True, fastmath=True, cache=True)
def _add_rows(rows, matrix, products):  # type: ignore[no-untyped-def]
    for row in range(len(rows)):
        for i in range(rows.shape[1]):
            if rows[row, i] != 0:
                for k in range(matrix.shape[1]):
                    products[row, k] += rows[row, i] * matrix[i, k]
