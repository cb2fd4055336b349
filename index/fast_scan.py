"""A scan of 4-bit product codes from registers: FAISS's fast scan, 8 to 16 times as fast as one of scalar codes.

The codes are stored as an ordinary product quantiser's, one document after the other, so that they are mapped, merged
and cut like all others; to be scanned they are packed anew, 32 documents side by side, in memory.
"""

from __future__ import annotations

import itertools
from concurrent.futures import Future
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import faiss_library, parallel
from .scores import in_order

# Inner products and numbers of documents, `[n_queries, n]` both, best first; −1 for none.
Found = tuple[NDArray[np.float32], NDArray[np.int64]]

# A second thread's share of a single query's scan must be worth waking it.
_LEAST_DOCUMENTS = 100_000
# More are asked for than are wanted where some documents don't count; beyond these, packing the others costs less.
_MOST_ASKED = 20_000
_MARGIN = 1.3


class FastScan:
    """The documents of a FAISS `IndexPQ` of 4 bits a code, packed.

    Its inner products are sums of 8-bit table entries: off by up to some thousandths of their range.
    """

    def __init__(self, index: Any, rows: NDArray[np.int64] | None = None) -> None:
        """rows: of these documents only, int64, ascending."""
        self._index, self._rows = index, rows
        n = index.ntotal if rows is None else len(rows)
        n_parts = max(1, min(parallel.threads(), n // _LEAST_DOCUMENTS))
        self._borders = np.linspace(0, n, n_parts + 1).astype(np.int64)
        codes = faiss_library.faiss().rev_swig_ptr(index.codes.data(), index.ntotal * index.code_size)
        codes = codes.reshape(index.ntotal, index.code_size)
        shares = [
            slice(first, last) if rows is None else rows[first:last]
            for first, last in itertools.pairwise(self._borders)
        ]
        if n_parts == 1:
            self._parts = [_packed(index, codes[shares[0]])]
        else:
            jobs = [parallel.submit(lambda share=share: _packed(index, codes[share])) for share in shares]  # type: ignore[misc]
            self._parts = [job.result() for job in jobs]

    @staticmethod
    def fits(index: Any) -> bool:
        """Whether an index has such codes."""
        return isinstance(index, faiss_library.faiss().IndexPQ) and index.pq.nbits == 4

    def search(self, queries: NDArray[np.float32], n: int) -> Found:
        """The best n documents of each query, `[n_queries, n]`; equal ones by number."""
        if len(self._parts) == 1:
            found = [_search(self._parts[0], queries, n, alone=len(queries) == 1)]
        elif len(queries) == 1:
            jobs: list[Future[Found]] = [
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

    def search_allowed(self, queries: NDArray[np.float32], n: int, allowed: NDArray[np.bool_]) -> Found:
        """The best n documents of those that are allowed, of which there are as many.

        Where most are, more are asked for and the others left out; otherwise the allowed ones are packed by themselves.
        """
        rows = np.flatnonzero(allowed)
        asked = int(_MARGIN * n * len(allowed) / len(rows))
        if asked <= min(_MOST_ASKED, len(rows)):
            scores, numbers = self.search(queries, asked)
            kept = (numbers >= 0) & allowed[numbers]
            if (kept.sum(axis=1) >= n).all():
                first = np.argsort(~kept, axis=1, kind="stable")[:, :n]
                return np.take_along_axis(scores, first, axis=1), np.take_along_axis(numbers, first, axis=1)
        return FastScan(self._index, rows).search(queries, n)


def _packed(index: Any, codes: NDArray[np.uint8]) -> Any:
    library = faiss_library.faiss()
    part = library.IndexPQ(index.d, index.pq.M, index.pq.nbits, library.METRIC_INNER_PRODUCT)
    part.pq, part.is_trained = index.pq, True
    part.add_sa_codes(np.ascontiguousarray(codes))
    return library.IndexPQFastScan(part)


def _search(part: Any, queries: NDArray[np.float32], n: int, *, alone: bool) -> Found:
    n = min(n, part.ntotal)
    with faiss_library.one_thread(alone):
        scores, numbers = part.search(queries, n)
    return scores, numbers
