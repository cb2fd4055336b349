"""Fewer dims for encodings: two matrices, one for queries and one for documents, whose product keeps the scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..config import ReductionConfig
from ..tensors import dequantised, quantised

# Directions that queries have less of than this share of the most common one count for nothing.
_LEAST_SHARE = 1e-6


@dataclass(frozen=True)
class Reduction:
    """⟨q, d⟩ ≈ ⟨q·queries, d·documents − shift⟩, but for a constant of the query's own, which changes no ranking.

    queries, documents: float32 `[n, dims]`. shift: float32 `[dims]`, the documents' mean.
    """

    queries: NDArray[np.float32]
    documents: NDArray[np.float32]
    shift: NDArray[np.float32]

    @classmethod
    def fit(cls, config: ReductionConfig, queries: NDArray[np.float32], documents: NDArray[np.float32]) -> Reduction:
        """Fit to samples of both sides, float32 `[n_queries, n]` and `[n_documents, n]`.

        dims: at most as many as the samples span.
        """
        mean = documents.mean(axis=0, dtype=np.float64)
        centred = documents - mean
        if config.method == "query-aware":
            left, right = _query_aware(queries.astype(np.float64), centred, config.dims)
        elif config.method == "pca":
            left = right = _principal(centred, config.dims)
        else:
            left = right = _count_sketch(documents.shape[1], config.dims, config.seed)
        return cls(left.astype(np.float32), right.astype(np.float32), (mean @ right).astype(np.float32))

    def dealt(self, n: int) -> Reduction:
        """The same with its dims in another order, dealt like cards to n runs of as many, the strongest ones first.

        A product quantiser of n parts then has strong and weak dims in each, and spends its bits on the strong ones:
        the eigenvalue allocation of Ge, He, Ke and Sun (Optimized Product Quantization, 2013), to and fro. Dims that
        can't be dealt evenly stay in order.
        """
        if not n or self.dim % n:
            return self
        order = np.arange(self.dim).reshape(-1, n)
        order[1::2] = order[1::2, ::-1].copy()
        order = order.T.ravel()
        return Reduction(
            *(np.ascontiguousarray(part[..., order]) for part in (self.queries, self.documents, self.shift))
        )

    def tensors(self) -> dict[str, NDArray[np.generic]]:
        """All parameters by name, as `from_tensors` takes them back."""
        matrices = {**quantised("queries", self.queries, axis=0), **quantised("documents", self.documents, axis=0)}
        return {**matrices, "shift": self.shift}

    @classmethod
    def from_tensors(cls, tensors: dict[str, NDArray[np.generic]]) -> Reduction:
        """The reduction whose `tensors()` these are."""
        shift = tensors["shift"].astype(np.float32)
        return cls(dequantised("queries", tensors), dequantised("documents", tensors), shift)

    @property
    def dim(self) -> int:
        return int(self.queries.shape[1])


def _query_aware(
    queries: NDArray[np.float64], documents: NDArray[np.float64], dims: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The pair of matrices of rank `dims` with the least squared error of all products of the two samples.

    With queries = P·S·Qᵀ, that error is the one of documents·Q·S in any orthonormal basis, so the best is its
    principal one, V: documents by Q·S·V, queries by Q·S⁻¹·V (LeanVec-OOD, Tepper et al. 2023, in closed form).
    """
    scale, basis = _right_singular(queries)
    weighed = (documents @ basis) * scale
    axes = _principal(weighed, dims)
    return basis @ (axes / scale[:, None]), basis @ (axes * scale[:, None])


def _right_singular(matrix: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Singular values and right vectors of a tall or wide matrix, by the smaller of its two Gram matrices."""
    n, dim = matrix.shape
    if not matrix.any():  # nothing to tell directions apart by: any one will do
        return np.ones(1), np.eye(dim, 1)
    if dim <= n:
        squares, vectors = np.linalg.eigh(matrix.T @ matrix)
        kept = squares > _LEAST_SHARE**2 * squares[-1]
        return np.sqrt(squares[kept]), vectors[:, kept]
    squares, vectors = np.linalg.eigh(matrix @ matrix.T)
    kept = squares > _LEAST_SHARE**2 * squares[-1]
    values = np.sqrt(squares[kept])
    return values, (matrix.T @ vectors[:, kept]) / values


def _principal(rows: NDArray[np.float64], dims: int) -> NDArray[np.float64]:
    _, axes = _right_singular(rows)
    return axes[:, ::-1][:, :dims]


def _count_sketch(n: int, dims: int, seed: int) -> NDArray[np.float64]:
    stream = np.random.default_rng((seed, 0x5CE7))
    matrix = np.zeros((n, dims))
    matrix[np.arange(n), stream.integers(0, dims, n)] = stream.integers(0, 2, n) * 2 - 1
    return matrix
