"""The lexical part of a score: which words of a query a document has, whatever their vectors say.

    lexical(q, d) = λ · size(q) · Σ_{words that q and d share} weight(word) / Σ_{words of q} weight(word)
    weight(word) = √|q_word| · ln(1 + (N − n + ½) / (n + ½))²

A word counts once, however often it stands in a text. |q_word| is the length of its vector in the query, by which a
model says how much it matters there. n of N documents have it. size(q) is the largest score that vectors of unit length
can give, so that λ weighs two numbers of one range.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..word_vectors import WordVectors


@dataclass(frozen=True)
class LexicalQueries:
    """What documents add to their scores by having words of queries.

    Attributes:
        word_ids: Uint32 `[n_words]`, the different words of each query, one query after the other; none is 0.
        weights: Float32 `[n_words]`, what each of them adds.
        offsets: Int64 `[n_queries + 1]`; query i owns the words `offsets[i]:offsets[i + 1]`.
    """

    word_ids: NDArray[np.uint32]
    weights: NDArray[np.float32]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, key: slice) -> LexicalQueries:
        """The queries `key.start:key.stop`."""
        start, stop, _ = key.indices(len(self))
        first, last = self.offsets[start], self.offsets[stop]
        return LexicalQueries(
            self.word_ids[first:last], self.weights[first:last], self.offsets[start : stop + 1] - first
        )

    def known(self, vocabulary: NDArray[np.uint32]) -> tuple[WordsOfQueries, NDArray[np.int64]]:
        """Those of the words that are in an ascending vocabulary, and their places in it, ascending, each once."""
        places = np.minimum(np.searchsorted(vocabulary, self.word_ids), max(len(vocabulary) - 1, 0))
        found = np.flatnonzero(vocabulary[places] == self.word_ids) if len(vocabulary) else np.zeros(0, np.int64)
        order = found[np.argsort(places[found], kind="stable")]
        different, firsts = np.unique(places[order], return_index=True)
        owners = np.repeat(np.arange(len(self)), np.diff(self.offsets))[order]
        return WordsOfQueries(np.append(firsts, len(order)), owners, self.weights[order]), different


@dataclass(frozen=True)
class WordsOfQueries:
    """Words, and which queries have each of them.

    Attributes:
        starts: Int64 `[n_words + 1]`; word i has the entries `starts[i]:starts[i + 1]`.
        owners: Int64 `[n_entries]`, numbers of queries.
        weights: Float32 `[n_entries]`, what the word adds for the query.
    """

    starts: NDArray[np.int64]
    owners: NDArray[np.int64]
    weights: NDArray[np.float32]


@dataclass(frozen=True)
class QueryWords:
    """The different words of queries, ascending in each; words of identity 0 are left out.

    Attributes:
        word_ids: Uint32 `[n_words]`.
        lengths: Float64 `[n_words]`, of their vectors.
        offsets: Int64 `[n_queries + 1]`; query i owns the words `offsets[i]:offsets[i + 1]`.
        sizes: Float64 `[n_queries]`, the largest score that each query can have with vectors of unit length.
    """

    word_ids: NDArray[np.uint32]
    lengths: NDArray[np.float64]
    offsets: NDArray[np.int64]
    sizes: NDArray[np.float64]

    @classmethod
    def of(cls, queries: WordVectors, summary_weight: float) -> QueryWords:
        """The words of queries; the summaries have that share of a score."""
        owners, known = np.repeat(np.arange(len(queries)), queries.counts), queries.word_ids > 0
        lengths, n = np.linalg.norm(queries.vectors, axis=1).astype(np.float64), len(queries)
        sizes = np.bincount(owners, lengths, minlength=n).astype(np.float64)
        if queries.summary is not None and summary_weight:
            sizes = (1 - summary_weight) * sizes + summary_weight * np.linalg.norm(queries.summary, axis=1)
        keys, places = np.unique(owners[known] << 32 | queries.word_ids[known], return_inverse=True)
        return cls(
            (keys & 0xFFFFFFFF).astype(np.uint32),
            np.bincount(places, lengths[known], minlength=len(keys)).astype(np.float64),
            np.searchsorted(keys >> 32, np.arange(n + 1)).astype(np.int64),
            sizes,
        )

    def weighted(self, n_with: NDArray[np.int64], n: int, weight: float) -> LexicalQueries:
        """What documents add by having the words.

        Args:
            n_with: Int64 `[n_words]`, how many documents have each of them.
            n: How many documents there are.
            weight: λ.
        """
        parts = np.sqrt(self.lengths) * np.log1p((n - n_with + 0.5) / (n_with + 0.5)) ** 2
        owners = np.repeat(np.arange(len(self.sizes)), np.diff(self.offsets))
        totals = np.bincount(owners, parts, minlength=len(self.sizes))
        shares = weight * self.sizes / np.where(totals > 0, totals, 1)
        return LexicalQueries(self.word_ids, (parts * shares[owners]).astype(np.float32), self.offsets)
