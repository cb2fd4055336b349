"""Searches of a FAISS index that find as many documents as are asked for, where FAISS leaves places free."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..faiss import faiss_library
from ..scoring.scores import in_order
from .product_scan import Found
from .search_width import SearchWidth, width_range


def search_whole(index: Any, queries: NDArray[np.float32], n: int, probing: SearchWidth) -> Found:
    """The best n documents of each query, `[n_queries, n]`: inner products and numbers, all of them of documents.

    index: searched by inner products, on the CPU. queries: float32 `[n_queries, dim]`. n: at most as many as there are.
    probing: twice as wide, and again, for those queries for which the lists that are visited hold fewer than n
    documents, or a walk through a graph meets fewer.
    """
    scores, numbers = probing.search(index, queries, n)
    while len(lacking := lack(numbers)):
        wider = probing.doubled(width_range(index, n))
        if wider == probing:
            return fill_up(index, queries, (scores, numbers))
        probing = wider
        scores[lacking], numbers[lacking] = probing.search(index, queries[lacking], n)
    return scores, numbers


def lack(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """The queries with places that are free, number −1."""
    return np.flatnonzero((numbers < 0).any(axis=1))


def fill_up(index: Any, queries: NDArray[np.float32], found: Found, allowed: NDArray[np.bool_] | None = None) -> Found:
    """What was found, and in places that are free the best of the other documents, by their decoded vectors.

    Where they can't be decoded, the first ones as the worst: FAISS's 4-bit fast scans leave out documents whose table
    entries add up to 0, the least there is. allowed: only of these; None: all.
    """
    scores, numbers = found
    decodes = faiss_library.decodes(index)
    for query in lack(numbers):
        free = numbers[query] < 0
        others = np.ones(index.ntotal, np.bool_) if allowed is None else allowed.copy()
        others[numbers[query, ~free]] = False
        if decodes:
            filling = scan_decoded(index, queries[query : query + 1], int(free.sum()), others)
            scores[query, free], numbers[query, free] = filling[0][0], filling[1][0]
        else:
            scores[query, free] = 0 if free.all() else scores[query, ~free].min()
            numbers[query, free] = np.flatnonzero(others)[: free.sum()]
        scores[query], numbers[query] = in_order(scores[query], numbers[query])
    return scores, numbers


def scan_decoded(index: Any, queries: NDArray[np.float32], n: int, allowed: NDArray[np.bool_]) -> Found:
    """The best n of the allowed documents by their decoded vectors. n: at most as many as are allowed."""
    scores, numbers = np.zeros((len(queries), 0), np.float32), np.zeros((len(queries), 0), np.int64)
    first = 0
    for vectors in faiss_library.decoded(index):
        rows = np.flatnonzero(allowed[first : first + len(vectors)])
        scores = np.concatenate([scores, queries @ vectors[rows].T], axis=1)
        numbers = np.concatenate([numbers, np.broadcast_to(rows + first, (len(queries), len(rows)))], axis=1)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :n]
        scores, numbers = np.take_along_axis(scores, best, axis=1), np.take_along_axis(numbers, best, axis=1)
        first += len(vectors)
    return scores, numbers
