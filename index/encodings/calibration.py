"""The scale of an encoding's inner products: what one unit of them is worth in the words' exact score."""

from __future__ import annotations

import numpy as np

from ..scoring.maxsim import maxsim
from ..word_vectors import WordVectors
from .encoding import Encoding
from .pseudo_queries import drawn_queries

_QUERIES = 64
_QUERY_WORDS = 12
_DOCUMENTS = 1000


def fitted_scale(encoding: Encoding, sample: WordVectors, seed: int) -> float:
    """The least-squares slope of exact scores on inner products, within each of a sample of pseudo-queries."""
    random = np.random.default_rng((seed, 0x5CA1E))
    with_words = np.flatnonzero(sample.counts)
    if len(with_words) < 2:
        return 1.0
    documents = sample.take(random.permutation(with_words)[:_DOCUMENTS])
    queries = drawn_queries(sample, _QUERIES, _QUERY_WORDS, random)
    exact = maxsim(queries, documents.vectors, documents.offsets)
    approximate = encoding.encode_queries(queries) @ encoding.encode_documents(documents).T
    exact -= exact.mean(axis=1, keepdims=True)
    approximate -= approximate.mean(axis=1, keepdims=True)
    spread = float((approximate**2).sum())
    slope = float((exact * approximate).sum()) / spread if spread > 0 else 1.0
    # A slope at or below 0 says that the sample is too small to tell.
    return slope if slope > 0 else 1.0
