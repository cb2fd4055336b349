"""Searches of a FAISS index that fill every place, where FAISS leaves places free."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..faiss.faiss_index import FaissIndex
from ..scoring.scores import in_order
from .product_scan import Candidates
from .search_width import SearchWidth, width_range


def search_whole(index: FaissIndex, queries: NDArray[np.float32], n: int, width: SearchWidth) -> Candidates:
    """The best n documents of each query: inner products and numbers, `[n_queries, n]`, no place free.

    Args:
        index: Searched by inner products, on the CPU.
        queries: Float32 `[n_queries, dim]`.
        n: At most the number of documents.
        width: Doubled, and again, for queries that find fewer than n documents in the lists or the graph.
    """
    scores, numbers = width.search(index, queries, n)
    while len(lacking := queries_lacking(numbers)):
        wider = width.doubled(width_range(index, n))
        if wider == width:
            return fill_up(index, queries, (scores, numbers))
        width = wider
        scores[lacking], numbers[lacking] = width.search(index, queries[lacking], n)
    return scores, numbers


def queries_lacking(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """The queries with free places, number −1."""
    return np.flatnonzero((numbers < 0).any(axis=1))


def fill_up(
    index: FaissIndex, queries: NDArray[np.float32], found: Candidates, allowed: NDArray[np.bool_] | None = None
) -> Candidates:
    """Fill free places with the best of the other documents, by their decoded vectors.

    Where vectors can't be decoded, the first other documents come last: FAISS's 4-bit fast scans leave out documents
    whose table entries add up to 0, which is the least sum.

    Args:
        allowed: The documents to take from; None: all.
    """
    scores, numbers = found
    for query in queries_lacking(numbers):
        free = numbers[query] < 0
        others = np.ones(index.n, np.bool_) if allowed is None else allowed.copy()
        others[numbers[query, ~free]] = False
        if index.decodes:
            filling = scan_decoded(index, queries[query : query + 1], int(free.sum()), others)
            scores[query, free], numbers[query, free] = filling[0][0], filling[1][0]
        else:
            scores[query, free] = 0 if free.all() else scores[query, ~free].min()
            numbers[query, free] = np.flatnonzero(others)[: free.sum()]
        scores[query], numbers[query] = in_order(scores[query], numbers[query])
    return scores, numbers


def scan_decoded(index: FaissIndex, queries: NDArray[np.float32], n: int, allowed: NDArray[np.bool_]) -> Candidates:
    """The best n of the allowed documents by their decoded vectors.

    Args:
        n: At most the number that is allowed.
    """
    scores, numbers = np.zeros((len(queries), 0), np.float32), np.zeros((len(queries), 0), np.int64)
    first = 0
    for vectors in index.decoded():
        rows = np.flatnonzero(allowed[first : first + len(vectors)])
        scores = np.concatenate([scores, queries @ vectors[rows].T], axis=1)
        numbers = np.concatenate([numbers, np.broadcast_to(rows + first, (len(queries), len(rows)))], axis=1)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :n]
        scores, numbers = np.take_along_axis(scores, best, axis=1), np.take_along_axis(numbers, best, axis=1)
        first += len(vectors)
    return scores, numbers
