"""Fewer dims for encodings: two matrices, one for queries and one for documents, whose product keeps the scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..config import ReductionConfig
from ..tensors import dequantised, quantised, tensor

# Directions with less than this share of the strongest direction's size are left out.
_LEAST_SHARE = 1e-5


@dataclass(frozen=True)
class Reduction:
    """⟨q, d⟩ ≈ ⟨q·queries, d·documents − shift⟩ + a constant for each query, which changes no ranking.

    Attributes:
        queries: Float32 `[n, dims]`.
        documents: Float32 `[n, dims]`; without the words' rows where these are folded into the encoding.
        shift: Float32 `[dims]`, the mean of the reduced documents.
    """

    queries: NDArray[np.float32]
    documents: NDArray[np.float32]
    shift: NDArray[np.float32]

    @classmethod
    def fit(cls, config: ReductionConfig, queries: NDArray[np.float32], documents: NDArray[np.float32]) -> Reduction:
        """Fit to encodings of queries, `[n_queries, n]`, and of documents, `[n_documents, n]`; few span fewer dims."""
        mean = documents.mean(axis=0, dtype=np.float64)
        centred = documents - mean
        if config.method == "query-aware":
            exact = queries.astype(np.float64)
            left, right = _best_pair(exact.T @ exact, centred, config.dims)
        elif config.method == "pca":
            left, right = _best_pair(np.eye(centred.shape[1]), centred, config.dims)
        else:
            left = right = _count_sketch(documents.shape[1], config.dims, config.seed)
        return cls(left.astype(np.float32), right.astype(np.float32), (mean @ right).astype(np.float32))

    def balanced_for_pq(self, n: int) -> Reduction:
        """Reorder the dims for a product quantiser of n parts, so that each part has strong and weak dims.

        Dims come strongest first. They are dealt to the parts like cards, to and fro, so that a part spends its bits on
        its strong dims: the eigenvalue allocation of Ge, He, Ke and Sun (Optimized Product Quantization, 2013). Dims
        that n does not divide stay in order.
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
        """All parameters by name, as `from_tensors` reads them."""
        matrices = {**quantised("queries", self.queries, axis=0), **quantised("documents", self.documents, axis=0)}
        return {**matrices, "shift": self.shift}

    @classmethod
    def from_tensors(cls, tensors: dict[str, NDArray[np.generic]]) -> Reduction:
        """The reduction whose `tensors()` these are.

        Raises:
            ValueError: A tensor that is missing or misshapen.
        """
        queries = dequantised("queries", tensors, 0, None, None)
        documents = dequantised("documents", tensors, 0, None, queries.shape[1])
        return cls(queries, documents, tensor(tensors, "shift", queries.shape[1]))

    @property
    def dim(self) -> int:
        return int(self.queries.shape[1])

    @property
    def is_folded(self) -> bool:
        """Whether the words' rows of the document matrix are folded into their encoding, and no longer here."""
        return len(self.documents) < len(self.queries)


def _best_pair(
    queries: NDArray[np.float64], documents: NDArray[np.float64], dims: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The pair of matrices of rank `dims` with the least squared error of all products of queries and documents.

    With the documents' DᵀD = F·Fᵀ, the error is that of Q·F. It is least where the principal axes V of FᵀQᵀQF are kept:
    queries by F·V/√λ, documents by QᵀQ·F·V/√λ (LeanVec-OOD, Tepper et al. 2023, in closed form). With QᵀQ = 1 they are
    the documents' principal axes.

    Args:
        queries: QᵀQ of the queries Q; the error depends on nothing else of them.
        documents: Centred documents D, `[n_documents, n]`.
        dims: Most dims.
    """
    factor = documents.T if len(documents) <= len(queries) else _root(documents.T @ documents)
    values, axes = _principal(factor.T @ queries @ factor, dims)
    if not len(values):  # nothing to tell directions apart by: any one will do
        return np.eye(len(queries), 1), np.eye(len(queries), 1)
    left = factor @ (axes / np.sqrt(values))
    return left, queries @ left


def _root(gram: NDArray[np.float64]) -> NDArray[np.float64]:
    """F with F·Fᵀ = gram, but for so much in every direction that rounding leaves none with less than nothing."""
    least = max(1e-12, 4 * len(gram) * np.finfo(np.float64).eps) * np.trace(gram)
    gram[np.diag_indices(len(gram))] += max(least, np.finfo(np.float64).tiny)
    return np.asarray(np.linalg.cholesky(gram), np.float64)


def _principal(matrix: NDArray[np.float64], dims: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The largest eigenvalues of a symmetric matrix, at most `dims`, and their vectors in columns, largest first.

    Their span is looked for in float32, a fifth of the work, and they themselves within it in float64.
    """
    n, size = len(matrix), np.trace(matrix)
    if size <= 0:
        return np.zeros(0), np.zeros((n, 0))
    # LAPACK's driver for some of the vectors is no faster, and fails where most eigenvalues are 0.
    _, rough = np.linalg.eigh((matrix / size).astype(np.float32))
    span = rough[:, -dims:].astype(np.float64)
    values, turned = np.linalg.eigh(span.T @ matrix @ span)
    kept = np.flatnonzero(values > _LEAST_SHARE**2 * values[-1])[::-1]
    return values[kept], span @ turned[:, kept]


def _count_sketch(n: int, dims: int, seed: int) -> NDArray[np.float64]:
    stream = np.random.default_rng((seed, 0x5CE7))
    matrix = np.zeros((n, dims))
    matrix[np.arange(n), stream.integers(0, dims, n)] = stream.integers(0, 2, n) * 2 - 1
    return matrix
