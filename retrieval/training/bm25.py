"""BM25 over texts in memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wordhive.index import WordhiveError


class Bm25:
    """BM25 as Lucene scores it (k1 1.5, b 0.75), English stop words left out, by the library bm25s.

    Raises WordhiveError where bm25s is not installed.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        try:
            import bm25s
        except ImportError as error:
            raise WordhiveError("BM25 needs the package bm25s; install it: pip install 'wordhive[train]'") from error
        self._texts = texts
        self._tokenize = bm25s.tokenize
        self._index = bm25s.BM25(backend="numba")
        self._index.index(bm25s.tokenize(list(texts), show_progress=False), show_progress=False)

    def search(self, queries: list[str], k: int) -> list[list[tuple[str, float]]]:
        """Up to k texts that share words with each query, best first, with their scores."""
        from numba import get_num_threads

        words = self._tokenize(queries, return_ids=False, show_progress=False)
        rows, scores = self._index.retrieve(
            words, k=min(k, len(self._texts)), show_progress=False, n_threads=get_num_threads()
        )
        return [
            [(self._texts[row], float(score)) for row, score in zip(found, own, strict=True) if score > 0]
            for found, own in zip(rows.tolist(), np.asarray(scores).tolist(), strict=True)
        ]
