"""Searches of a FAISS index among the documents that a filter allows, which find as many as were asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..faiss import faiss_library
from .product_scan import Found, scan_products
from .search_width import SearchWidth
from .whole_search import fill_up, lack, scan_decoded


def search_allowed(
    index: Any, queries: NDArray[np.float32], n: int, allowed: NDArray[np.bool_], probing: SearchWidth
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
    wide = SearchWidth(probing.lists, max(n, probing.beam)).widened(len(allowed) / n_allowed)
    selector = library.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
    if isinstance(index, library.IndexHNSW):
        if wide.walks(n, n_allowed):
            found = wide.search(index, queries, n, selector)
            if _is_whole(found):
                return found
        index = library.downcast_index(index.storage)
    if isinstance(index, library.IndexIVF):
        found = wide.search(index, queries, n, selector)
        if not _is_whole(found):
            found = SearchWidth(index.nlist, wide.beam).search(index, queries, n, selector)
        return fill_up(index, queries, found, allowed)
    if isinstance(index, (library.IndexFlat, library.IndexScalarQuantizer, library.IndexRaBitQ)):
        return probing.search(index, queries, n, selector)
    # The others take no selector.
    if isinstance(index, library.IndexPQ):
        return scan_products(index, queries, n, np.flatnonzero(allowed))
    if not faiss_library.decodes(index):
        return _search_more(index, queries, n, allowed)
    return scan_decoded(index, queries, n, allowed)


def _is_whole(found: Found) -> bool:
    return not len(lack(found[1]))


def _search_more(index: Any, queries: NDArray[np.float32], n: int, allowed: NDArray[np.bool_]) -> Found:
    """The allowed ones of so many that are found among all that they are enough."""
    asked = n
    while True:
        asked = min(2 * asked, len(allowed))
        scores, numbers = index.search(queries, asked)
        kept = (numbers >= 0) & allowed[numbers]
        if asked == len(allowed) or (kept.sum(axis=1) >= n).all():
            break
    first = np.argsort(~kept, axis=1, kind="stable")[:, :n]
    numbers = np.where(kept, numbers, -1)
    found = np.take_along_axis(scores, first, axis=1), np.take_along_axis(numbers, first, axis=1)
    return fill_up(index, queries, found, allowed)
