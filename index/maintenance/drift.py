"""Drift: how much worse a fitted first stage approximates documents that were added after it was fitted.

Pseudo-queries are drawn from the words of the documents, old or new. For each of them, the first stage's inner products
leave a share of the variance of the exact scores unexplained. Drift is the ratio of these shares, new documents to old:
1 means no drift.
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

# From here on a refit is worth its time. Without drift the ratio stays below, even where the first stage was fitted to
# so few documents that it approximates them better than any others.
HIGH = 2.0
# Documents of either kind, always as many: the share depends on how many others a query's own document stands out of.
_DOCUMENTS = 500
_QUERIES = 64
_QUERY_WORDS = 8


def drift(snapshot: Snapshot, summary_weight: float, query_length: float | None = None) -> float | None:
    """Ratio of the unexplained share of the newest documents to that of documents that the first stage was fitted to.

    Args:
        snapshot: The index.
        summary_weight: The summary's share of a score.
        query_length: Sum of a query's word norms, if the model fixes it.

    Returns:
        The ratio; None where nothing is fitted, there are too few documents of either kind, or the first stage's codes
        can't be decoded.
    """
    generation = snapshot.generation
    if generation is None:
        return None
    parameters = snapshot.parameters(generation.id)
    config = parameters.config
    if config.encoding is None or least_documents(config.encoding, config.reduction) == 1:
        return None
    segments = [segment for segment in snapshot.segments if segment.record.generation == generation.id]
    live = [segment.rows[snapshot.tombstones.live(segment)] for segment in segments]
    rows = np.concatenate([np.zeros(0, np.int64), *live])
    n_old = int(np.searchsorted(rows, generation.n_rows))
    if min(n_old, len(rows) - n_old) < _DOCUMENTS:
        return None
    old, shares = np.sort(np.random.default_rng(0).permutation(rows[:n_old])[:_DOCUMENTS]), []
    for chosen in (old, rows[-_DOCUMENTS:]):
        parts = [(segment, snapshot.tombstones.live_among(segment, chosen)) for segment in segments]
        encodings = [segment.candidates.vectors_of(numbers) for segment, numbers in parts]
        known = [part for part in encodings if part is not None]
        if len(known) < len(encodings):
            return None
        documents = snapshot.vectors(chosen)
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
