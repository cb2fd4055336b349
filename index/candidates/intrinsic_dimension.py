"""Local intrinsic dimension: in how many directions vectors spread around each of them, however many dims they have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..faiss import faiss_library

_LEAST_NEIGHBOURS = 3
# With fewer rows their neighbours are not near, and the estimate says how many rows there are.
_LEAST_ROWS = 500
# Working memory of one batch of rows with their neighbours, in float32 numbers.
_BATCH_NUMBERS = 16_000_000


def local_intrinsic_dimension(vectors: NDArray[np.float32], k: int = 20) -> NDArray[np.float64]:
    """The intrinsic dimension around each of `vectors`, `[n, dim]`: float64 `[n]`.

    The maximum-likelihood estimate of Levina & Bickel (2004), as Amsaleg et al. (2015) use it for single points:
    −1 / mean of log(r_i / r_k) over i < k, with r_i the Euclidean distance of the i-th nearest other vector. Of the k,
    duplicates of the vector itself are left out. nan where fewer than 3 are left, or all of them are equally far.
    """
    return _around(vectors, vectors, k)


def estimate(vectors: NDArray[np.float32], sample: int = 1000, seed: int = 0) -> float | None:
    """The median local intrinsic dimension of a sample of rows among all; None where there are too few to tell."""
    if len(vectors) < _LEAST_ROWS:
        return None
    rows = np.sort(np.random.default_rng(seed).permutation(len(vectors))[:sample])
    found = _around(vectors[rows], vectors, 20)
    known = found[~np.isnan(found)]
    return float(np.median(known)) if len(known) else None


def _around(points: NDArray[np.float32], vectors: NDArray[np.float32], k: int) -> NDArray[np.float64]:
    points, vectors = (np.ascontiguousarray(part, np.float32) for part in (points, vectors))
    # One more than k, because each point is among the vectors.
    neighbours = min(k + 1, len(vectors))
    if not neighbours:
        return np.full(len(points), np.nan)
    at_once = max(1, _BATCH_NUMBERS // (neighbours * max(1, vectors.shape[1])))
    parts = [
        _estimates(points[first : first + at_once], vectors, neighbours) for first in range(0, len(points), at_once)
    ]
    return np.concatenate(parts)


def _estimates(points: NDArray[np.float32], vectors: NDArray[np.float32], neighbours: int) -> NDArray[np.float64]:
    _, numbers = faiss_library.faiss().knn(points, vectors, neighbours)
    # FAISS's own distances come from inner products, whose rounding keeps duplicates apart.
    distances = np.linalg.norm(vectors[numbers] - points[:, None], axis=2).astype(np.float64)
    farthest, used = distances.max(axis=1, keepdims=True), distances > 0
    n_used = used.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(farthest / np.where(used, distances, farthest))
        found: NDArray[np.float64] = (n_used - 1) / logs.sum(axis=1)
    found[(n_used < _LEAST_NEIGHBOURS) | np.isinf(found)] = np.nan
    return found
