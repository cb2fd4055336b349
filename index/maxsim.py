"""Exact late interaction on ragged documents: Σ over query words of the best inner product with a document word.

`maxsim` compares all pairs of words, `exact_maxsim` only those of the same identity, for models with so few dims that
other pairs say nothing (Uni-ColBERTer).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .errors import InputError
from .parallel import run_in_blocks
from .word_vectors import WordVectors

# Query words that the kernel compares with one document word in a row; a multiple of 4.
_QUERY_BLOCK = 16
# Places of a table for each identity in it: with most of them empty, one look tells a word that no query has.
_PLACES = 16


def maxsim(queries: WordVectors, vectors: NDArray[np.float32], offsets: NDArray[np.int64]) -> NDArray[np.float32]:
    """The words' part of the score of every query with every document, float32 `[n_queries, n_documents]`.

    vectors: float32 `[n_words, dim]`. offsets: int64 `[n_documents + 1]`. A document without words scores 0.
    Raises InputError when the dims differ.
    """
    _check_dims(queries, vectors)
    scores = np.zeros((len(queries), len(offsets) - 1), np.float32)
    n_words = len(queries.vectors)
    # The kernel takes four query words at a time.
    padded = np.zeros((-(-n_words // 4) * 4, queries.dim), np.float32)
    padded[:n_words] = queries.vectors
    documents = np.ascontiguousarray(vectors, np.float32)

    def block(first: int, last: int) -> None:
        _maxsim(padded, queries.offsets, documents, offsets, first, last, scores)

    run_in_blocks(block, offsets * max(n_words, 1))
    return scores


def shared_words(queries: WordVectors, word_ids: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Which of the document words, by `word_ids` `[n_words]`, are words of some query: their places, ascending.

    All others add nothing to an exact match, so that their vectors need not be read. Identity 0 is no word's.
    """
    keys, _ = _table(np.unique(queries.word_ids))
    ids, shared = np.asarray(word_ids), np.zeros(len(word_ids), np.bool_)
    run_in_blocks(lambda first, last: _shared(keys, ids, first, last, shared), np.arange(len(ids) + 1))
    return np.flatnonzero(shared)


def exact_maxsim(
    queries: WordVectors, vectors: NDArray[np.float32], offsets: NDArray[np.int64], word_ids: NDArray[np.uint32]
) -> NDArray[np.float32]:
    """The words' part of the score where only identical words match, float32 `[n_queries, n_documents]`.

    For each query word the best inner product with a document word of the same identity, at least 0; words of identity
    0 match none (Uni-ColBERTer: the best pair counts, and one of different words is 0).
    vectors: float32 `[n_words, dim]`, word_ids: uint32 `[n_words]`, of all document words, or only of the shared ones.
    offsets: int64 `[n_documents + 1]`. Raises InputError when the dims differ.
    """
    _check_dims(queries, vectors)
    scores = np.zeros((len(queries), len(offsets) - 1), np.float32)
    # Query words of one identity lie together, from starts[i] to starts[i + 1].
    order = np.argsort(queries.word_ids, kind="stable")
    known, firsts = np.unique(queries.word_ids[order], return_index=True)
    starts = np.append(firsts, len(order))
    texts = np.repeat(np.arange(len(queries)), queries.counts)[order]
    asked = np.ascontiguousarray(queries.vectors[order], np.float32)
    documents, ids = np.ascontiguousarray(vectors, np.float32), np.asarray(word_ids)
    table = _table(known)

    def block(first: int, last: int) -> None:
        _exact_maxsim(asked, starts, texts, *table, documents, ids, offsets, first, last, scores)

    run_in_blocks(block, offsets)
    return scores


def _check_dims(queries: WordVectors, vectors: NDArray[np.float32]) -> None:
    if queries.dim != vectors.shape[1]:
        raise InputError(f"the query has {queries.dim} dims, the documents {vectors.shape[1]}; use one model for both")


@njit(nogil=True, fastmath=True, cache=True)
def _maxsim(query, query_offsets, vectors, offsets, first, last, scores):  # type: ignore[no-untyped-def]
    n_padded, dim = query.shape
    best = np.empty(n_padded, np.float32)
    for document in range(first, last):
        if offsets[document] == offsets[document + 1]:
            continue
        best[:] = -np.float32(3.0e38)
        # A block of query words stays in the nearest cache while all words of the document pass by.
        for start in range(0, n_padded, _QUERY_BLOCK):
            for word in range(offsets[document], offsets[document + 1]):
                for q in range(start, min(start + _QUERY_BLOCK, n_padded), 4):
                    s0 = np.float32(0)
                    s1 = np.float32(0)
                    s2 = np.float32(0)
                    s3 = np.float32(0)
                    for k in range(dim):
                        value = vectors[word, k]
                        s0 += query[q, k] * value
                        s1 += query[q + 1, k] * value
                        s2 += query[q + 2, k] * value
                        s3 += query[q + 3, k] * value
                    best[q] = max(best[q], s0)
                    best[q + 1] = max(best[q + 1], s1)
                    best[q + 2] = max(best[q + 2], s2)
                    best[q + 3] = max(best[q + 3], s3)
        for text in range(len(query_offsets) - 1):
            total = np.float32(0)
            for q in range(query_offsets[text], query_offsets[text + 1]):
                total += best[q]
            scores[text, document] = total


def _table(ids: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """A hash table of different identities, their numbers in `ids` as values; 0 is an empty place, and in no table."""
    size = 1 << (len(ids) * _PLACES).bit_length()
    keys, values = np.zeros(size, np.uint32), np.full(size, -1, np.int64)
    _fill(ids, keys, values)
    return keys, values


@njit(nogil=True, cache=True)
def _fill(ids, keys, values):  # type: ignore[no-untyped-def]
    for number in range(len(ids)):
        if ids[number]:
            place = _place(keys, ids[number])
            keys[place] = ids[number]
            values[place] = number


@njit(nogil=True, cache=True, inline="always")
def _place(keys, id):  # type: ignore[no-untyped-def]
    """Where an identity is in a table, or the empty place that says that it is not."""
    place = (id ^ (id >> 16)) & (len(keys) - 1)
    while keys[place] != id and keys[place]:
        place = (place + 1) & (len(keys) - 1)
    return place


@njit(nogil=True, cache=True)
def _shared(keys, word_ids, first, last, shared):  # type: ignore[no-untyped-def]
    for word in range(first, last):
        shared[word] = keys[_place(keys, word_ids[word])] != 0


@njit(nogil=True, fastmath=True, cache=True)
def _exact_maxsim(query, starts, texts, keys, values, vectors, word_ids, offsets, first, last, scores):  # type: ignore[no-untyped-def]
    n_query, dim = query.shape
    best = np.zeros(n_query, np.float32)
    touched = np.empty(n_query, np.int64)
    for document in range(first, last):
        n = 0
        for word in range(offsets[document], offsets[document + 1]):
            number = values[_place(keys, word_ids[word])]
            if number < 0:
                continue
            for q in range(starts[number], starts[number + 1]):
                product = np.float32(0)
                for k in range(dim):
                    product += query[q, k] * vectors[word, k]
                if product > best[q]:
                    if best[q] == 0:
                        touched[n] = q
                        n += 1
                    best[q] = product
        for place in range(n):
            q = touched[place]
            scores[texts[q], document] += best[q]
            best[q] = 0
