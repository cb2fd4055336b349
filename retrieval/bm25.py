"""BM25 over texts in memory."""

from __future__ import annotations

from collections.abc import Sequence

import bm25s
import numpy as np
from numpy.typing import NDArray

from wordhive.index import InputError


class Bm25:
    """BM25 as Lucene scores it, by the library bm25s with its defaults: k1 1.5, b 0.75.

    Words are lower-cased, not stemmed; single letters and English stop words are left out. Raises InputError where no
    text has another word.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._index = bm25s.BM25(backend="numba")
        words = bm25s.tokenize(list(texts), show_progress=False)
        if not words.vocab:
            raise InputError(f"none of the {len(texts):,} texts has a word that BM25 counts; it needs texts of words")
        self._index.index(words, show_progress=False)

    def scores(self, query: str) -> NDArray[np.float32]:
        """The score of every text, float32 `[n_texts]`; 0 where it shares no word with the query."""
        words = bm25s.tokenize([query], return_ids=False, show_progress=False)[0]
        if not words:
            return np.zeros(len(self._texts), np.float32)
        return np.asarray(self._index.get_scores(words), np.float32)

    def search(self, queries: list[str], k: int) -> list[list[tuple[str, float]]]:
        """Up to k texts that share words with each query, best first, with their scores."""
        from numba import get_num_threads

        words = bm25s.tokenize(queries, return_ids=False, show_progress=False)
        rows, scores = self._index.retrieve(
            words, k=min(k, len(self._texts)), show_progress=False, n_threads=get_num_threads()
        )
        return [
            [(self._texts[row], float(score)) for row, score in zip(found, own, strict=True) if score > 0]
            for found, own in zip(rows.tolist(), np.asarray(scores).tolist(), strict=True)
        ]
