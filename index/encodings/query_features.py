"""Features of queries for a fitted encoding: computed word by word and added up, never stored."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..small_products import inner_products
from ..threads import run_in_blocks
from ..word_vectors import WordVectors


def summed_features(queries: WordVectors, centroids: NDArray[np.float32], threshold: float) -> NDArray[np.float32]:
    """The vectors of few queries: Σ over words of [word, relu(word · centroids − threshold · norm), norm].

    Args:
        queries: Queries of `FEW_WORDS` words or fewer; this thread encodes them alone.
        centroids: Float32 `[n, dim]`.
        threshold: τ of the encoding.

    Returns:
        Float32 `[n_queries, dim + n + 1]`.
    """
    words = np.ascontiguousarray(queries.vectors, np.float32)
    products = inner_products(words, centroids)
    sums = np.zeros((len(queries), queries.dim + len(centroids) + 1), np.float32)
    _add_features(words, products, queries.offsets, np.float32(threshold), 0, len(queries), sums)
    return sums


def added_features(queries: WordVectors, products: NDArray[np.float32], threshold: float) -> NDArray[np.float32]:
    """As `summed_features`, for many queries.

    Args:
        products: Of their words with the centroids, float32 `[n_words, n]`.
    """
    sums = np.zeros((len(queries), queries.dim + products.shape[1] + 1), np.float32)
    words, least = np.ascontiguousarray(queries.vectors, np.float32), np.float32(threshold)
    run_in_blocks(
        lambda first, last: _add_features(words, products, queries.offsets, least, first, last, sums),
        queries.offsets * sums.shape[1],
    )
    return sums


@njit(nogil=True, fastmath=True, cache=True)
def _add_features(words, products, offsets, threshold, first, last, sums):  # type: ignore[no-untyped-def]
    dim, n = words.shape[1], products.shape[1]
    for query in range(first, last):
        for word in range(offsets[query], offsets[query + 1]):
            square = np.float32(0)
            for k in range(dim):
                square += words[word, k] * words[word, k]
                sums[query, k] += words[word, k]
            length = np.sqrt(square)
            sums[query, dim + n] += length
            for centroid in range(n):
                sums[query, dim + centroid] += max(products[word, centroid] - threshold * length, np.float32(0))
