"""The lexical baseline: BM25 over a collection's documents."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from wordhive.retrieval.texts.bm25 import Bm25

from .collections.collection import Collection
from .runs import Run, ranking, without_itself

_DEPTH = 1000


def bm25_index(
    collection: Collection, *, stemmer: str | None = None, k1: float = 1.5, b: float = 0.75
) -> tuple[Bm25, dict[int, str]]:
    """The index of a collection's documents, none of which is held, and the ids of its rows; see `Bm25`."""
    ids: dict[int, str] = {}

    def texts() -> Iterator[str]:
        for row, document in enumerate(collection.documents()):
            ids[row] = document.id
            yield document.text

    return Bm25(texts(), stemmer=stemmer, k1=k1, b=b), ids


def bm25_run(collection: Collection) -> Run:
    """The 1000 best documents of each query by BM25, ties by id; see `Bm25`."""
    index, ids = bm25_index(collection)
    own, run = collection.without_itself, Run()
    for id, text in collection.queries.items():
        scores = index.scores(text)
        rows = np.flatnonzero(scores > 0)
        run[id] = ranking(rows, scores[rows], ids, _DEPTH + own)
    return without_itself(run, _DEPTH) if own else run
