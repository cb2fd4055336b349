"""A scan of product codes by tables in float32: slower than FAISS's fast scan, and right for any query."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..faiss import faiss_library

# Inner products and numbers of documents, `[n_queries, n]` each, best first; number −1 for a free place.
Candidates: TypeAlias = tuple[NDArray[np.float32], NDArray[np.int64]]


def scan_products(
    index: Any, queries: NDArray[np.float32], n: int, rows: NDArray[np.int64] | None = None
) -> Candidates:
    """The best n documents of a FAISS `IndexPQ`, with no place free.

    Args:
        index: The `IndexPQ`.
        queries: Float32 `[n_queries, dim]`.
        n: At most as many as are scanned.
        rows: Numbers of the documents to scan, int64; None: all. Their codes are copied, which is faster than decoding.
    """
    if rows is None:
        scores, numbers = index.search(queries, n)
        return scores, numbers
    scores, numbers = products_of(index, stored_codes(index)[rows]).search(queries, n)
    return scores, rows[numbers]


def stored_codes(index: Any) -> NDArray[np.uint8]:
    """The codes of a FAISS index that keeps them one after the other, uint8 `[n, code_size]`; no copy."""
    codes: NDArray[np.uint8] = faiss_library.faiss().rev_swig_ptr(index.codes.data(), index.ntotal * index.code_size)
    return codes.reshape(index.ntotal, index.code_size)


def products_of(index: Any, codes: NDArray[np.uint8]) -> Any:
    """An `IndexPQ` of other codes by the same quantiser, for inner products."""
    library = faiss_library.faiss()
    part = library.IndexPQ(index.d, index.pq.M, index.pq.nbits, library.METRIC_INNER_PRODUCT)
    part.pq, part.is_trained = index.pq, True
    part.add_sa_codes(np.ascontiguousarray(codes))
    return part
