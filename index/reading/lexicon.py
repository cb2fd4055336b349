"""`Lexicon`: how many documents of a snapshot have a word, and which documents have a rare one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..lexical.lexical_queries import LexicalQueries, QueryWords
from ..scoring.scores import best
from ..storage.inverted_lists import count_documents
from ..storage.segment import Segment
from ..word_vectors import WordVectors
from .tombstones import Tombstones


class Lexicon:
    """The words of all documents that are not deleted.

    Args:
        segments: Of the snapshot, open.
        tombstones: Which of their documents are deleted.
    """

    def __init__(self, segments: Sequence[Segment], tombstones: Tombstones) -> None:
        self._segments = segments
        self._tombstones = tombstones

    def queries(self, queries: WordVectors, weight: float, summary_weight: float) -> LexicalQueries:
        """What each word of each query adds to the score of a document that has it.

        Args:
            queries: The queries.
            weight: λ.
            summary_weight: The summary's share of a score.
        """
        words = QueryWords.of(queries, summary_weight)
        n = sum(segment.record.n_documents for segment in self._segments) - len(self._tombstones)
        return words.weighted(self.frequencies(words.word_ids), n, weight)

    def frequencies(self, word_ids: NDArray[np.uint32]) -> NDArray[np.int64]:
        """How many documents have each word, int64 `[n_words]`."""
        total = np.zeros(len(word_ids), np.int64)
        for segment, deleted in zip(self._segments, self._deleted, strict=True):
            places = segment.inverted.places(word_ids)
            known = places >= 0
            total[known] += segment.inverted.counts[places[known]]
            if deleted is not None:
                total[known] -= deleted[places[known]]
        return total

    def with_rare(
        self, found: NDArray[np.int64], query: LexicalQueries, n: int, rows: NDArray[np.int64] | None
    ) -> NDArray[np.int64]:
        """The rows that were found, and behind them those of up to n documents that have rare words of the query.

        Args:
            rows: Rows that may be found, ascending; None: all.
        """
        rare = best(self._rare(query, rows), n)
        return np.concatenate([found, rare[~np.isin(rare, found)]]) if len(rare) else found

    def _rare(
        self, query: LexicalQueries, rows: NDArray[np.int64] | None
    ) -> list[tuple[NDArray[np.float32], NDArray[np.int64]]]:
        """What rare words of a query add to documents, and the rows of these, for each segment."""
        found = []
        for segment in self._segments:
            documents, words = segment.inverted.listed(query.word_ids)
            if not len(documents):
                continue
            numbers, owners = np.unique(documents, return_inverse=True)
            adds = np.bincount(owners, query.weights[words]).astype(np.float32)
            of_rows = segment.rows[numbers]
            live = self._tombstones.live_among(segment, of_rows if rows is None else np.intersect1d(of_rows, rows))
            found.append((adds[np.searchsorted(numbers, live)], segment.rows[live]))
        return found

    @cached_property
    def _deleted(self) -> list[NDArray[np.int32] | None]:
        """For each segment how many deleted documents have each word of its vocabulary; None where none is deleted."""
        return [
            count_documents(segment.word_ids, segment.offsets, self._tombstones.deleted(segment))
            if self._tombstones.count(segment.record)
            else None
            for segment in self._segments
        ]
