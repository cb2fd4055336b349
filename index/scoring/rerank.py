"""The second stage: exact scores of documents from their codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..codecs import Codec
from ..lexical.lexical_queries import LexicalQueries
from ..vectors.ragged import ragged_rows
from ..word_vectors import WordVectors
from .best_window import Opened
from .code_scores import code_scores
from .code_spans import CodeSpans
from .coded_documents import ChosenDocuments, CodedDocuments
from .exact_match import exact_maxsim, shared_words
from .maxsim import maxsim
from .scores import Scores
from .summary_scores import summary_scores

if TYPE_CHECKING:  # torch is imported only for a GPU
    from .torch_scoring import TorchScoring


def score_documents(
    queries: WordVectors,
    documents: ChosenDocuments,
    words_codec: Codec,
    summaries_codec: Codec | None,
    summary_weight: float,
    *,
    exact_match: bool,
    lexical: LexicalQueries | None = None,
    most: int | None = None,
    scoring: TorchScoring | None = None,
) -> list[Scores]:
    """The scores of documents, in their order: one `Scores` for each query.

    A document of several windows has the score of its best window.

    Args:
        queries: The queries.
        documents: Documents of one or several segments, coded by the same codecs.
        words_codec: Codec of the words.
        summaries_codec: Codec of the summaries; None where documents have none.
        summary_weight: The summary's share of a score; the words have the rest.
        exact_match: Only identical words match. They are few, and scored on the CPU.
        lexical: What their words add to documents that have them; None: nothing. It is computed on the CPU.
        most: Leave out documents that can't be among so many best of a single query. None: keep all.
        scoring: The device that computes everything else. None: the CPU.
    """
    opened = Opened.of(documents)
    windows = opened.documents
    if exact_match:
        parts = [_exact_words(queries, words_codec, coded, chosen) for coded, chosen in windows]
        words = np.concatenate(parts, axis=1)
    elif scoring is not None:
        words = scoring.word_scores(queries, words_codec, windows)
    else:
        words = _words(queries, words_codec, windows)
    words *= np.float32(1 - summary_weight)
    summary = np.zeros_like(words)
    if summary_weight and queries.summary is not None:
        assert summaries_codec is not None
        summary = _summaries(queries.summary, summaries_codec, windows, scoring)
        summary *= np.float32(summary_weight)
    words, summary = opened.best(words, summary)
    if lexical is not None and len(queries) == 1 and most is not None and most < words.shape[1]:
        kept = _within_reach(words[0] + summary[0], most, float(lexical.weights.sum()))
        words, summary, documents = words[:, kept], summary[:, kept], _those(documents, kept)
    shared = np.zeros_like(words)
    if lexical is not None and len(lexical.word_ids):
        shared = np.concatenate([coded.lexical_scores(lexical, chosen) for coded, chosen in documents], axis=1)
    rows = np.concatenate([coded.rows[chosen] for coded, chosen in documents])
    return [Scores(rows, *parts) for parts in zip(words, summary, shared, strict=True)]


def _within_reach(scores: NDArray[np.float32], most: int, gain: float) -> NDArray[np.bool_]:
    """Which documents can be among so many best, if each may gain from 0 to `gain`."""
    border = float(np.partition(scores, len(scores) - most)[len(scores) - most])
    return scores >= border - gain - 1e-5 * (abs(border) + gain)


def _those(documents: ChosenDocuments, kept: NDArray[np.bool_]) -> ChosenDocuments:
    ends = np.cumsum([len(chosen) for _, chosen in documents])[:-1]
    return [(coded, own[part]) for (coded, own), part in zip(documents, np.split(kept, ends), strict=True)]


def _words(queries: WordVectors, codec: Codec, documents: ChosenDocuments) -> NDArray[np.float32]:
    layout = codec.layout
    if layout is not None:
        spans = [(coded.words, coded.offsets[chosen], coded.offsets[chosen + 1]) for coded, chosen in documents]
        return code_scores(queries, layout, CodeSpans.of(spans))
    parts = []
    for coded, chosen in documents:
        words, offsets = ragged_rows(coded.offsets, chosen)
        parts.append(maxsim(queries, codec.decode(coded.words[words]), offsets))
    return np.concatenate(parts, axis=1)


def _summaries(
    queries: NDArray[np.float32], codec: Codec, documents: ChosenDocuments, scoring: TorchScoring | None
) -> NDArray[np.float32]:
    if scoring is not None:
        return scoring.summary_scores(queries, codec, documents)
    return summary_scores(queries, codec, np.concatenate([coded.summaries[chosen] for coded, chosen in documents]))


def _exact_words(
    queries: WordVectors, codec: Codec, coded: CodedDocuments, chosen: NDArray[np.int64]
) -> NDArray[np.float32]:
    words, offsets = ragged_rows(coded.offsets, chosen)
    # Of most words only the identity is read; a vector is decoded only where it matches.
    word_ids = coded.word_ids_of(chosen, offsets)
    shared = shared_words(queries, word_ids)
    codes = coded.words[words[shared]]
    return exact_maxsim(queries, codec.decode(codes), np.searchsorted(shared, offsets), word_ids[shared])
