"""The second stage on one segment: exact scores of documents from their codes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .code_scores import code_scores
from .codecs import ByteSteps, Codec, CodeParts, Floats
from .exact_match import exact_maxsim, shared_words
from .maxsim import maxsim, maxsim_of
from .parameters import Parameters
from .scores import Scores
from .segment import Segment
from .summary_scores import summary_scores
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
        summary = summary_scores(queries.summary, parameters.summaries, segment.summaries[documents])
        summary *= np.float32(summary_weight)
    rows = segment.rows[documents]
    return [Scores(rows, *parts) for parts in zip(words, summary, strict=True)]


def _words(
    queries: WordVectors, segment: Segment, parameters: Parameters, documents: NDArray[np.int64], exact_match: bool
) -> NDArray[np.float32]:
    codec = parameters.words
    starts, ends = segment.offsets[documents], segment.offsets[documents + 1]
    if exact_match:
        return _exact_words(queries, segment, codec, documents)
    if isinstance(codec.layout, (CodeParts, ByteSteps)):
        return code_scores(queries, codec.layout, segment.words, starts, ends)
    if isinstance(codec.layout, Floats):
        return maxsim_of(queries, segment.words.view(np.float32), starts, ends)
    words, offsets = ragged_rows(segment.offsets, documents)
    return maxsim(queries, codec.decode(segment.words[words]), offsets)


def _exact_words(
    queries: WordVectors, segment: Segment, codec: Codec, documents: NDArray[np.int64]
) -> NDArray[np.float32]:
    words, offsets = ragged_rows(segment.offsets, documents)
    # Of most words the identity is all that is read: a vector is decoded only where it matches.
    word_ids = segment.word_ids_of(documents, offsets)
    shared = shared_words(queries, word_ids)
    codes = segment.words[words[shared]]
    return exact_maxsim(queries, codec.decode(codes), np.searchsorted(shared, offsets), word_ids[shared])
