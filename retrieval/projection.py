"""Projections to fewer dimensions and weights of words, fitted without labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wordhive.index import InputError, WordVectors
from wordhive.index.quantity import quantity

# Relative to the mean square of the features.
_RIDGE = 1e-4


def principal_projection(vectors: NDArray[np.float32], dim: int) -> NDArray[np.float32]:
    """The `[dim, vectors.shape[1]]` rows that keep most of the vectors' inner products (uncentred PCA).

    MaxSim compares inner products, not differences from a mean, so the mean direction is kept. Vectors are to be
    normalised again after the projection.

    Raises:
        InputError: There are fewer vectors than dims, or more dims than the vectors have.
    """
    n_vectors, full = vectors.shape
    if not 1 <= dim <= full:
        raise InputError(f"cannot project {full} dims to {dim}; choose 1 to {full}")
    if n_vectors < full:
        raise InputError(f"{quantity(n_vectors, 'word vector')} cannot fit a projection of {full} dims; give more text")
    moment = vectors.T.astype(np.float64) @ vectors.astype(np.float64)
    _, axes = np.linalg.eigh(moment)
    rows = axes[:, ::-1][:, :dim].T
    # An eigenvector's sign is arbitrary: fix it, so that the same text gives the same model everywhere.
    signs = np.sign(rows[np.arange(dim), np.abs(rows).argmax(axis=1)])
    return np.ascontiguousarray(rows * signs[:, None], dtype=np.float32)


def importance_weights(texts: WordVectors) -> tuple[NDArray[np.float32], float]:
    """Weights `[dim]` and bias so that softplus(vector · weights + bias) is near the inverse document frequency.

    A word's frequency is BM25's, log(1 + (n − df + ½) / (df + ½)), among the given texts. Least squares, with a slight
    ridge, on the inverse of softplus, one row a word of a text.

    Raises:
        InputError: There are fewer words than the vectors have dims.
    """
    n_words, dim = texts.vectors.shape
    if n_words < dim:
        raise InputError(f"{quantity(n_words, 'word vector')} cannot fit weights for {dim} dims; give more text")
    _, inverse, frequency = np.unique(texts.word_ids, return_inverse=True, return_counts=True)
    n = len(texts)
    rarity = np.log1p((n - frequency + 0.5) / (frequency + 0.5))[inverse]
    wanted = rarity + np.log(-np.expm1(-rarity))
    features = np.hstack([texts.vectors, np.ones((n_words, 1), np.float32)]).astype(np.float64)
    moment = features.T @ features
    ridge = _RIDGE * np.trace(moment) / len(moment)
    solved = np.linalg.solve(moment + ridge * np.eye(dim + 1), features.T @ wanted)
    return solved[:-1].astype(np.float32), float(solved[-1])
