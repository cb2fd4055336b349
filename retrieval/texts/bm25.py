"""BM25 over texts that are read once, one after the other."""

from __future__ import annotations

from collections.abc import Iterable

import bm25s
import numpy as np
import snowballstemmer
from numpy.typing import NDArray

from wordhive.index import InputError


class Bm25:
    """BM25 as Lucene scores it, by the library bm25s.

    Words are lower-cased; single letters and English stop words are left out.

    Args:
        stemmer: A language of Snowball's, such as "english"; None leaves words as they are.

    Raises:
        InputError: A language that Snowball has not, and where no text has another word.
    """

    def __init__(self, texts: Iterable[str], *, stemmer: str | None = None, k1: float = 1.5, b: float = 0.75) -> None:
        if stemmer is not None and stemmer not in (languages := snowballstemmer.algorithms()):
            raise InputError(f"no stemmer {stemmer!r}; choose one of {', '.join(sorted(languages))}, or none")
        self._stem = None if stemmer is None else snowballstemmer.stemmer(stemmer).stemWords
        self._index = bm25s.BM25(backend="numba", k1=k1, b=b)
        # It says that it wants a list, and goes through it once: only numbers of words are held.
        words = bm25s.tokenize(texts, stemmer=self._stem, show_progress=False)
        self._n_texts = len(words.ids)
        if not words.vocab:
            raise InputError(
                f"none of the {self._n_texts:,} texts has a word that BM25 counts; it needs texts of words"
            )
        self._index.index(words, show_progress=False)

    @property
    def n_bytes(self) -> int:
        """Bytes of its postings, the vocabulary left out."""
        return sum(part.nbytes for part in self._index.scores.values() if isinstance(part, np.ndarray))

    def scores(self, query: str) -> NDArray[np.float32]:
        """The score of every text, float32 `[n_texts]`; 0 where it shares no word with the query."""
        words = self._tokens([query])[0]
        if not words:
            return np.zeros(self._n_texts, np.float32)
        return np.asarray(self._index.get_scores(words), np.float32)

    def _tokens(self, queries: list[str]) -> list[list[str]]:
        words: list[list[str]] = bm25s.tokenize(queries, stemmer=self._stem, return_ids=False, show_progress=False)
        return words

    def search(self, queries: list[str], k: int) -> list[list[tuple[int, float]]]:
        """Rows of up to k texts that share words with each query, best first, with their scores; none for a query
        without words."""
        from numba import get_num_threads

        words = self._tokens(queries)
        asked = [number for number, own in enumerate(words) if own]
        results: list[list[tuple[int, float]]] = [[] for _ in queries]
        if not asked:
            return results
        # bm25s refuses a batch whose first query has no word.
        rows, scores = self._index.retrieve(
            [words[number] for number in asked],
            k=min(k, self._n_texts),
            show_progress=False,
            n_threads=get_num_threads(),
        )
        for number, found, own in zip(asked, rows.tolist(), np.asarray(scores).tolist(), strict=True):
            results[number] = [(row, float(score)) for row, score in zip(found, own, strict=True) if score > 0]
        return results
