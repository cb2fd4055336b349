"""Exact late interaction on ragged documents: Σ over query words of the best inner product with a document word.

Query words lie side by side in lanes: one instruction multiplies a number of a document word with many of them. The
sums of several document words stay in registers; see `simd`. Where only identical words match, see `exact_match`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..errors import InputError
from ..simd.instructions import LANES
from ..simd.tiles import MOST_GROUPS, TILE_WORDS, aligned, tile_of_1, tile_of_2, tile_of_3, tile_of_4
from ..threads import run_in_blocks
from ..word_vectors import WordVectors
from .code_spans import CodeSpans

_GROUP_BYTES = 4 * LANES
_WORDS_1, _WORDS_2, _WORDS_3, _WORDS_4 = TILE_WORDS


@dataclass(frozen=True)
class QueryLanes:
    """The words of several queries, one query after the other, in groups of `LANES`; zeros fill up the last group.

    Attributes:
        numbers: Float32 `[n_groups · dim · LANES]`; up to `MOST_GROUPS` groups lie together, `[dim, groups · LANES]`.
        offsets: Int64 `[n_queries + 1]`; query i owns the words `offsets[i]:offsets[i + 1]`.
        n_groups: Number of groups.
    """

    numbers: NDArray[np.float32]
    offsets: NDArray[np.int64]
    n_groups: int

    @classmethod
    def pack(cls, words: NDArray[np.float32], offsets: NDArray[np.int64]) -> QueryLanes:
        """words: float32 `[n_words, dim]`."""
        n_words, dim = words.shape
        n_groups = -(-n_words // LANES)
        filled = np.zeros((n_groups * LANES, dim), np.float32)
        filled[:n_words] = words
        numbers, most = aligned(filled.size), MOST_GROUPS * LANES
        for first in range(0, len(filled), most):
            block = filled[first : first + most]
            numbers[first * dim : first * dim + block.size].reshape(dim, len(block))[:] = block.T
        return cls(numbers, offsets, n_groups)


def maxsim(queries: WordVectors, vectors: NDArray[np.float32], offsets: NDArray[np.int64]) -> NDArray[np.float32]:
    """The words' part of the score of every query with every document, float32 `[n_queries, n_documents]`.

    Args:
        vectors: float32 `[n_words, dim]`.
        offsets: int64 `[n_documents + 1]`. A document without words scores 0.

    Raises:
        InputError: The dims differ.
    """
    check_dims(queries, vectors)
    documents = np.ascontiguousarray(vectors, np.float32)
    return float_scores(queries, CodeSpans.of([(documents, offsets[:-1], offsets[1:])]))


def float_scores(queries: WordVectors, documents: CodeSpans) -> NDArray[np.float32]:
    """As `maxsim`, for documents whose words are float32 vectors anywhere in memory."""
    lanes = QueryLanes.pack(queries.vectors, queries.offsets)
    scores = np.zeros((len(queries), len(documents)), np.float32)
    query, spans = (lanes.numbers.ctypes.data, lanes.n_groups, lanes.offsets), (documents.addresses, documents.counts)

    def block(first: int, last: int) -> None:
        _maxsim(*query, *spans, queries.dim, first, last, scores)

    run_in_blocks(block, documents.work(lanes.n_groups))
    return scores


def check_dims(queries: WordVectors, vectors: NDArray[np.float32]) -> None:
    """Raise InputError where queries and documents, `[n, dim]`, are of different dims."""
    if queries.dim != vectors.shape[1]:
        raise InputError(f"the query has {queries.dim} dims, the documents {vectors.shape[1]}; use one model for both")


@njit(nogil=True, cache=True)
def _maxsim(lanes, n_groups, query_offsets, addresses, counts, dim, first, last, scores):  # type: ignore[no-untyped-def]
    best = np.empty(n_groups * LANES, np.float32)
    for document in range(first, last):
        if counts[document]:
            best[:] = -np.inf
            raise_best(best.ctypes.data, lanes, n_groups, addresses[document], 4 * dim, counts[document], dim)
            add_up(best, query_offsets, document, scores)


@njit(nogil=True, cache=True)
def raise_best(best, lanes, n_groups, words, stride, n_words, dim):  # type: ignore[no-untyped-def]
    """Raise the best product of each query word to those with a document's words.

    Args:
        best: Address of float32 `[n_groups · LANES]`, the best products so far.
        lanes: Address of `QueryLanes.numbers`.
        n_groups: Number of groups of query words.
        words: Address of the first document word.
        stride: Bytes from one document word to the next.
        n_words: Number of document words.
        dim: Dims of a word.
    """
    group = 0
    while group < n_groups:
        taken = min(MOST_GROUPS, n_groups - group)
        query, at = lanes + group * dim * _GROUP_BYTES, best + group * _GROUP_BYTES
        if taken == 4:
            for word in range(0, n_words, _WORDS_4):
                tile_of_4(at, query, words, stride, word, n_words - 1, dim)
        elif taken == 3:
            for word in range(0, n_words, _WORDS_3):
                tile_of_3(at, query, words, stride, word, n_words - 1, dim)
        elif taken == 2:
            for word in range(0, n_words, _WORDS_2):
                tile_of_2(at, query, words, stride, word, n_words - 1, dim)
        else:
            for word in range(0, n_words, _WORDS_1):
                tile_of_1(at, query, words, stride, word, n_words - 1, dim)
        group += taken


@njit(nogil=True, cache=True)
def add_up(best, query_offsets, document, scores):  # type: ignore[no-untyped-def]
    """Write a document's score for each query: the sum of the best products of the query's words."""
    for query in range(len(query_offsets) - 1):
        total = np.float32(0)
        for word in range(query_offsets[query], query_offsets[query + 1]):
            total += best[word]
        scores[query, document] = total
