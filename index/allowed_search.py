"""Searches of a FAISS index among the documents that a filter allows, which find as many as were asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import faiss_library
from .fast_scan import Found
from .probing import Probing


def search_allowed(
    index: Any, queries: NDArray[np.float32], n: int, allowed: NDArray[np.bool_], probing: Probing
) -> Found:
    """The best n documents of those that are allowed, `[n_queries, n]`: inner products and numbers.

    index: searched by inner products, on the CPU. queries: float32 `[n_queries, dim]`. n: at most as many as are
    allowed, and all of them are found, as SQUASH promises (Oakley & Ferhatosmanoglu 2024). probing: of a search where
    all are allowed.

    A graph or lists are visited so widely that as many documents are met that are allowed as are met at all in a search
    of all; where a scan of the allowed ones takes no longer, or too few were found, they are scanned.
    """
    library = faiss_library.faiss()
    if isinstance(index, library.IndexPreTransform):
        for number in range(index.chain.size()):
            queries = library.downcast_VectorTransform(index.chain.at(number)).apply(queries)
        return search_allowed(library.downcast_index(index.index), queries, n, allowed, probing)
    n_allowed = int(np.count_nonzero(allowed))
    wide = Probing(probing.lists, max(n, probing.beam)).widened(len(allowed) / n_allowed)
    selector = library.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
    if isinstance(index, library.IndexHNSW):
        if wide.walks(n, n_allowed):
            found = wide.search(index, queries, n, selector)
            if _is_whole(found):
                return found
        index = library.downcast_index(index.storage)
    if isinstance(index, library.IndexIVF):
        found = wide.search(index, queries, n, selector)
        return found if _is_whole(found) else Probing(index.nlist, wide.beam).search(index, queries, n, selector)
    if isinstance(index, (library.IndexFlat, library.IndexScalarQuantizer, library.IndexRaBitQ)):
        return probing.search(index, queries, n, selector)
    # The others take no selector.
    if isinstance(index, library.IndexPQ):
        return _scan_products(index, queries, n, np.flatnonzero(allowed))
    return _scan_decoded(index, queries, n, allowed)


def _is_whole(found: Found) -> bool:
    return bool((found[1] >= 0).all())


def _scan_products(index: Any, queries: NDArray[np.float32], n: int, rows: NDArray[np.int64]) -> Found:
    """The codes of those rows as an index of their own, which is much faster than to decode them."""
    library = faiss_library.faiss()
    part = library.IndexPQ(index.d, index.pq.M, index.pq.nbits, library.METRIC_INNER_PRODUCT)
    part.pq, part.is_trained = index.pq, True
    codes = library.rev_swig_ptr(index.codes.data(), index.ntotal * index.code_size)
    part.add_sa_codes(codes.reshape(index.ntotal, index.code_size)[rows])
    scores, numbers = part.search(queries, n)
    return scores, rows[numbers]


def _scan_decoded(index: Any, queries: NDArray[np.float32], n: int, allowed: NDArray[np.bool_]) -> Found:
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
