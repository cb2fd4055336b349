"""The second stage on one segment: exact scores of documents from their codes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .maxsim import exact_maxsim, maxsim, shared_words
from .parameters import Parameters
from .scores import Scores
from .segment import Segment
from .word_vectors import WordVectors, ragged_rows


def score_documents(
    queries: WordVectors,
    segment: Segment,
    parameters: Parameters,
    documents: NDArray[np.int64],
    summary_weight: float,
    *,
    exact_match: bool,
) -> list[Scores]:
    """One `Scores` a query, of a segment's `documents`: their numbers within it, ascending.

    summary_weight: the summary's share of a score; the words have the rest. exact_match: only identical words match.
    """
    words = _words(queries, segment, parameters, documents, exact_match) * np.float32(1 - summary_weight)
    summary = np.zeros_like(words)
    if summary_weight and queries.summary is not None:
        assert parameters.summaries is not None
        decoded = parameters.summaries.decode(segment.summaries[documents])
        summary = queries.summary @ decoded.T * np.float32(summary_weight)
    rows = segment.rows[documents]
    return [Scores(rows, *parts) for parts in zip(words, summary, strict=True)]


def _words(
    queries: WordVectors, segment: Segment, parameters: Parameters, documents: NDArray[np.int64], exact_match: bool
) -> NDArray[np.float32]:
    places: slice | NDArray[np.int64]
    if len(documents) and documents[-1] - documents[0] == len(documents) - 1:  # a range: read it without a gather
        first, last = segment.offsets[documents[0]], segment.offsets[documents[-1] + 1]
        places, offsets = slice(first, last), segment.offsets[documents[0] : documents[-1] + 2] - first
    else:
        places, offsets = ragged_rows(segment.offsets, documents)
    if not exact_match:
        return maxsim(queries, parameters.words.decode(segment.words[places]), offsets)
    # Of most words the identity is all that is read: a vector is decoded only where it matches.
    word_ids = segment.word_ids_of(documents, offsets)
    shared = shared_words(queries, word_ids)
    codes = segment.words[shared + places.start if isinstance(places, slice) else places[shared]]
    return exact_maxsim(queries, parameters.words.decode(codes), np.searchsorted(shared, offsets), word_ids[shared])
