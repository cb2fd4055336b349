"""A scan of 4-bit product codes from registers: FAISS's fast scan, 8 to 16 times as fast as one of scalar codes.

The codes are stored as an ordinary product quantiser's, one document after the other, so that they are mapped, merged
and cut like all others; to be scanned they are packed anew, 32 documents side by side, in memory.
"""

from __future__ import annotations

import itertools
from concurrent.futures import Future
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import threads as parallel
from ..faiss import faiss_library
from ..scoring.scores import in_order
from .product_scan import Candidates, products_of, scan_products, stored_codes

# Least documents for each thread of a single query's scan.
_LEAST_DOCUMENTS = 100_000
# With a filter, a search asks for more documents than it returns. Beyond this many, to pack the allowed ones is faster.
_MOST_SEARCHED = 20_000
_MARGIN = 1.3
# A document's sum of table entries is kept in 16 bits; an entry has 8.
_LARGEST_SUM = (1 << 16) - 1
_LARGEST_ENTRY = (1 << 8) - 1
# Products of less are divided by so little that the quotient is infinite.
_LEAST_PRODUCT = 1e-30


class FastScan:
    """The documents of a FAISS `IndexPQ` of 4 bits a code, packed.

    Its inner products are sums of 8-bit table entries: off by up to some thousandths of their range. Where FAISS's sums
    can't say which documents are best, the codes are scanned by tables in float32, which takes some ten times as long:

    - FAISS takes the smallest sum, 0, for a free place. So it leaves out documents that are worst in every part, which
      are all documents for a query of zeros, and a few for many a query where parts are few.
    - A sum of more than 257 entries may exceed 16 bits, and FAISS begins at 0 again: the best document comes last.
    """

    def __init__(self, index: Any, rows: NDArray[np.int64] | None = None) -> None:
        """rows: of these documents only, int64, ascending."""
        self._index, self._rows = index, rows
        n = index.ntotal if rows is None else len(rows)
        n_parts = max(1, min(parallel.threads(), n // _LEAST_DOCUMENTS))
        self._borders = np.linspace(0, n, n_parts + 1).astype(np.int64)
        codes = stored_codes(index)
        shares = [
            slice(first, last) if rows is None else rows[first:last]
            for first, last in itertools.pairwise(self._borders)
        ]
        if n_parts == 1:
            self._parts = [_packed(index, codes[shares[0]])]
        else:
            jobs = [parallel.submit(lambda share=share: _packed(index, codes[share])) for share in shares]  # type: ignore[misc]
            self._parts = [job.result() for job in jobs]

    def search(self, queries: NDArray[np.float32], n: int) -> Candidates:
        """The best n documents of each query, `[n_queries, n]`; equal ones by number."""
        summed = np.flatnonzero(self._fits_sums(queries))
        scores = np.full((len(queries), n), -np.inf, np.float32)
        numbers = np.full((len(queries), n), -1, np.int64)
        if len(summed):
            scores[summed], numbers[summed] = self._scanned(queries[summed], n)
        other = np.flatnonzero((numbers < 0).any(axis=1))
        if len(other):
            exact = scan_products(self._index, queries[other], n, self._rows)
            scores[other], numbers[other] = in_order(*exact)
        return scores, numbers

    def _fits_sums(self, queries: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Which queries have table entries that 8 bits tell apart, and sums of them that fit into 16."""
        parts = self._index.pq.M
        tell: NDArray[np.bool_] = np.abs(queries).max(axis=1) * self._reach > _LEAST_PRODUCT
        if parts * _LARGEST_ENTRY <= _LARGEST_SUM:
            return tell
        spans = self._spans(queries)
        # FAISS stretches the widest part to all of an entry's 8 bits, and rounds each entry.
        tell &= spans.sum(axis=1) * _LARGEST_ENTRY <= (_LARGEST_SUM - parts / 2) * spans.max(axis=1)
        return tell

    def _spans(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """How far apart each part's products with its centroids lie, float32 `[n_queries, M]`."""
        parts, _, width = self._centroids.shape
        if width == 1:
            return np.abs(queries) * self._widths
        products = np.einsum("qmw,mcw->qmc", queries.reshape(len(queries), parts, width), self._centroids)
        return np.asarray(np.ptp(products, axis=2), np.float32)

    @cached_property
    def _widths(self) -> NDArray[np.float32]:
        """How far apart the centroids of parts of one dim lie, float32 `[M]`."""
        return np.asarray(np.ptp(self._centroids[:, :, 0], axis=1), np.float32)

    @cached_property
    def _centroids(self) -> NDArray[np.float32]:
        """Float32 `[M, 16, dim / M]`."""
        quantiser = self._index.pq
        numbers: NDArray[np.float32] = faiss_library.faiss().vector_to_array(quantiser.centroids)
        return numbers.reshape(quantiser.M, quantiser.ksub, quantiser.dsub)

    @cached_property
    def _reach(self) -> float:
        """The largest number of a centroid."""
        return float(np.abs(self._centroids).max(initial=0))

    def _scanned(self, queries: NDArray[np.float32], n: int) -> Candidates:
        """FAISS's result, which may be fewer than n: free places come last, with number −1."""
        if len(self._parts) == 1:
            found = [_search(self._parts[0], queries, n, alone=len(queries) == 1)]
        elif len(queries) == 1:
            jobs: list[Future[Candidates]] = [
                parallel.submit(lambda part=part: _search(part, queries, n, alone=True))  # type: ignore[misc]
                for part in self._parts
            ]
            found = [job.result() for job in jobs]
        else:
            found = [_search(part, queries, n, alone=False) for part in self._parts]
        scores = np.concatenate([part for part, _ in found], axis=1)
        numbers = np.concatenate(
            [np.where(part >= 0, part + first, -1) for (_, part), first in zip(found, self._borders, strict=False)],
            axis=1,
        )
        scores, numbers = in_order(scores, numbers)
        scores, numbers = scores[:, :n], numbers[:, :n]
        return scores, numbers if self._rows is None else np.where(numbers >= 0, self._rows[numbers], -1)

    def search_allowed(self, queries: NDArray[np.float32], n: int, allowed: NDArray[np.bool_]) -> Candidates:
        """The best n of the allowed documents;

        Where most are allowed, the search asks for more and drops the others. Otherwise the allowed ones are packed.

        Args:
            n: At most the number that is allowed.
        """
        rows = np.flatnonzero(allowed)
        n_searched = int(_MARGIN * n * len(allowed) / len(rows))
        if n_searched <= min(_MOST_SEARCHED, len(rows)):
            scores, numbers = self.search(queries, n_searched)
            kept = (numbers >= 0) & allowed[numbers]
            if (kept.sum(axis=1) >= n).all():
                first = np.argsort(~kept, axis=1, kind="stable")[:, :n]
                return np.take_along_axis(scores, first, axis=1), np.take_along_axis(numbers, first, axis=1)
        return FastScan(self._index, rows).search(queries, n)


def _packed(index: Any, codes: NDArray[np.uint8]) -> Any:
    return faiss_library.faiss().IndexPQFastScan(products_of(index, codes))


def _search(part: Any, queries: NDArray[np.float32], n: int, *, alone: bool) -> Candidates:
    n = min(n, part.ntotal)
    with faiss_library.one_thread(alone):
        scores, numbers = part.search(queries, n)
    # A free place has any score, NaN and ordinary ones among them.
    scores[numbers < 0] = -np.inf
    return scores, numbers
