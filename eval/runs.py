"""Runs: for every query, documents and their scores; measured by ranx, written as TREC files."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

Run = dict[str, dict[str, float]]
Qrels = dict[str, dict[str, int]]

MEASURES = ("ndcg@10", "mrr@10", "recall@100", "recall@1000", "map")


def ranking(rows: NDArray[np.int64], scores: NDArray[np.float32], ids: dict[int, str], k: int) -> dict[str, float]:
    """The k best documents with their scores, best first; ties go to the smaller id."""
    if len(rows) > k:
        border = np.partition(scores, len(scores) - k)[len(scores) - k]
        best = scores >= border
        rows, scores = rows[best], scores[best]
    pairs = sorted(zip(scores.tolist(), (ids[row] for row in rows.tolist()), strict=True), key=lambda p: (-p[0], p[1]))
    return {id: score for score, id in pairs[:k]}


def measure(qrels: Qrels, run: Run, measures: Iterable[str] = MEASURES) -> dict[str, float]:
    """The means of the measures over all judged queries; a query without results counts 0.

    run: each query's documents in the order of their ranks.
    """
    import ranx

    # ranx sorts by score, equal ones anyhow: it gets the ranks. It knows no empty ranking: an unjudged document
    # stands for one.
    complete = {id: {document: -float(rank) for rank, document in enumerate(run.get(id) or {"": 0.0})} for id in qrels}
    names = list(measures)
    with warnings.catch_warnings():
        # Of a cast in ranx's own kernels, each time they are compiled.
        warnings.filterwarnings("ignore", message="unsafe cast from uint64 to int64")
        found = ranx.evaluate(ranx.Qrels(qrels), ranx.Run(complete), names)
    # For a single measure ranx gives its value, not a dict.
    return {name: float(found[name] if isinstance(found, dict) else found) for name in names}


def trec_lines(run: Run, tag: str) -> Iterator[str]:
    """A run as TREC writes it, with line ends: query, Q0, document, rank from 1, score, tag.

    White space in an id, which the format can't hold, is written as in a URL (%20).
    """
    for query, documents in run.items():
        for rank, (document, score) in enumerate(documents.items(), 1):
            yield f"{_word(query)} Q0 {_word(document)} {rank} {score:.6f} {tag}\n"


def _word(id: str) -> str:
    return "".join(quote(character) if character.isspace() else character for character in id)
