"""Drift: how much worse the fitted first stage stands for documents that came after it was fitted.

Both kinds of documents are asked pseudo-queries of their own words, and the first stage's inner products are compared
with exact scores: within each query, the share of the scores' variance that they leave unexplained. Drift is the ratio
of these shares, new to old: 1 where new documents are like those that the first stage was fitted to.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..encodings import least_documents
from ..encodings.pseudo_queries import pseudo_queries
from ..reading.snapshot import Snapshot
from ..scoring.maxsim import maxsim
from ..storage.parameters import Parameters
from ..word_vectors import WordVectors

# From here on a refit is worth its time. Documents of one kind stay below it, even where the first stage was fitted to
# few, and stands for those better than for any that come.
HIGH = 2.0
# Documents of either kind that are compared: as many of both, and always as many, since the share depends on how many
# others a query's own document stands out of.
_DOCUMENTS = 500
_QUERIES = 64
_QUERY_WORDS = 8


def drift(now: Snapshot, summary_weight: float, query_length: float | None = None) -> float | None:
    """The unexplained share of the newest documents relative to that of those to which the first stage was fitted.

    query_length: see `FusedEncoding.fit`. None where nothing is fitted, there are too few documents of either kind, or
    what the first stage holds of them can't be decoded.
    """
    generation = now.generation
    if generation is None:
        return None
    parameters = now.parameters(generation.id)
    config = parameters.config
    if config.encoding is None or least_documents(config.encoding, config.reduction) == 1:
        return None
    segments = [segment for segment in now.segments if segment.record.generation == generation.id]
    rows = np.concatenate([segment.rows[now.live(segment)] for segment in segments] or [np.zeros(0, np.int64)])
    place = int(np.searchsorted(rows, generation.n_rows))
    if min(place, len(rows) - place) < _DOCUMENTS:
        return None
    old, shares = np.sort(np.random.default_rng(0).permutation(rows[:place])[:_DOCUMENTS]), []
    for chosen in (old, rows[-_DOCUMENTS:]):
        encodings = [segment.candidates.vectors_of(now.among(segment, chosen)) for segment in segments]
        known = [part for part in encodings if part is not None]
        if len(known) < len(encodings):
            return None
        documents = now.vectors(chosen)
        shares.append(_unexplained(parameters, documents, np.concatenate(known), summary_weight, query_length))
    return shares[1] / shares[0] if shares[0] > 0 else None


def _unexplained(
    parameters: Parameters,
    documents: WordVectors,
    encodings: NDArray[np.float32],
    summary_weight: float,
    query_length: float | None,
) -> float:
    """The mean over pseudo-queries of 1 − r², r between first-stage and exact scores of all documents."""
    encoding, reduction = parameters.encoding, parameters.config.reduction
    assert encoding is not None
    words = reduction.query_words if reduction else _QUERY_WORDS
    queries = pseudo_queries(documents, _QUERIES, words, 0, query_length)
    exact = maxsim(queries, documents.vectors, documents.offsets)
    if queries.summary is not None and documents.summary is not None:
        exact = (1 - summary_weight) * exact + summary_weight * queries.summary @ documents.summary.T
    left, right = _centred(exact), _centred(encoding.encode_queries(queries) @ encodings.T)
    spread = (left**2).sum(axis=1) * (right**2).sum(axis=1)
    products = (left * right).sum(axis=1) ** 2
    return float((1 - products[spread > 0] / spread[spread > 0]).mean()) if spread.any() else 0.0


def _centred(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    centred: NDArray[np.float64] = scores - scores.mean(axis=1, keepdims=True, dtype=np.float64)
    return centred
