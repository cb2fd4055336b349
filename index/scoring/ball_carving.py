"""Ball carving (MUVERA, section 3.2): fewer query words to score with, each the sum of some that lie close together."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np
from numba import njit

from ..arguments import instance, shown
from ..errors import InputError
from ..word_vectors import WordVectors


def carve(queries: WordVectors, threshold: float) -> WordVectors:
    """Join query words to clusters: the first remaining word, and all words whose inner product with it is large.

    A cluster is the sum of its words, and has the id of the first. Scores of carved queries are lower bounds:
    Σ over clusters max_p ⟨Σq, p⟩ ≤ Σ_q max_p ⟨q, p⟩.

    Args:
        queries: The queries.
        threshold: The least inner product of words to be joined.

    Raises:
        InputError: The threshold is no number.
    """
    instance(queries, "the queries", WordVectors, "WordVectors, as WordVectors.from_list() makes them")
    least = _checked(threshold)
    vectors, offsets = np.ascontiguousarray(queries.vectors, np.float32), queries.offsets
    carved = np.zeros_like(vectors)
    firsts = np.zeros(len(vectors), np.int64)
    ends = np.zeros_like(offsets)
    _carve(vectors, offsets, least, carved, firsts, ends)
    n = ends[-1]
    return WordVectors(carved[:n], ends, queries.word_ids[firsts[:n]], queries.summary)


def _checked(threshold: Any) -> float:
    try:
        least = math.nan if isinstance(threshold, bool) or not isinstance(threshold, Real) else float(threshold)
    except OverflowError:
        least = math.nan
    if math.isnan(least):
        raise InputError(
            f"the threshold of ball carving is {shown(threshold)}; expected the least inner product of query words to "
            "be joined, such as 0.7, or leave it out to score every word by itself"
        )
    return least


# No fastmath: it knows no infinite thresholds, and sums in another order may land on the other side of one.
@njit(nogil=True, cache=True)
def _carve(vectors, offsets, threshold, carved, firsts, ends):  # type: ignore[no-untyped-def]
    n_words, dim = vectors.shape
    joined = np.zeros(n_words, np.bool_)
    n = 0
    for text in range(len(offsets) - 1):
        for first in range(offsets[text], offsets[text + 1]):
            if joined[first]:
                continue
            firsts[n] = first
            carved[n] = vectors[first]
            for word in range(first + 1, offsets[text + 1]):
                if joined[word]:
                    continue
                product = 0.0
                for k in range(dim):
                    product += np.float64(vectors[first, k]) * vectors[word, k]
                if product >= threshold:
                    joined[word] = True
                    for k in range(dim):
                        carved[n, k] += vectors[word, k]
            n += 1
        ends[text + 1] = n
