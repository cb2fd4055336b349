"""Exact scores of texts that are in no index, from their vectors as they were encoded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wordhive.index import WordVectors
from wordhive.index.scoring.exact_match import exact_maxsim
from wordhive.index.scoring.maxsim import maxsim


def text_scores(
    query: WordVectors, documents: WordVectors, weight: float, *, exact_match: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Both parts of each document's score for a query, weighted: of its words, and of its summary; float32 `[n]`.

    Args:
        query: Of one text.
        documents: The documents.
        weight: The summary's share of a score.
        exact_match: Only identical words match.
    """
    if exact_match:
        words = exact_maxsim(query, documents.vectors, documents.offsets, documents.word_ids)[0]
    else:
        words = maxsim(query, documents.vectors, documents.offsets)[0]
    if query.summary is None or documents.summary is None:
        return words * np.float32(1 - weight), np.zeros(len(documents), np.float32)
    return words * np.float32(1 - weight), (documents.summary @ query.summary[0]) * np.float32(weight)
