"""Pseudo-queries: some words of a document, or all, stand in for a query, where no real queries are known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..word_vectors import WordVectors


def pseudo_queries(sample: WordVectors, n: int, words: int, seed: int, length: float | None = None) -> WordVectors:
    """Draw queries from documents.

    Args:
        sample: The documents.
        n: Number of queries.
        words: Most words of a query.
        seed: Seed of the draw.
        length: Sum of the norms of a query's words. None keeps the documents' own norms.

    Returns:
        The queries, each with the summary of its document.
    """
    return of_length(drawn_queries(sample, n, words, np.random.default_rng((seed, 0x9E5))), length)


def of_length(queries: WordVectors, length: float | None) -> WordVectors:
    """Queries the norms of whose words have that sum; None keeps them as they are."""
    if length is None or not len(queries.vectors):
        return queries
    # Beside a summary of length 1 it matters how long the words are.
    norms = np.linalg.norm(queries.vectors, axis=1)
    sums = np.repeat(np.add.reduceat(norms, queries.offsets[:-1]), queries.counts)
    factors: NDArray[np.float32] = np.where(sums > 0, length / np.maximum(sums, 1e-12), 0).astype(np.float32)
    return WordVectors(queries.vectors * factors[:, None], queries.offsets, queries.word_ids, queries.summary)


def drawn_queries(sample: WordVectors, n: int, words: int, random: np.random.Generator) -> WordVectors:
    """The same with the words' own norms, drawn by a generator."""
    with_words = np.flatnonzero(sample.counts)
    sources = random.choice(with_words if len(with_words) else len(sample), n)
    rows = [sample.offsets[text] + random.permutation(sample.counts[text])[:words] for text in sources]
    drawn = WordVectors.from_list([sample.vectors[chosen] for chosen in rows])
    summary = None if sample.summary is None else sample.summary[sources]
    return WordVectors(drawn.vectors, drawn.offsets, drawn.word_ids, summary)
