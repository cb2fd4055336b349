"""Products of a few rows with a matrix, computed in the calling thread.

A matrix library wakes its threads even for the words of one query. That takes longer than the product, and milliseconds
where the threads wait for a processor. OpenBLAS's threads then keep a core busy for a tenth of a second, in which the
search needs it.
"""

from __future__ import annotations

from .simd import light_numba as light_numba  # before anything imports numba

# isort: split
import numpy as np
from numba import njit
from numpy.typing import NDArray

# Queries, and words of queries, up to which these products are faster than a matrix library's with its threads.
FEW_QUERIES = 4
FEW_WORDS = 64


def row_products(rows: NDArray[np.float32], matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """`rows @ matrix`, float32 `[n, m]` and `[m, k]`. Where a row has a 0, the matrix's row is not read."""
    products = np.zeros((len(rows), matrix.shape[1]), np.float32)
    _add_rows(rows, matrix, products)
    return products


def inner_products(rows: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """`rows @ others.T`, float32 `[n, dim]` and `[k, dim]`."""
    products = np.empty((len(rows), len(others)), np.float32)
    _multiply(rows, others, products)
    return products


@njit(nogil=True, fastmath=True, cache=True)
def _add_rows(rows, matrix, products):  # type: ignore[no-untyped-def]
    for row in range(len(rows)):
        for i in range(rows.shape[1]):
            if rows[row, i] != 0:
                for k in range(matrix.shape[1]):
                    products[row, k] += rows[row, i] * matrix[i, k]


@njit(nogil=True, fastmath=True, cache=True)
def _multiply(rows, others, products):  # type: ignore[no-untyped-def]
    for row in range(len(rows)):
        for other in range(len(others)):
            product = np.float32(0)
            for k in range(rows.shape[1]):
                product += rows[row, k] * others[other, k]
            products[row, other] = product
