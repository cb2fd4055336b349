"""The second stage: exact scores of documents from their codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..codecs import Codec
from ..storage.parameters import Parameters
from ..storage.segment import Segment
from ..word_vectors import WordVectors, ragged_rows
from .code_scores import code_scores
from .code_spans import CodeSpans
from .exact_match import exact_maxsim, shared_words
from .maxsim import maxsim
from .scores import Scores
from .summary_scores import summary_scores

if TYPE_CHECKING:  # torch is imported for a device of its own alone
    from .torch_scoring import TorchScoring

# Segments with numbers of documents within them, ascending.
Documents: TypeAlias = Sequence[tuple[Segment, NDArray[np.int64]]]


def score_documents(
    queries: WordVectors,
    documents: Documents,
    parameters: Parameters,
    summary_weight: float,
    *,
    exact_match: bool,
    scoring: TorchScoring | None = None,
) -> list[Scores]:
    """One `Scores` a query, of documents of one or several segments with the same parameters, in their order.

    summary_weight: the summary's share of a score; the words have the rest. exact_match: only identical words match;
    their words are found and scored on the CPU, few as they are. scoring: the device that does the rest; None: the CPU.
    """
    if exact_match:
        parts = [_exact_words(queries, parameters.words, segment, chosen) for segment, chosen in documents]
        words = np.concatenate(parts, axis=1)
    elif scoring is not None:
        words = scoring.word_scores(queries, parameters.words, documents)
    else:
        words = _words(queries, parameters.words, documents)
    words *= np.float32(1 - summary_weight)
    summary = np.zeros_like(words)
    if summary_weight and queries.summary is not None:
        assert parameters.summaries is not None
        summary = _summaries(queries.summary, parameters.summaries, documents, scoring)
        summary *= np.float32(summary_weight)
    rows = np.concatenate([segment.rows[chosen] for segment, chosen in documents])
    return [Scores(rows, *parts) for parts in zip(words, summary, strict=True)]


def _words(queries: WordVectors, codec: Codec, documents: Documents) -> NDArray[np.float32]:
    layout = codec.layout
    if layout is not None:
        spans = [(segment.words, segment.offsets[chosen], segment.offsets[chosen + 1]) for segment, chosen in documents]
        return code_scores(queries, layout, CodeSpans.of(spans))
    parts = []
    for segment, chosen in documents:
        words, offsets = ragged_rows(segment.offsets, chosen)
        parts.append(maxsim(queries, codec.decode(segment.words[words]), offsets))
    return np.concatenate(parts, axis=1)


def _summaries(
    queries: NDArray[np.float32], codec: Codec, documents: Documents, scoring: TorchScoring | None
) -> NDArray[np.float32]:
    if scoring is not None:
        return scoring.summary_scores(queries, codec, documents)
    return summary_scores(queries, codec, np.concatenate([segment.summaries[chosen] for segment, chosen in documents]))


def _exact_words(
    queries: WordVectors, codec: Codec, segment: Segment, chosen: NDArray[np.int64]
) -> NDArray[np.float32]:
    words, offsets = ragged_rows(segment.offsets, chosen)
    # Of most words the identity is all that is read: a vector is decoded only where it matches.
    word_ids = segment.word_ids_of(chosen, offsets)
    shared = shared_words(queries, word_ids)
    codes = segment.words[words[shared]]
    return exact_maxsim(queries, codec.decode(codes), np.searchsorted(shared, offsets), word_ids[shared])
