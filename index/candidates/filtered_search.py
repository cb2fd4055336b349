"""Searches of a FAISS index among the documents that a filter allows; they fill every place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..faiss import faiss_library
from ..faiss.faiss_index import FaissIndex, Kind
from .product_scan import Candidates, scan_products
from .search_width import SearchWidth
from .whole_search import fill_up, queries_lacking, scan_decoded


def search_allowed(
    index: FaissIndex, queries: NDArray[np.float32], n: int, allowed: NDArray[np.bool_], width: SearchWidth
) -> Candidates:
    """The best n allowed documents of each query. All n are found, as SQUASH promises (Oakley & Ferhatosmanoglu 2024).

    A graph or lists are searched wider than without a filter, in proportion to the documents that it leaves out. The
    allowed documents are scanned where that is as fast, or where the search found too few.

    Args:
        index: Searched by inner products, on the CPU.
        queries: Float32 `[n_queries, dim]`.
        n: At most as many as are allowed.
        allowed: Bool `[number of documents]`.
        width: The width of a search without a filter.

    Returns:
        Inner products and numbers, `[n_queries, n]`.
    """
    library = faiss_library.faiss()
    if index.kind is Kind.TRANSFORMED and index.inner is not None:
        for number in range(index.index.chain.size()):
            queries = library.downcast_VectorTransform(index.index.chain.at(number)).apply(queries)
        return search_allowed(index.inner, queries, n, allowed, width)
    n_allowed = int(np.count_nonzero(allowed))
    wide = SearchWidth(width.lists, max(n, width.beam)).widened(len(allowed) / n_allowed)
    selector = library.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
    if index.kind is Kind.GRAPH and index.inner is not None:
        if wide.walks(n, n_allowed):
            found = wide.search(index, queries, n, selector)
            if _is_whole(found):
                return found
        index = index.inner
    if index.kind is Kind.LISTS:
        found = wide.search(index, queries, n, selector)
        if not _is_whole(found):
            found = SearchWidth(index.index.nlist, wide.beam).search(index, queries, n, selector)
        return fill_up(index, queries, found, allowed)
    if index.takes_selector:
        return width.search(index, queries, n, selector)
    if index.kind is Kind.PRODUCT:
        return scan_products(index.index, queries, n, np.flatnonzero(allowed))
    if not index.decodes:
        return _search_more(index, queries, n, allowed)
    return scan_decoded(index, queries, n, allowed)


def _is_whole(found: Candidates) -> bool:
    return not len(queries_lacking(found[1]))


def _search_more(index: FaissIndex, queries: NDArray[np.float32], n: int, allowed: NDArray[np.bool_]) -> Candidates:
    """Search among all for twice as many, and again, until n allowed ones are among them."""
    n_searched = n
    while True:
        n_searched = min(2 * n_searched, len(allowed))
        scores, numbers = index.index.search(queries, n_searched)
        kept = (numbers >= 0) & allowed[numbers]
        if n_searched == len(allowed) or (kept.sum(axis=1) >= n).all():
            break
    first = np.argsort(~kept, axis=1, kind="stable")[:, :n]
    numbers = np.where(kept, numbers, -1)
    found = np.take_along_axis(scores, first, axis=1), np.take_along_axis(numbers, first, axis=1)
    return fill_up(index, queries, found, allowed)
