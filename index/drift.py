"""Drift: how much worse the fitted first stage stands for documents that came after it was fitted.

Both kinds of documents are asked pseudo-queries of their own words, and the first stage's inner products are compared
with exact scores: within each query, the share of the scores' variance that they leave unexplained. Drift is the ratio
of these shares, new to old: 1 where new documents are like those that the first stage was fitted to.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .encodings import least_documents
from .encodings.fused import pseudo_queries
from .maxsim import maxsim
from .parameters import Parameters
from .snapshot import Snapshot
from .word_vectors import WordVectors

# From here on a refit is worth its time; between documents of one kind the ratio is known to about a tenth.
HIGH = 1.5
# Documents of either kind that are compared, and the fewest that tell something.
_MOST = 500
_LEAST = 200
_QUERIES = 64
_QUERY_WORDS = 8


def drift(now: Snapshot, summary_weight: float, query_length: float | None = None) -> float | None:
    """The unexplained share of the newest documents relative to that of those to which the first stage was fitted.

    query_length: see `FusedEncoding.fit`. None where nothing is fitted, or there are too few documents of either kind.
    """
    if now.generation is None:
        return None
    parameters = now.parameters(now.generation.id)
    config = parameters.config
    if config.encoding is None or least_documents(config.encoding, config.reduction) == 1:
        return None
    rows = np.concatenate([segment.rows[now.live(segment)] for segment in now.segments])
    place = int(np.searchsorted(rows, now.generation.n_rows))
    old, new = rows[:place], rows[place:][-_MOST:]
    if min(len(old), len(new)) < _LEAST:
        return None
    old = np.random.default_rng(0).permutation(old)[:_MOST]
    before, after = (
        _unexplained(parameters, now.vectors(chosen), summary_weight, query_length) for chosen in (old, new)
    )
    return after / before if before > 0 else None


def _unexplained(
    parameters: Parameters, documents: WordVectors, summary_weight: float, query_length: float | None
) -> float:
    """The mean over pseudo-queries of 1 − r², r between first-stage and exact scores of all documents."""
    reduction = parameters.config.reduction
    words = reduction.query_words if reduction else _QUERY_WORDS
    queries = pseudo_queries(documents, _QUERIES, words, 0, query_length)
    exact = maxsim(queries, documents.vectors, documents.offsets)
    if queries.summary is not None and documents.summary is not None:
        exact = (1 - summary_weight) * exact + summary_weight * queries.summary @ documents.summary.T
    left, right = (_centred(scores) for scores in (exact, _first_stage(parameters, queries, documents)))
    spread = (left**2).sum(axis=1) * (right**2).sum(axis=1)
    products = (left * right).sum(axis=1) ** 2
    return float((1 - products[spread > 0] / spread[spread > 0]).mean()) if spread.any() else 0.0


def _first_stage(parameters: Parameters, queries: WordVectors, documents: WordVectors) -> NDArray[np.float32]:
    """The inner products that a search would find: with the documents' codes, where those can be decoded."""
    encoding, candidates = parameters.encoding, parameters.empty_candidates(len(documents))
    assert encoding is not None
    assert candidates is not None
    encoded = encoding.encode_documents(documents)
    candidates.add(encoded)
    held = candidates.vectors(encoded.size)
    products: NDArray[np.float32] = encoding.encode_queries(queries) @ (encoded if held is None else held).T
    return products


def _centred(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    centred: NDArray[np.float64] = scores - scores.mean(axis=1, keepdims=True, dtype=np.float64)
    return centred
