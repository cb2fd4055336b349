"""Exact late interaction where only identical words match, for models of one dim, say: Uni-ColBERTer.

A query word counts by its best inner product with a document word of the same identity (Hofstätter et al. 2022).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..lexical.identities import identity_table, slot
from ..threads import run_in_blocks
from ..word_vectors import WordVectors
from .maxsim import check_dims


def shared_words(queries: WordVectors, word_ids: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Which of the document words, by `word_ids` `[n_words]`, are words of some query: their positions, ascending.

    All other words add nothing to an exact match, so their vectors need not be read. Identity 0 matches none.
    """
    keys, _ = identity_table(np.unique(queries.word_ids))
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
    query = np.ascontiguousarray(queries.vectors[order], np.float32)
    documents, ids = np.ascontiguousarray(vectors, np.float32), np.asarray(word_ids)
    table = identity_table(known)

    def block(first: int, last: int) -> None:
        _exact_maxsim(query, starts, texts, *table, documents, ids, offsets, first, last, scores)

    run_in_blocks(block, offsets)
    return scores


@njit(nogil=True, cache=True)
def _shared(keys, word_ids, first, last, shared):  # type: ignore[no-untyped-def]
    for word in range(first, last):
        shared[word] = keys[slot(keys, word_ids[word])] != 0


@njit(nogil=True, fastmath=True, cache=True)
def _exact_maxsim(query, starts, texts, keys, values, vectors, word_ids, offsets, first, last, scores):  # type: ignore[no-untyped-def]
    n_query, dim = query.shape
    best = np.zeros(n_query, np.float32)
    touched = np.empty(n_query, np.int64)
    for document in range(first, last):
        n = 0
        for word in range(offsets[document], offsets[document + 1]):
            number = values[slot(keys, word_ids[word])]
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
        for i in range(n):
            q = touched[i]
            scores[texts[q], document] += best[q]
            best[q] = 0
