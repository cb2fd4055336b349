"""An index of some documents in several commits, and all that is found in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from wordhive.index import Index, IndexConfig, MuveraConfig, WordVectors

CONFIG = IndexConfig(codec="SQ8", encoding=MuveraConfig(repetitions=4, bits=2, projection_dim=4), candidates="SQ8")


def ids(*numbers: int) -> list[str]:
    return [f"d{number}" for number in numbers]


def filled(path: Path, documents: WordVectors, parts: int = 3, config: IndexConfig = CONFIG) -> Index:
    index = Index.create(path, config, summary_weight=0.5)
    for part in np.array_split(np.arange(len(documents)), parts):
        index.add(ids(*part), documents.take(part), [f"text {row}" for row in part])
    return index


def scores(index: Index, queries: WordVectors) -> dict[str, list[float]]:
    """Every document's exact score for each query, and that the first stage finds just these documents."""
    names, found = index.snapshot().ids(), {}
    for block in index.snapshot().score_all(queries):
        for row, *values in zip(block[0].rows.tolist(), *(one.total for one in block), strict=True):
            found[names[row]] = [float(value) for value in values]
    for rows in index.snapshot().find_candidates(queries, len(index) + 5):
        assert sorted(names[row] for row in rows.tolist()) == sorted(found)
    assert sorted(names.values()) == sorted(found)
    assert len(index) == len(found)
    assert sorted(index.snapshot().documents(list(names))) == sorted(names)
    return found
