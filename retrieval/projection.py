"""A projection to fewer dimensions, fitted without labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wordhive.index import InputError


def principal_projection(vectors: NDArray[np.float32], dim: int) -> NDArray[np.float32]:
    """The `[dim, vectors.shape[1]]` rows that keep most of the vectors' inner products (uncentred PCA).

    MaxSim compares inner products, not differences from a mean, so the mean direction is kept. Vectors are to be
    normalised again after the projection.

    Raises InputError when there are fewer vectors than dims, or more dims than the vectors have.
    """
    n_vectors, full = vectors.shape
    if not 1 <= dim <= full:
        raise InputError(f"cannot project {full} dims to {dim}; choose 1 to {full}")
    if n_vectors < full:
        raise InputError(f"{n_vectors} word vectors cannot fit a projection of {full} dims; give more text")
    moment = vectors.T.astype(np.float64) @ vectors.astype(np.float64)
    _, axes = np.linalg.eigh(moment)
    rows = axes[:, ::-1][:, :dim].T
    # An eigenvector's sign is arbitrary: fix it, so that the same text gives the same model everywhere.
    signs = np.sign(rows[np.arange(dim), np.abs(rows).argmax(axis=1)])
    return np.ascontiguousarray(rows * signs[:, None], dtype=np.float32)
