"""Queries' features, added up without being kept; those of few queries in this thread alone.

A matrix library wakes its threads even for one query, which takes longer than the query, and milliseconds where they
have to wait for a processor.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..threads import run_in_blocks
from ..word_vectors import WordVectors

# More words are worth the threads.
MOST_WORDS = 64


def summed_features(queries: WordVectors, centroids: NDArray[np.float32], threshold: float) -> NDArray[np.float32]:
    """A fitted encoding's queries: for each, Σ of [word, relu(word · centroids − threshold · length), length].

    centroids: float32 `[n, dim]`. Float32 `[n_queries, dim + n + 1]`.
    """
    words = np.ascontiguousarray(queries.vectors, np.float32)
    products = np.empty((len(words), len(centroids)), np.float32)
    _multiply(words, centroids, products)
    sums = np.zeros((len(queries), queries.dim + len(centroids) + 1), np.float32)
    _add_features(words, products, queries.offsets, np.float32(threshold), 0, len(queries), sums)
    return sums


def added_features(queries: WordVectors, products: NDArray[np.float32], threshold: float) -> NDArray[np.float32]:
    """The same of many queries, whose words' inner products with the centroids, `[n_words, n]`, are there already."""
    sums = np.zeros((len(queries), queries.dim + products.shape[1] + 1), np.float32)
    words, least = np.ascontiguousarray(queries.vectors, np.float32), np.float32(threshold)
    run_in_blocks(
        lambda first, last: _add_features(words, products, queries.offsets, least, first, last, sums),
        queries.offsets * sums.shape[1],
    )
    return sums


@njit(nogil=True, fastmath=True, cache=True)
def _multiply(words, centroids, products):  # type: ignore[no-untyped-def]
    for word in range(len(words)):
        for centroid in range(len(centroids)):
            product = np.float32(0)
            for k in range(words.shape[1]):
                product += words[word, k] * centroids[centroid, k]
            products[word, centroid] = product


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
