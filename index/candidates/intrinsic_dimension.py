"""Local intrinsic dimension: in how many directions vectors spread around each of them, however many dims they have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..faiss import faiss_library

_LEAST_NEIGHBOURS = 3
# Neighbours among fewer rows are not near: the estimate would follow the number of rows.
_LEAST_ROWS = 500
# Working memory of one batch of rows with their neighbours, in float32 numbers.
_BATCH_NUMBERS = 16_000_000


def estimate(vectors: NDArray[np.float32], sample: int = 1000, seed: int = 0) -> float | None:
    """The median local intrinsic dimension of a sample of rows; None where rows are too few to tell."""
    if len(vectors) < _LEAST_ROWS:
        return None
    rows = np.sort(np.random.default_rng(seed).permutation(len(vectors))[:sample])
    dimensions = local_intrinsic_dimension(vectors, points=vectors[rows])
    known = dimensions[~np.isnan(dimensions)]
    return float(np.median(known)) if len(known) else None


def local_intrinsic_dimension(
    vectors: NDArray[np.float32], k: int = 20, points: NDArray[np.float32] | None = None
) -> NDArray[np.float64]:
    """The intrinsic dimension around points.

    The maximum-likelihood estimate of Levina & Bickel (2004), as Amsaleg et al. (2015) use it for single points:
    −1 / mean of log(r_i / r_k) over i < k, with r_i the Euclidean distance of the i-th nearest other vector.

    Args:
        vectors: All vectors, float32 `[n, dim]`.
        k: Neighbours of a point. Duplicates of the point are left out.
        points: Some of the vectors. None: all.

    Returns:
        Float64 `[n_points]`; nan where fewer than 3 neighbours are left, or all are equally far.
    """
    vectors = np.ascontiguousarray(vectors, np.float32)
    points = vectors if points is None else np.ascontiguousarray(points, np.float32)
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
        dimensions: NDArray[np.float64] = (n_used - 1) / logs.sum(axis=1)
    dimensions[(n_used < _LEAST_NEIGHBOURS) | np.isinf(dimensions)] = np.nan
    return dimensions
