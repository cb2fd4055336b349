"""Exact late interaction on ragged documents: Σ over query words of the best inner product with a document word."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .errors import InputError
from .parallel import run_in_blocks
from .word_vectors import WordVectors

# Query words that the kernel compares with one document word in a row; a multiple of 4.
_QUERY_BLOCK = 16


def maxsim(queries: WordVectors, vectors: NDArray[np.float32], offsets: NDArray[np.int64]) -> NDArray[np.float32]:
    """The words' part of the score of every query with every document, float32 `[n_queries, n_documents]`.

    vectors: float32 `[n_words, dim]`. offsets: int64 `[n_documents + 1]`. A document without words scores 0.
    Raises InputError when the dims differ.
    """
    if queries.dim != vectors.shape[1]:
        raise InputError(f"the query has {queries.dim} dims, the documents {vectors.shape[1]}; use one model for both")
    scores = np.zeros((len(queries), len(offsets) - 1), np.float32)
    n_words = len(queries.vectors)
    # The kernel takes four query words at a time.
    padded = np.zeros((-(-n_words // 4) * 4, queries.dim), np.float32)
    padded[:n_words] = queries.vectors
    documents = np.ascontiguousarray(vectors, np.float32)

    def block(first: int, last: int) -> None:
        _maxsim(padded, queries.offsets, documents, offsets, first, last, scores)

    run_in_blocks(block, offsets * max(n_words, 1))
    return scores


@njit(nogil=True, fastmath=True, cache=True)
def _maxsim(query, query_offsets, vectors, offsets, first, last, scores):  # type: ignore[no-untyped-def]
    n_padded, dim = query.shape
    best = np.empty(n_padded, np.float32)
    for document in range(first, last):
        if offsets[document] == offsets[document + 1]:
            continue
        best[:] = -np.float32(3.0e38)
        # A block of query words stays in the nearest cache while all words of the document pass by.
        for start in range(0, n_padded, _QUERY_BLOCK):
            for word in range(offsets[document], offsets[document + 1]):
                for q in range(start, min(start + _QUERY_BLOCK, n_padded), 4):
                    s0 = np.float32(0)
                    s1 = np.float32(0)
                    s2 = np.float32(0)
                    s3 = np.float32(0)
                    for k in range(dim):
                        value = vectors[word, k]
                        s0 += query[q, k] * value
                        s1 += query[q + 1, k] * value
                        s2 += query[q + 2, k] * value
                        s3 += query[q + 3, k] * value
                    best[q] = max(best[q], s0)
                    best[q + 1] = max(best[q + 1], s1)
                    best[q + 2] = max(best[q + 2], s2)
                    best[q + 3] = max(best[q + 3], s3)
        for text in range(len(query_offsets) - 1):
            total = np.float32(0)
            for q in range(query_offsets[text], query_offsets[text + 1]):
                total += best[q]
            scores[text, document] = total
