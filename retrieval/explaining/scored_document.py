"""`ScoredDocument`: the vectors of a document beside those of a query, and the window that gives it its score."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordhive.index import Index, InputError, WordVectors
from wordhive.index.lexical.lexical_queries import LexicalQueries

from ..encoder import Encoder
from ..encoding_model import Span
from .alignment import identified


@dataclass(frozen=True)
class ScoredDocument:
    """What the index holds of one document, beside a query.

    Attributes:
        stored: The document's vectors, with word ids.
        text: Its text, where that is stored.
        query_summary: The query's summary `[1, summary_dim]`, or None.
        summary_weight: W of the score; 0 where there is no summary.
        similarities: Float32 `[n_query_words, n_document_words]`, all inner products.
        same: The pairs of identical words, where only they meet; None: all meet.
        lexical: What the query's words add where they stand in a document as they are; None: nothing.
    """

    stored: WordVectors
    text: str | None
    query_summary: NDArray[np.float32] | None
    summary_weight: float
    similarities: NDArray[np.float32]
    same: NDArray[np.bool_] | None
    lexical: LexicalQueries | None

    @classmethod
    def of(
        cls,
        query: WordVectors,
        stored: WordVectors,
        text: str | None,
        summary_weight: float,
        exact_match: bool,
        lexical: LexicalQueries | None = None,
    ) -> ScoredDocument:
        """A document with its vectors beside a query's; see the attributes."""
        same = _same_words(query, stored) if exact_match else None
        products = query.vectors @ stored.vectors.T
        return cls(stored, text, query.summary, summary_weight, products, same, lexical)

    def best_window(self) -> tuple[NDArray[np.int64], NDArray[np.float64], float]:
        """What the best window adds: as `best_matches`, with the product of the summaries behind it."""
        return self._windows[self._best]

    def window_span(self, encoder: Encoder) -> Span | None:
        """The characters `[start, end)` of the best of several windows; None for a document of one window."""
        if self.text is None or len(self._windows) < 2:
            return None
        spans, _ = encoder.windows(self.text, "document")
        return spans[self._best] if len(spans) == len(self._windows) else None

    @cached_property
    def _windows(self) -> list[tuple[NDArray[np.int64], NDArray[np.float64], float]]:
        windows = self.stored.windows
        if windows is None or not len(windows):
            return [self._matches(slice(None), self.stored.summary)]
        summary = windows.summary
        return [
            self._matches(
                windows.words[windows.offsets[number] : windows.offsets[number + 1]],
                None if summary is None else summary[number : number + 1],
            )
            for number in range(len(windows))
        ]

    @cached_property
    def _best(self) -> int:
        weight = self.summary_weight
        return int(np.argmax([(1 - weight) * words.sum() + weight * summary for _, words, summary in self._windows]))

    def _matches(
        self, words: Any, summary: NDArray[np.float32] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], float]:
        rows = np.arange(self.similarities.shape[1])[words]
        same = None if self.same is None else self.same[:, words]
        places, products = best_matches(self.similarities[:, words], same)
        places = np.append(rows, -1)[places]
        return places, products, _summaries_product(self.query_summary, summary)


def scored_document(
    index: Index, encoder: Encoder, vectors: WordVectors, id: str, *, encode: bool = True
) -> ScoredDocument:
    """The document with that id beside a query's vectors; see `explain`.

    Raises:
        InputError: An id that the index does not hold.
    """
    now = index.snapshot()
    if id not in now.rows([id]):  # another process may have added it since
        index.reload()
        now = index.snapshot()
    row = now.rows([id]).get(id)
    if row is None:
        raise InputError(f"{index.path} holds no document {id!r}; give an id as wordhive search prints it")
    stored, text = now.vectors(np.array([row])), now.documents([row])[row].text
    if encode and not index.settings.config.word_ids and text is not None:
        stored = identified(stored, encoder, text)
    weight = index.settings.summary_weight if index.summary_dim else 0.0
    return ScoredDocument.of(vectors, stored, text, weight, index.settings.exact_match, now.lexical(vectors))


def _same_words(query: WordVectors, document: WordVectors) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = (query.word_ids[:, None] == document.word_ids) & (document.word_ids > 0)
    return same


def best_matches(
    similarities: NDArray[np.float32], same: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each query word its best document word (−1: none), int64 `[n]`, and their product, float64 `[n]`.

    Args:
        similarities: `[n, m]`, of all pairs.
        same: Where given, only these pairs meet, and none adds less than 0.
    """
    found = similarities.astype(np.float64)
    if same is not None:
        found = np.maximum(np.where(same, found, 0), 0)
    if not found.shape[1]:
        return np.full(len(found), -1, np.int64), np.zeros(len(found))
    best = found.argmax(axis=1)
    products = np.take_along_axis(found, best[:, None], axis=1)[:, 0]
    met = np.ones(len(found), np.bool_) if same is None else products > 0
    return np.where(met, best, -1), products


def _summaries_product(query: NDArray[np.float32] | None, document: NDArray[np.float32] | None) -> float:
    if query is None or document is None:
        return 0.0
    return float(query[0].astype(np.float64) @ document[0].astype(np.float64))
