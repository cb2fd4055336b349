"""Exact late interaction where only identical words match, for models with so few dims that others say nothing.

Uni-ColBERTer (Hofstätter et al. 2022): a query word's best inner product with a document word of its own identity.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..threads import run_in_blocks
from ..word_vectors import WordVectors
from .maxsim import check_dims

# Places of a table for each identity in it: with most of them empty, one look tells a word that no query has.
_PLACES = 16


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

    Args:
        vectors: float32 `[n_words, dim]`, word_ids: uint32 `[n_words]`, of all document words, or only of the
            shared ones.
        offsets: int64 `[n_documents + 1]`.

    Raises:
        InputError: The dims differ.
    """
    check_dims(queries, vectors)
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
