"""The lexical baseline: BM25 over a collection's documents."""

from __future__ import annotations

import numpy as np

from wordhive.retrieval.bm25 import Bm25

from .collections import Collection
from .runs import Run, ranking

_DEPTH = 1000


def bm25_run(collection: Collection) -> Run:
    """The 1000 best documents of each query by BM25, ties by id; see `Bm25`."""
    documents = list(collection.documents())
    ids = {row: document.id for row, document in enumerate(documents)}
    index = Bm25([document.text for document in documents])
    run: Run = {}
    for id, text in collection.queries.items():
        scores = index.scores(text)
        rows = np.flatnonzero(scores > 0)
        run[id] = ranking(rows, scores[rows], ids, _DEPTH)
    return run
